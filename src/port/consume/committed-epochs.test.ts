/** The leader epoch that a consumer commits with an offset (KIP-320): that of the batch it processed last. */
import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import * as z from 'zod'
import { SimulatedLog } from '../../broker/simulated-log.test-support.ts'
import { append } from '../conformance/harness.ts'
import { topic } from '../../schema/index.ts'
import { settle } from '../../../test/settle.ts'
import { createLog, type LogPort } from '../index.ts'

const numbers = topic('numbers', { value: z.int(), partitions: 1 })
const at = { topic: 'numbers', partition: 0 }

test('a commit carries the epoch of the last batch, until a seek', async () => {
  const simulated = new SimulatedLog()
  const { clock } = simulated
  let port: LogPort = await simulated.open()
  await settle(clock, port.createTopic('numbers', { partitions: 1 }))
  const write = async (values: string[]): Promise<void> => {
    const writer = await settle(clock, port.openWriter())
    await settle(clock, append(writer, 'numbers', values))
    await settle(clock, writer.close())
  }
  const committed = async (): Promise<unknown> => {
    const [found] = await settle(clock, port.committedOffsets('g', [at]))
    return [found?.offset, found?.leaderEpoch]
  }
  const consume = async (): Promise<void> => {
    const consumer = createLog(port, clock).consumer(numbers, { group: 'g', until: 'end' })
    for await (const record of consumer) void record
  }

  await write(['1', '2'])
  await settle(clock, consume())
  deepEqual(await committed(), [2, 0])
  // A start after a crash raises the epoch.
  port = await simulated.crash()
  await settle(clock, consume())
  deepEqual(await committed(), [2, 0])
  await write(['3', '4', '5'])
  const consumer = createLog(port, clock).consumer(numbers, { group: 'g', autoCommitMs: false })
  const records = consumer[Symbol.asyncIterator]()
  await settle(clock, records.next())
  await settle(clock, consumer.commit())
  deepEqual(await committed(), [3, 1])
  await settle(clock, consumer.seek(0, 1))
  await settle(clock, consumer.commit())
  deepEqual(await committed(), [1, undefined])
  await settle(clock, records.next())
  await settle(clock, consumer.commit())
  deepEqual(await committed(), [2, 0])
  await settle(clock, consumer.close())
  await settle(clock, simulated.close())
})
