import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { messages } from '../../wire/index.ts'
import { everyVersion } from '../server/raw-client.test-support.ts'
import { batchOf, startTestServer } from '../server/server.test-support.ts'
import { errorCodes } from './error-codes.ts'

const { createPartitions, metadata, produce } = messages
const { NONE, INVALID_PARTITIONS, INVALID_REPLICA_ASSIGNMENT, INVALID_REQUEST } = errorCodes

function asked(name: string, count: number, assignments: number[][] | null = null) {
  return { name, count, assignments: assignments && assignments.map(brokerIds => ({ brokerIds })) }
}

test('CreatePartitions: adds partitions in every version, which clients use', async context => {
  const { connect, log } = await startTestServer(context)
  await log.createTopic('orders')
  const client = await connect()
  let count = 1
  for (const version of everyVersion(createPartitions)) {
    count += 1
    const request = { topics: [asked('orders', count)], timeoutMs: 1000 }
    await client.ask(createPartitions, version, { ...request, validateOnly: true })
    equal((await log.describeTopic('orders'))?.partitions, count - 1)
    const { results } = await client.ask(createPartitions, version, { ...request, validateOnly: false })
    deepEqual(results, [{ name: 'orders', errorCode: NONE, errorMessage: null }])
    const { topics } = await client.ask(metadata, 12, { topics: [{ name: 'orders' }] })
    equal(topics[0]!.partitions.length, count)
    const partitionData = [{ index: count - 1, records: batchOf(['a']) }]
    const topicData = [{ name: 'orders', partitionData }]
    const { responses } = await client.ask(produce, 9, { acks: -1, timeoutMs: 1000, topicData })
    equal(responses[0]!.partitionResponses[0]!.errorCode, NONE)
  }
})

test('CreatePartitions: refuses by topic', async context => {
  const { connect, log, port, errors } = await startTestServer(context)
  await log.createTopic('orders', { partitions: 2 })
  await log.createTopic('others')
  await port.createTopic('app-count-changelog', { partitions: 1, app: 'app' })
  const client = await connect()
  const cases: [ReturnType<typeof asked>, number][] = [
    [asked('orders', 2), INVALID_PARTITIONS],
    [asked('orders', 1), INVALID_PARTITIONS],
    [asked('orders', -1), INVALID_PARTITIONS],
    [asked('orders', 0x7fff_ffff), INVALID_PARTITIONS],
    [asked('missing', 3), errorCodes.UNKNOWN_TOPIC_OR_PARTITION],
    [asked('', 3), errorCodes.UNKNOWN_TOPIC_OR_PARTITION],
    [asked('orders', 4, []), INVALID_REPLICA_ASSIGNMENT],
    [asked('orders', 4, [[0]]), INVALID_REPLICA_ASSIGNMENT],
    [asked('orders', 4, [[0], []]), INVALID_REPLICA_ASSIGNMENT],
    [asked('orders', 4, [[0], [7]]), INVALID_REPLICA_ASSIGNMENT],
    [asked('orders', 3, [[0, 0]]), INVALID_REPLICA_ASSIGNMENT],
    [asked('orders', 4, [[0], [0]]), NONE],
    [asked('__consumer_offsets', 9), errorCodes.TOPIC_AUTHORIZATION_FAILED],
    [asked('app-count-changelog', 9), errorCodes.TOPIC_AUTHORIZATION_FAILED],
  ]
  for (const [topic, expected] of cases) {
    const request = { topics: [topic], timeoutMs: 1000, validateOnly: true }
    const { results } = await client.ask(createPartitions, 3, request)
    equal(results[0]!.errorCode, expected, JSON.stringify(topic))
  }
  const topics = [asked('orders', 3), asked('orders', 4), asked('others', 2)]
  const { results } = await client.ask(createPartitions, 3, { topics, timeoutMs: 1000, validateOnly: false })
  deepEqual(
    results.map(({ name, errorCode }) => [name, errorCode]),
    [
      ['orders', INVALID_REQUEST],
      ['others', NONE],
    ],
  )
  equal((await log.describeTopic('orders'))?.partitions, 2)
  deepEqual(errors, [])
})
