import { deepEqual, equal, notEqual, rejects } from 'node:assert/strict'
import { test } from 'node:test'
import { messages, zeroUuid, type RequestInput } from '../../wire/index.ts'
import { everyVersion, type RawClient } from '../server/raw-client.test-support.ts'
import { startTestServer } from '../server/server.test-support.ts'
import { errorCodes, type KafkaError } from './error-codes.ts'

const { createTopics } = messages
type Topic = RequestInput<typeof createTopics>['topics'][number]

function topic(name: string, over: Partial<Topic> = {}): Topic {
  return { name, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [], ...over }
}

async function codes(client: RawClient, topics: readonly Topic[]): Promise<Record<string, number>> {
  const answer = await client.ask(createTopics, 7, { topics })
  return Object.fromEntries(answer.topics.map(each => [each.name, each.errorCode]))
}

async function refuses(client: RawClient, expected: Record<string, [KafkaError, Topic]>): Promise<void> {
  deepEqual(
    await codes(
      client,
      Object.values(expected).map(([, each]) => each),
    ),
    Object.fromEntries(Object.values(expected).map(([code, each]) => [each.name, errorCodes[code]])),
  )
}

test('CreateTopics: creates a topic in every version', async context => {
  const { connect, log } = await startTestServer(context)
  const client = await connect()
  for (const version of everyVersion(createTopics)) {
    const name = `v${version}`
    const request = { topics: [topic(name, { numPartitions: 2 })] }
    const { topics } = await client.ask(createTopics, version, request)
    const description = (await log.describeTopic(name))!
    equal(description.partitions, 2)
    const [{ errorCode, numPartitions, replicationFactor, topicId, configs } = fail()] = topics
    equal(errorCode, errorCodes.NONE)
    deepEqual([numPartitions, replicationFactor], version >= 5 ? [2, 1] : [-1, -1])
    equal(configs!.length > 0, version >= 5)
    equal(topicId, version >= 7 ? description.id : zeroUuid)
  }
})

test('CreateTopics: counts of -1 are the defaults of the broker', async context => {
  const { connect, log } = await startTestServer(context, { log: { configs: { 'num.partitions': 3 } } })
  const client = await connect()
  await codes(client, [topic('orders', { numPartitions: -1, replicationFactor: -1 })])
  equal((await log.describeTopic('orders'))?.partitions, 3)
})

test('CreateTopics: the answer has the configs of the topic, and where they come from', async context => {
  const { connect } = await startTestServer(context)
  const client = await connect()
  const configs = [{ name: 'cleanup.policy', value: 'compact' }]
  const { topics } = await client.ask(createTopics, 7, { topics: [topic('orders', { configs })] })
  const found = topics[0]!.configs!.find(({ name }) => name === 'cleanup.policy')
  deepEqual([found?.value, found?.configSource], ['compact', 1])
})

test('CreateTopics: validateOnly checks, and creates nothing', async context => {
  const { connect, log } = await startTestServer(context)
  const client = await connect()
  const request = { topics: [topic('orders'), topic('a b')], validateOnly: true }
  const { topics } = await client.ask(createTopics, 7, request)
  deepEqual(
    topics.map(({ errorCode, topicId }) => [errorCode, topicId]),
    [
      [errorCodes.NONE, zeroUuid],
      [errorCodes.INVALID_TOPIC_EXCEPTION, zeroUuid],
    ],
  )
  notEqual(topics[1]!.errorMessage, null)
  equal(await log.describeTopic('orders'), undefined)
})

test('CreateTopics: refuses what Apache Kafka refuses, by its codes', async context => {
  const { connect, log, errors } = await startTestServer(context)
  await log.createTopic('there')
  const client = await connect()
  const manual = { numPartitions: -1, replicationFactor: -1 }
  const assigned = (...pairs: [number, number[]][]): Topic['assignments'] =>
    pairs.map(([partitionIndex, brokerIds]) => ({ partitionIndex, brokerIds }))
  const config = (name: string, value: string | null): Partial<Topic> => ({ configs: [{ name, value }] })
  await refuses(client, {
    there: ['TOPIC_ALREADY_EXISTS', topic('there', { numPartitions: 0 })],
    internal: ['TOPIC_ALREADY_EXISTS', topic('__consumer_offsets')],
    empty: ['INVALID_TOPIC_EXCEPTION', topic('')],
    dots: ['INVALID_TOPIC_EXCEPTION', topic('..')],
    long: ['INVALID_TOPIC_EXCEPTION', topic('x'.repeat(250))],
    none: ['INVALID_PARTITIONS', topic('none', { numPartitions: 0 })],
    negative: ['INVALID_PARTITIONS', topic('negative', { numPartitions: -2 })],
    unreplicated: ['INVALID_REPLICATION_FACTOR', topic('unreplicated', { replicationFactor: 0 })],
    replicated: ['INVALID_REPLICATION_FACTOR', topic('replicated', { replicationFactor: 3 })],
    unknownConfig: ['INVALID_CONFIG', topic('unknownConfig', config('nope', '1'))],
    wrongConfig: ['INVALID_CONFIG', topic('wrongConfig', config('retention.ms', 'week'))],
    nullConfig: ['INVALID_CONFIG', topic('nullConfig', config('retention.ms', null))],
    both: ['INVALID_REQUEST', topic('both', { assignments: assigned([0, [0]]) })],
    other: ['INVALID_REPLICA_ASSIGNMENT', topic('other', { ...manual, assignments: assigned([0, [7]]) })],
    nobody: ['INVALID_REPLICA_ASSIGNMENT', topic('nobody', { ...manual, assignments: assigned([0, []]) })],
    twice: ['INVALID_REPLICA_ASSIGNMENT', topic('twice', { ...manual, assignments: assigned([0, [0, 0]]) })],
    gap: [
      'INVALID_REPLICA_ASSIGNMENT',
      topic('gap', { ...manual, assignments: assigned([0, [0]], [2, [0]]) }),
    ],
    again: [
      'INVALID_REPLICA_ASSIGNMENT',
      topic('again', { ...manual, assignments: assigned([0, [0]], [0, [0]]) }),
    ],
  })
  const assignments = assigned([1, [0]], [0, [0]])
  const { topics } = await client.ask(createTopics, 7, {
    topics: [topic('assigned', { ...manual, assignments }), topic('d'), topic('d'), topic('e')],
  })
  deepEqual(
    topics.map(({ name, errorCode }) => [name, errorCode]),
    [
      ['assigned', errorCodes.NONE],
      ['d', errorCodes.INVALID_REQUEST],
      ['e', errorCodes.NONE],
    ],
  )
  equal((await log.describeTopic('assigned'))?.partitions, 2)
  deepEqual(errors, [])
})

test('CreateTopics: a request for too many partitions is refused as a whole', async context => {
  const { connect, port } = await startTestServer(context, { log: { configs: { 'num.partitions': 3 } } })
  const client = await connect()
  const assignments = [{ partitionIndex: 0, brokerIds: [0] }]
  const byDefault = topic('by-default', { numPartitions: -1, replicationFactor: -1 })
  const check = async (last: Topic, code: number): Promise<void> => {
    const topics = [
      byDefault,
      topic('some', { numPartitions: 9997 }),
      topic('negative', { numPartitions: -7 }),
      last,
    ]
    const answer = await client.ask(createTopics, 7, { topics, validateOnly: true })
    deepEqual(
      answer.topics.map(({ name }) => name),
      topics.map(({ name }) => name),
    )
    equal(answer.topics[1]!.errorCode, code)
    if (code !== errorCodes.NONE)
      deepEqual(new Set(answer.topics.map(each => each.errorCode)), new Set([code]))
  }
  await check(topic('last', { numPartitions: 0 }), errorCodes.NONE)
  await check(topic('last'), errorCodes.POLICY_VIOLATION)
  await check(topic('last', { numPartitions: 0x7fff_ffff }), errorCodes.POLICY_VIOLATION)
  await check(
    topic('last', { numPartitions: -1, replicationFactor: -1, assignments }),
    errorCodes.POLICY_VIOLATION,
  )
  equal((await port.listTopics()).length, 0)
})

test('CreateTopics: the name of the metadata of a cluster is reserved, and that of no other log', async context => {
  const { connect, log } = await startTestServer(context)
  const client = await connect()
  deepEqual(await codes(client, [topic('__cluster_metadata'), topic('__share_group_state')]), {
    __cluster_metadata: errorCodes.INVALID_REQUEST,
    __share_group_state: errorCodes.NONE,
  })
  await rejects(log.createTopic('__cluster_metadata'), { code: 'INVALID_ARGUMENT' })
})

function fail(): never {
  throw new Error('The response has no topic.')
}
