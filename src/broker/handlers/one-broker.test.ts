/** Requests about a cluster, whose answers follow from there being one broker. */
import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { messages, type RequestInput } from '../../wire/index.ts'
import { everyVersion } from '../server/raw-client.test-support.ts'
import { startTestServer } from '../server/server.test-support.ts'
import { errorCodes } from './error-codes.ts'

const { alterPartitionReassignments, describeCluster, electLeaders } = messages
const { listConfigResources, listPartitionReassignments } = messages
const { NONE, INVALID_REQUEST, UNKNOWN_TOPIC_OR_PARTITION } = errorCodes

test('ElectLeaders: each partition has its leader', async context => {
  const { connect, log } = await startTestServer(context)
  await log.createTopic('orders', { partitions: 2 })
  const client = await connect()
  const asked = [
    { topic: 'orders', partitions: [0, 1, 5, -1] },
    { topic: 'missing', partitions: [0] },
  ]
  const elect = async (
    version: number,
    topicPartitions: RequestInput<typeof electLeaders>['topicPartitions'],
    electionType = 0,
  ): Promise<(readonly [string, number[]])[]> => {
    const request = { topicPartitions, ...(version > 0 ? { electionType } : {}) }
    const { replicaElectionResults } = await client.ask(electLeaders, version, request)
    return replicaElectionResults.map(
      ({ topic, partitionResult }) => [topic, partitionResult.map(each => each.errorCode)] as const,
    )
  }
  const needless = errorCodes.ELECTION_NOT_NEEDED
  for (const version of everyVersion(electLeaders))
    deepEqual(await elect(version, asked), [
      ['orders', [needless, needless, UNKNOWN_TOPIC_OR_PARTITION, UNKNOWN_TOPIC_OR_PARTITION]],
      ['missing', [UNKNOWN_TOPIC_OR_PARTITION]],
    ])
  equal((await elect(2, null, 1)).find(([topic]) => topic === 'orders')![1].length, 0)
  deepEqual(await elect(2, []), [])
  deepEqual(await elect(2, asked.slice(1), 7), [['missing', [INVALID_REQUEST]]])
})

test('AlterPartitionReassignments: a partition stays where it is', async context => {
  const { connect, log } = await startTestServer(context)
  await log.createTopic('orders')
  const client = await connect()
  const wrong = errorCodes.INVALID_REPLICA_ASSIGNMENT
  const cases: [string, number, number[] | null, number][] = [
    ['orders', 0, [0], NONE],
    ['orders', 0, null, errorCodes.NO_REASSIGNMENT_IN_PROGRESS],
    ['orders', 0, [], wrong],
    ['orders', 0, [7], wrong],
    ['orders', 0, [0, 0], wrong],
    ['orders', 0, [0, 7], wrong],
    ['orders', 1, [0], UNKNOWN_TOPIC_OR_PARTITION],
    ['missing', 0, null, UNKNOWN_TOPIC_OR_PARTITION],
  ]
  for (const version of everyVersion(alterPartitionReassignments))
    for (const [name, partitionIndex, replicas, expected] of cases) {
      const { responses } = await client.ask(alterPartitionReassignments, version, {
        topics: [{ name, partitions: [{ partitionIndex, replicas }] }],
      })
      equal(responses[0]!.partitions[0]!.errorCode, expected)
    }
})

test('ListPartitionReassignments: nothing moves', async context => {
  const { connect } = await startTestServer(context)
  const client = await connect()
  for (const topics of [null, [], [{ name: 'orders', partitionIndexes: [0] }]])
    deepEqual((await client.ask(listPartitionReassignments, 0, { topics })).topics, [])
})

test('DescribeCluster: the broker is the controller too', async context => {
  const { connect, log, server } = await startTestServer(context, { nodeId: 3 })
  const client = await connect()
  const { clusterId } = await log.admin.describeCluster()
  for (const version of everyVersion(describeCluster)) {
    const answer = await client.ask(describeCluster, version, { includeClusterAuthorizedOperations: true })
    deepEqual([answer.errorCode, answer.clusterId, answer.controllerId], [NONE, clusterId, 3])
    deepEqual(
      answer.brokers.map(({ brokerId, port }) => [brokerId, port]),
      [[3, server.address.port]],
    )
    equal(answer.clusterAuthorizedOperations, 8096)
  }
  const notAsked = { includeClusterAuthorizedOperations: false }
  const untold = await client.ask(describeCluster, 1, notAsked)
  equal(untold.clusterAuthorizedOperations, -2_147_483_648)
  for (const [endpointType, code] of [
    [2, errorCodes.MISMATCHED_ENDPOINT_TYPE],
    [3, errorCodes.UNSUPPORTED_ENDPOINT_TYPE],
  ] as const)
    equal((await client.ask(describeCluster, 1, { ...notAsked, endpointType })).errorCode, code)
})

test('ListConfigResources: the broker and the topics', async context => {
  const { connect, log } = await startTestServer(context)
  await log.createTopic('orders')
  const client = await connect()
  deepEqual((await client.ask(listConfigResources, 0, {})).configResources, [])
  const listed = async (...resourceTypes: number[]): Promise<(readonly [number, string])[]> => {
    const { configResources } = await client.ask(listConfigResources, 1, { resourceTypes })
    return configResources.map(each => [each.resourceType, each.resourceName] as const)
  }
  deepEqual(await listed(4, 8, 16, 32), [
    [4, '0'],
    [8, '0'],
  ])
  const topics = ['__transaction_state', '__consumer_offsets', 'orders'].map(name => [2, name] as const)
  deepEqual(await listed(2, 2), topics)
  equal((await listed()).length, 5)
  for (const resourceTypes of [[99], [0], [2, 1]])
    equal(
      (await client.ask(listConfigResources, 1, { resourceTypes })).errorCode,
      errorCodes.UNSUPPORTED_VERSION,
    )
})
