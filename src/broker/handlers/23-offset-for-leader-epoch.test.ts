import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { messages } from '../../wire/index.ts'
import { everyVersion } from '../server/raw-client.test-support.ts'
import { batchOf, startTestServer } from '../server/server.test-support.ts'
import { errorCodes } from './error-codes.ts'

const { offsetForLeaderEpoch, produce } = messages

test('OffsetForLeaderEpoch: says where an epoch ends, in every version', async context => {
  const { connect, log } = await startTestServer(context)
  await log.createTopic('orders')
  const client = await connect()
  const topicData = [{ name: 'orders', partitionData: [{ index: 0, records: batchOf(['a', 'b']) }] }]
  await client.ask(produce, 9, { acks: -1, timeoutMs: 1000, topicData })
  const { NONE, FENCED_LEADER_EPOCH, UNKNOWN_LEADER_EPOCH, UNKNOWN_TOPIC_OR_PARTITION } = errorCodes
  // Topic, partition, the client's epoch, the epoch asked for: the error, its epoch, its end.
  const cases: [string, number, number, number, [number, number, number]][] = [
    ['orders', 0, -1, 0, [NONE, 0, 2]],
    ['orders', 0, 0, 0, [NONE, 0, 2]],
    ['orders', 0, 0, 3, [NONE, -1, -1]],
    ['orders', 0, 0, -1, [NONE, -1, -1]],
    ['orders', 0, 5, 0, [UNKNOWN_LEADER_EPOCH, -1, -1]],
    ['orders', 0, -2, 0, [FENCED_LEADER_EPOCH, -1, -1]],
    ['orders', 1, 0, 0, [UNKNOWN_TOPIC_OR_PARTITION, -1, -1]],
    ['orders', -1, 0, 0, [UNKNOWN_TOPIC_OR_PARTITION, -1, -1]],
    ['missing', 0, 0, 0, [UNKNOWN_TOPIC_OR_PARTITION, -1, -1]],
    ['', 0, 0, 0, [UNKNOWN_TOPIC_OR_PARTITION, -1, -1]],
  ]
  for (const version of everyVersion(offsetForLeaderEpoch))
    for (const [topic, partition, currentLeaderEpoch, leaderEpoch, expected] of cases) {
      const { topics } = await client.ask(offsetForLeaderEpoch, version, {
        topics: [{ topic, partitions: [{ partition, currentLeaderEpoch, leaderEpoch }] }],
      })
      const [answer] = topics[0]!.partitions
      deepEqual([answer!.errorCode, answer!.leaderEpoch, answer!.endOffset], expected)
    }
})
