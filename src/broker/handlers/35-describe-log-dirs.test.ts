import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { messages, type RequestInput } from '../../wire/index.ts'
import { everyVersion } from '../server/raw-client.test-support.ts'
import { batchOf, startTestServer } from '../server/server.test-support.ts'
import { errorCodes } from './error-codes.ts'

const { describeLogDirs, produce } = messages
type Topics = RequestInput<typeof describeLogDirs>['topics']

test('DescribeLogDirs: the bytes of partitions, in every version', async context => {
  const { connect, log } = await startTestServer(context)
  await log.createTopic('orders', { partitions: 2 })
  const client = await connect()
  const records = batchOf(['a', 'b'])
  const bytes = records.length
  const topicData = [{ name: 'orders', partitionData: [{ index: 0, records }] }]
  await client.ask(produce, 9, { acks: -1, timeoutMs: 1000, topicData })
  const sizes = async (version: number, topics: Topics): Promise<Record<string, number>> => {
    const { errorCode, results } = await client.ask(describeLogDirs, version, { topics })
    deepEqual([errorCode, results.length], [errorCodes.NONE, 1])
    deepEqual([results[0]!.errorCode, results[0]!.logDir], [errorCodes.NONE, '/data'])
    return Object.fromEntries(
      results[0]!.topics.flatMap(({ name, partitions }) =>
        partitions.map(each => [`${name}-${each.partitionIndex}`, each.partitionSize]),
      ),
    )
  }
  const both = { 'orders-0': bytes, 'orders-1': 0 }
  for (const version of everyVersion(describeLogDirs))
    deepEqual(await sizes(version, [{ topic: 'orders', partitions: [0, 1] }]), both)
  const odd = [
    { topic: 'orders', partitions: [0, 7, -1] },
    { topic: 'orders', partitions: [0] },
    { topic: 'missing', partitions: [0] },
    { topic: '', partitions: [0] },
  ]
  deepEqual(await sizes(4, odd), { 'orders-0': bytes })
  deepEqual(await sizes(4, []), {})
  deepEqual(await sizes(4, null), { '__consumer_offsets-0': 0, '__transaction_state-0': 0, ...both })
})

test(
  'DescribeLogDirs: a topic that is named very often is asked for once',
  { timeout: 30_000 },
  async context => {
    const { connect, log } = await startTestServer(context)
    await log.createTopic('orders')
    const client = await connect()
    const topics = Array.from({ length: 50_000 }, (_, n) => ({ topic: 'orders', partitions: [n] }))
    const { results } = await client.ask(describeLogDirs, 4, { topics })
    equal(results[0]!.topics[0]!.partitions.length, 1)
  },
)

test('DescribeLogDirs: the room on the device, where it is known', async context => {
  const { connect, disk } = await startTestServer(context)
  const client = await connect()
  const room = async (): Promise<number[]> => {
    const { results } = await client.ask(describeLogDirs, 4, { topics: [] })
    return [results[0]!.totalBytes, results[0]!.usableBytes]
  }
  deepEqual(await room(), [-1, -1])
  disk.capacityBytes = 1 << 20
  const [totalBytes, usableBytes] = await room()
  equal(totalBytes, 1 << 20)
  equal(usableBytes! > 0 && usableBytes! < 1 << 20, true)
})

test('DescribeLogDirs: a disk that fails', async context => {
  const { connect, disk } = await startTestServer(context)
  const client = await connect()
  disk.failCall({ call: 1, kind: 'EIO', times: 'once' })
  const { results } = await client.ask(describeLogDirs, 4, { topics: [] })
  deepEqual([results[0]!.errorCode, results[0]!.logDir], [errorCodes.KAFKA_STORAGE_ERROR, '/data'])
})
