import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { messages } from '../../wire/index.ts'
import { batchOf, startTestServer } from './server.test-support.ts'
import { serverLimits } from './server-limits.ts'

const { apiVersions, describeTopicPartitions, fetch, metadata, produce } = messages

test('no limit, by the values with which Kafka says so', () => {
  const limits = serverLimits({
    configNumber: name => (name === 'max.connections.per.ip' ? 0x7fff_ffff : -1),
  })
  const { queuedBytesMax, connectionsPerHostMax, idleMsMax } = limits
  deepEqual([queuedBytesMax, connectionsPerHostMax, idleMsMax], [Infinity, Infinity, Infinity])
})

test('the configs of the broker bound connections and requests', async context => {
  const configs = { 'max.connections.per.ip': 1, 'socket.request.max.bytes': 200 }
  const { connect } = await startTestServer(context, { log: { configs } })
  const client = await connect()
  await client.ask(apiVersions, 0, {})
  equal(await (await connect()).frame().catch(() => undefined), undefined)
  await client.send(metadata, 1, { topics: [{ name: 'x'.repeat(200) }] })
  equal(await client.frame().catch(() => undefined), undefined)
})

test('the configs of the broker bound fetches and their sessions', async context => {
  const configs = { 'fetch.max.bytes': 1024, 'max.incremental.fetch.session.cache.slots': 0 }
  const { connect, log } = await startTestServer(context, { log: { configs } })
  await log.createTopic('orders', { partitions: 2 })
  const client = await connect()
  const topicData = [
    {
      name: 'orders',
      partitionData: [0, 1].map(index => ({ index, records: batchOf(['x'.repeat(800)]) })),
    },
  ]
  await client.ask(produce, 9, { acks: -1, timeoutMs: 1000, topicData })
  const fetched = await client.ask(fetch, 11, {
    maxWaitMs: 0,
    minBytes: 1,
    sessionEpoch: 0,
    topics: [
      {
        topic: 'orders',
        partitions: [0, 1].map(partition => ({ partition, fetchOffset: 0, partitionMaxBytes: 1 << 20 })),
      },
    ],
  })
  equal(fetched.sessionId, 0)
  const filled = fetched.responses[0]!.partitions.filter(({ records }) => records!.length > 0)
  equal(filled.length, 1)
})

test('the config of the broker bounds the answer to DescribeTopicPartitions', async context => {
  const configs = { 'max.request.partition.size.limit': 3 }
  const { connect, log } = await startTestServer(context, { log: { configs } })
  await log.createTopic('orders', { partitions: 5 })
  const client = await connect()
  const answer = await client.ask(describeTopicPartitions, 0, { topics: [{ name: 'orders' }] })
  deepEqual([answer.topics[0]!.partitions.length, answer.nextCursor?.partitionIndex], [3, 3])
})
