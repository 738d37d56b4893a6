/** Opens in-process logs for tests: in a new folder that is removed at the end. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { nodeDisk, seededRandom, systemClock, systemRandom, type Random } from '../../src/base/index.ts'
import { InProcessLog } from '../../src/broker/index.ts'
import { tinyLimits } from '../tiny-limits.ts'
import { drain } from '../../src/port/conformance/harness.ts'
import { createLog, type Log } from '../../src/port/index.ts'
import { SimulatedDisk } from '../../src/testing/simulated-disk.ts'
import { virtualClock, type VirtualClock } from '../../src/testing/virtual-clock.ts'
import { withPower, type ProcessEnd } from '../power.ts'

export function temporaryFolder(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'millrace-broker-'))
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) }
}

export function openPort(path: string): Promise<InProcessLog> {
  return InProcessLog.open(path, { disk: nodeDisk, clock: systemClock, random: systemRandom })
}

/** A log for one test. */
export async function openTestLog(context: TestContext): Promise<Log> {
  const folder = temporaryFolder()
  const log = createLog(await openPort(folder.path), systemClock)
  context.after(async () => {
    await log.close()
    folder.remove()
  })
  return log
}

/** The values of a partition, of all that its reader gets, once it is readable to its end. */
export async function valuesIn(port: InProcessLog, topic: string, partition = 0): Promise<string[]> {
  await port.offsets(topic, partition, 'latest')
  const reader = await port.openReader()
  reader.assign([{ topic, partition, offset: 0 }])
  const shown = await drain(reader, topic, partition)
  await reader.close()
  return shown.map(({ value }) => value)
}

/**
 * A log over a simulated disk and a clock that moves only when told to, which can lose power and be opened
 * again. Each time its internal logs have other tiny limits.
 */
export class SimulatedLog {
  readonly disk: SimulatedDisk
  readonly clock: VirtualClock = virtualClock(1_000_000)
  readonly #random: Random
  #port: InProcessLog | undefined
  /** Cuts off the process that has the disk open now. */
  #cut: () => void = () => undefined

  constructor(random: Random = seededRandom(1), disk: SimulatedDisk = new SimulatedDisk({ random })) {
    this.#random = random
    this.disk = disk
  }

  /** Opens the log in a process that ends at the given call to the disk. */
  async open(callsUntilEnd: number = Infinity, how: ProcessEnd = 'crash'): Promise<InProcessLog> {
    // The folder itself is there for good: what becomes of it is not what is tested here.
    await this.disk.makeDirectory('/data')
    await this.disk.syncDirectory('/')
    const process = withPower(this.disk, callsUntilEnd, how)
    this.#cut = process.end
    this.#port = await InProcessLog.open('/data', {
      disk: process.disk,
      clock: this.clock,
      random: this.#random,
      internal: tinyLimits(this.#random),
    })
    return this.#port
  }

  /** The process ends, if it has not: power is lost. The log that was open is of no use any more. */
  async crash(): Promise<InProcessLog> {
    this.#cut()
    return this.open()
  }

  async close(): Promise<void> {
    await this.#port?.close()
  }
}
