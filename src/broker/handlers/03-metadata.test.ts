import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { messages, zeroUuid, type RequestInput } from '../../wire/index.ts'
import { everyVersion, type RawClient } from '../server/raw-client.test-support.ts'
import { startTestServer } from '../server/server.test-support.ts'
import { errorCodes } from './error-codes.ts'

const { metadata } = messages
type Asked = RequestInput<typeof metadata>
const { NONE, INVALID_REQUEST, INVALID_TOPIC_EXCEPTION } = errorCodes
const { UNKNOWN_TOPIC_ID, UNKNOWN_TOPIC_OR_PARTITION } = errorCodes
const unknownId = 'AAAAAAAAAAAAAAAAAAAAAg'

async function codes(client: RawClient, version: number, request: Asked): Promise<unknown[]> {
  const { topics } = await client.ask(metadata, version, request)
  return topics.map(({ name, errorCode }) => [name, errorCode])
}

test('Metadata: the broker and a topic, in every version', async context => {
  const { connect, log, server } = await startTestServer(context, { nodeId: 3 })
  await log.createTopic('orders', { partitions: 2 })
  const { id } = (await log.describeTopic('orders'))!
  const client = await connect()
  for (const version of everyVersion(metadata)) {
    const answer = await client.ask(metadata, version, { topics: [{ name: 'orders' }] })
    deepEqual(
      answer.brokers.map(({ nodeId, port }) => [nodeId, port]),
      [[3, server.address.port]],
    )
    equal(answer.controllerId, version >= 1 ? 3 : -1)
    equal(answer.clusterId !== null, version >= 2)
    const [topic] = answer.topics
    equal(topic!.topicId, version >= 10 ? id : zeroUuid)
    deepEqual(
      topic!.partitions.map(each => [each.partitionIndex, each.leaderId, each.leaderEpoch, each.isrNodes]),
      [0, 1].map(index => [index, 3, version >= 7 ? 0 : -1, [3]]),
    )
  }
})

test('Metadata: all topics, internal ones as such', async context => {
  const { connect, log } = await startTestServer(context)
  await log.createTopic('orders')
  const client = await connect()
  for (const [version, topics] of [
    [0, []],
    [1, null],
    [13, null],
  ] as const) {
    const answer = await client.ask(metadata, version, { topics })
    deepEqual(
      answer.topics.map(({ name }) => name),
      ['__transaction_state', '__consumer_offsets', 'orders'],
    )
    if (version > 0)
      deepEqual(
        answer.topics.map(each => each.isInternal),
        [true, true, false],
      )
  }
  for (const version of [1, 13]) deepEqual(await codes(client, version, { topics: [] }), [])
})

test('Metadata: a topic that is named twice is answered once, and names beside ids are not', async context => {
  const { connect, log } = await startTestServer(context)
  await log.createTopic('orders')
  const { id: topicId } = (await log.describeTopic('orders'))!
  const client = await connect()
  // A topic may be named as another one's id.
  await log.createTopic(topicId)
  const named = { name: topicId }
  deepEqual(await codes(client, 13, { topics: [named, { name: 'orders' }, named] }), [
    [topicId, NONE],
    ['orders', NONE],
  ])
  const byId = { name: null, topicId }
  deepEqual(await codes(client, 13, { topics: [named, byId, { name: null }, byId] }), [['orders', NONE]])
  deepEqual(await codes(client, 13, { topics: [{ name: null }, { name: null }] }), [[null, UNKNOWN_TOPIC_ID]])
})

test('Metadata: the name of the metadata of a cluster is not created', async context => {
  const { connect, port } = await startTestServer(context)
  const client = await connect()
  deepEqual(
    await codes(client, 4, { topics: [{ name: '__cluster_metadata' }], allowAutoTopicCreation: true }),
    [['__cluster_metadata', UNKNOWN_TOPIC_OR_PARTITION]],
  )
  equal((await port.listTopics()).length, 0)
})

test('Metadata: a name that no topic can have', async context => {
  const { connect } = await startTestServer(context)
  const client = await connect()
  const names = ['', 'a b', '.', 'x'.repeat(250)]
  for (const allowAutoTopicCreation of [true, false])
    deepEqual(
      await codes(client, 4, { topics: names.map(name => ({ name })), allowAutoTopicCreation }),
      names.map(name => [name, INVALID_TOPIC_EXCEPTION]),
    )
})

test('Metadata: a missing topic is created if client and broker admit it', async context => {
  const open = await startTestServer(context, { log: { configs: { 'num.partitions': 3 } } })
  const client = await open.connect()
  const orders = { topics: [{ name: 'orders' }, { name: 'orders' }] }
  deepEqual(await codes(client, 4, { ...orders, allowAutoTopicCreation: false }), [
    ['orders', UNKNOWN_TOPIC_OR_PARTITION],
  ])
  deepEqual(await codes(client, 4, orders), [['orders', NONE]])
  equal((await open.log.describeTopic('orders'))?.partitions, 3)
  deepEqual(await codes(client, 0, { topics: [{ name: 'older' }] }), [['older', NONE]])
  deepEqual(await codes(client, 4, { topics: [{ name: 'a.b' }, { name: 'a_b' }] }), [
    ['a.b', NONE],
    ['a_b', INVALID_TOPIC_EXCEPTION],
  ])
  const closed = await startTestServer(context, { log: { configs: { 'auto.create.topics.enable': false } } })
  deepEqual(await codes(await closed.connect(), 13, orders), [['orders', UNKNOWN_TOPIC_OR_PARTITION]])
})

test('Metadata: topics by their ids', async context => {
  const { connect, log } = await startTestServer(context)
  await log.createTopic('orders')
  const { id } = (await log.describeTopic('orders'))!
  const client = await connect()
  const topics = [
    { name: null, topicId: id },
    { name: null, topicId: id },
    { name: null, topicId: unknownId },
  ]
  for (const version of [12, 13])
    deepEqual(await codes(client, version, { topics }), [
      ['orders', NONE],
      [null, UNKNOWN_TOPIC_ID],
    ])
  // The id counts.
  deepEqual(await codes(client, 12, { topics: [{ name: 'orders', topicId: unknownId }] }), [
    [null, UNKNOWN_TOPIC_ID],
  ])
  deepEqual(await codes(client, 12, { topics: [{ name: null }] }), [[null, UNKNOWN_TOPIC_ID]])
  for (const version of [10, 11])
    deepEqual(await codes(client, version, { topics: [{ name: 'orders', topicId: id }, { name: null }] }), [
      ['orders', INVALID_REQUEST],
      ['', INVALID_REQUEST],
    ])
})

test('Metadata: what a client may do is told if it asks', async context => {
  const { connect, log } = await startTestServer(context)
  await log.createTopic('orders')
  const client = await connect()
  const topics = [{ name: 'orders' }]
  for (const version of [8, 9, 10]) {
    const asked = { topics, includeTopicAuthorizedOperations: true, includeClusterAuthorizedOperations: true }
    const told = await client.ask(metadata, version, asked)
    equal(told.topics[0]!.topicAuthorizedOperations, 3576)
    equal(told.clusterAuthorizedOperations, 8096)
  }
  const untold = await client.ask(metadata, 10, { topics })
  ok(untold.topics[0]!.topicAuthorizedOperations < 0 && untold.clusterAuthorizedOperations < 0)
})

test('Metadata: a full disk that has no id of the cluster yet', async context => {
  const { connect, disk, log } = await startTestServer(context)
  await log.createTopic('orders')
  const client = await connect()
  disk.capacityBytes = 0
  const answer = await client.ask(metadata, 9, { topics: [{ name: 'orders' }] })
  deepEqual([answer.clusterId, answer.topics[0]!.errorCode], [null, NONE])
  const request = { includeClusterAuthorizedOperations: false }
  const refused = await client.ask(messages.describeCluster, 1, request)
  equal(refused.errorCode, errorCodes.KAFKA_STORAGE_ERROR)
  match(refused.errorMessage!, /No room/)
  disk.capacityBytes = Infinity
  const { clusterId } = await client.ask(metadata, 9, { topics: [] })
  ok(clusterId)
  equal((await client.ask(messages.describeCluster, 1, request)).clusterId, clusterId)
})
