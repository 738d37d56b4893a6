/** A broker for one test: over a simulated disk, listening on the machine's loopback. */
import type { TestContext } from 'node:test'
import { nodeNet, seededRandom, systemClock } from '../../base/index.ts'
import { createLog, type Log } from '../../port/index.ts'
import { SimulatedDisk } from '../../testing/simulated-disk.ts'
import { BatchBuilder, type BatchStamp } from '../../wire/index.ts'
import { InProcessLog, type InProcessLogOptions } from '../in-process.ts'
import type { KafkaServer, KafkaServerOptions } from './kafka-server.ts'
import { RawClient } from './raw-client.test-support.ts'

export interface TestServer {
  readonly port: InProcessLog
  readonly disk: SimulatedDisk
  /** The same log in process. */
  readonly log: Log
  readonly server: KafkaServer
  /** What {@link KafkaServerOptions.onError} was told. */
  readonly errors: unknown[]
  readonly connect: () => Promise<RawClient>
}

/** It is closed after the test, with its clients. */
export async function startTestServer(
  context: Pick<TestContext, 'after'>,
  options: Partial<KafkaServerOptions> & { readonly log?: Partial<InProcessLogOptions> } = {},
): Promise<TestServer> {
  const random = seededRandom(1)
  const disk = new SimulatedDisk({ random })
  const port = await InProcessLog.open('/data', { ...options.log, disk, clock: systemClock, random })
  const errors: unknown[] = []
  const server = await port.listen({
    net: nodeNet,
    address: { port: 0 },
    onError: error => errors.push(error),
    ...options,
  })
  const clients: RawClient[] = []
  context.after(async () => {
    for (const client of clients) client.close()
    await port.close()
  })
  return {
    port,
    disk,
    log: createLog(port, systemClock),
    server,
    errors,
    async connect() {
      const client = await RawClient.connect(nodeNet, server.address)
      clients.push(client)
      return client
    },
  }
}

/** One batch with these values. */
export function batchOf(values: readonly string[], stamp: BatchStamp = {}): Uint8Array {
  const builder = new BatchBuilder()
  for (const value of values) builder.append(1_700_000_000_000, null, value)
  return builder.build(stamp)
}
