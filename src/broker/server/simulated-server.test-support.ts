/**
 * A broker over a simulated disk, network and clock: nothing happens but what the clock is advanced for, so
 * that a test with faults repeats from its seed.
 */
import type { TestContext } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { seededRandom, type Connection, type Disk, type Random } from '../../base/index.ts'
import { createLog, type Log } from '../../port/index.ts'
import { SimulatedDisk } from '../../testing/simulated-disk.ts'
import { SimulatedNet, type SimulatedNetOptions } from '../../testing/simulated-net.ts'
import { virtualClock, type VirtualClock } from '../../testing/virtual-clock.ts'
import { InProcessLog, type InProcessLogOptions } from '../in-process.ts'
import type { KafkaServer } from './kafka-server.ts'
import type { ServerLimits } from './server-limits.ts'
import { RawClient } from './raw-client.test-support.ts'

export interface SimulatedServerOptions {
  readonly random?: Random
  readonly disk?: Disk
  readonly limits?: Partial<ServerLimits>
  readonly net?: Partial<SimulatedNetOptions>
  readonly log?: Partial<InProcessLogOptions>
}

export interface SimulatedServer {
  readonly clock: VirtualClock
  readonly net: SimulatedNet
  readonly port: InProcessLog
  /** The same log in process. */
  readonly log: Log
  readonly server: KafkaServer
  readonly errors: unknown[]
  /** A connection as it is, for what no client sends, from a host. */
  readonly open: (host?: string) => Promise<Connection>
  readonly connect: () => Promise<RawClient>
  /** Lets time pass until the promise has settled; at most so much. */
  readonly until: <T>(promise: Promise<T>, msMax?: number) => Promise<T>
}

const stepMs = 20

/** It is closed after the test; `context` undefined: by its caller. */
export async function startSimulatedServer(
  context: Pick<TestContext, 'after'> | undefined,
  options: SimulatedServerOptions = {},
): Promise<SimulatedServer> {
  const { random = seededRandom(1), limits } = options
  const clock = virtualClock(1_700_000_000_000)
  const disk = options.disk ?? new SimulatedDisk({ random })
  const net = new SimulatedNet({ clock, random, ...options.net })
  const until = async <T>(promise: Promise<T>, msMax = 120_000): Promise<T> => {
    const state = { isSettled: false }
    const settle = (): void => void (state.isSettled = true)
    promise.then(settle, settle)
    await setImmediate()
    for (const endMs = clock.monotonic() + msMax; !state.isSettled; await clock.advance(stepMs))
      if (clock.monotonic() > endMs) throw new Error(`Nothing came within ${msMax} ms.`)
    return promise
  }
  const port = await until(InProcessLog.open('/data', { ...options.log, disk, clock, random }))
  const errors: unknown[] = []
  const onError = (error: unknown): void => void errors.push(error)
  const server = await port.listen({ net: net.host('broker'), address: { port: 9092 }, onError, limits })
  context?.after(() => until(port.close()))
  const address = { host: 'broker', port: 9092 }
  return {
    clock,
    net,
    port,
    log: createLog(port, clock),
    server,
    errors,
    open: (host = 'client') => until(net.host(host).connect(address)),
    connect: () => until(RawClient.connect(net.host('client'), address)),
    until,
  }
}
