import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { messages, type RequestInput } from '../../wire/index.ts'
import { everyVersion, type RawClient } from '../server/raw-client.test-support.ts'
import { batchOf, startTestServer } from '../server/server.test-support.ts'
import { errorCodes } from './error-codes.ts'

const { listOffsets, produce } = messages
type Topics = RequestInput<typeof listOffsets>['topics']
const { NONE, INVALID_REQUEST, UNSUPPORTED_VERSION, UNKNOWN_TOPIC_OR_PARTITION } = errorCodes

async function found(client: RawClient, version: number, topics: Topics): Promise<unknown[]> {
  const answer = await client.ask(listOffsets, version, { replicaId: -1, topics })
  return answer.topics.flatMap(({ name, partitions }) =>
    partitions.map(each => [`${name}-${each.partitionIndex}`, each.errorCode, each.offset]),
  )
}

function at(name: string, ...partitions: [number, number, number?][]): Topics[number] {
  return {
    name,
    partitions: partitions.map(([partitionIndex, timestamp, currentLeaderEpoch = -1]) => ({
      partitionIndex,
      timestamp,
      currentLeaderEpoch,
    })),
  }
}

async function written(context: Parameters<typeof startTestServer>[0]): Promise<RawClient> {
  const { connect, log } = await startTestServer(context)
  await log.createTopic('orders', { partitions: 2 })
  const client = await connect()
  const topicData = [{ name: 'orders', partitionData: [{ index: 0, records: batchOf(['a', 'b']) }] }]
  await client.ask(produce, 9, { acks: -1, timeoutMs: 1000, topicData })
  return client
}

test('ListOffsets: each special offset from the version on that knows it', async context => {
  const client = await written(context)
  // The timestamp that is sent, its first version, the offset.
  const cases: [number, number, number][] = [
    [-1, 1, 2],
    [-2, 1, 0],
    [-3, 7, 0],
    [-4, 8, 0],
    [-5, 9, -1],
    [-6, 11, -1],
    [-7, 99, -1],
    [0, 1, 0],
    [1_700_000_000_000, 1, 0],
    [1_700_000_000_001, 1, -1],
  ]
  for (const version of everyVersion(listOffsets))
    for (const [timestamp, since, offset] of cases) {
      const expected = version >= since ? [NONE, offset] : [UNSUPPORTED_VERSION, -1]
      deepEqual(await found(client, version, [at('orders', [0, timestamp])]), [['orders-0', ...expected]])
    }
})

test('ListOffsets: the epoch of an offset, and its timestamp', async context => {
  const client = await written(context)
  const { topics } = await client.ask(listOffsets, 7, {
    replicaId: -1,
    isolationLevel: 1,
    topics: [at('orders', [0, -3])],
  })
  const [answer] = topics[0]!.partitions
  deepEqual([answer!.timestamp, answer!.offset, answer!.leaderEpoch], [1_700_000_000_000, 0, 0])
})

test('ListOffsets: refuses by partition', async context => {
  const client = await written(context)
  equal((await found(client, 7, [])).length, 0)
  deepEqual(
    await found(client, 7, [at('orders', [7, -1], [-1, -1]), at('missing', [0, -1]), at('', [0, -1])]),
    [
      ['orders-7', UNKNOWN_TOPIC_OR_PARTITION, -1],
      ['orders--1', UNKNOWN_TOPIC_OR_PARTITION, -1],
      ['missing-0', UNKNOWN_TOPIC_OR_PARTITION, -1],
      ['-0', UNKNOWN_TOPIC_OR_PARTITION, -1],
    ],
  )
  deepEqual(await found(client, 7, [at('orders', [0, -1], [1, -1]), at('orders', [0, -2])]), [
    ['orders-0', INVALID_REQUEST, -1],
    ['orders-1', NONE, 0],
  ])
  deepEqual(await found(client, 7, [at('orders', [0, -1, 5])]), [
    ['orders-0', errorCodes.UNKNOWN_LEADER_EPOCH, -1],
  ])
  deepEqual(await found(client, 7, [at('orders', [0, -1, -2])]), [
    ['orders-0', errorCodes.FENCED_LEADER_EPOCH, -1],
  ])
})
