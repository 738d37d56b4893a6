import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { messages, type RequestInput } from '../../wire/index.ts'
import { startTestServer } from '../server/server.test-support.ts'
import { errorCodes } from './error-codes.ts'

const { describeTopicPartitions } = messages
type Asked = RequestInput<typeof describeTopicPartitions>
const { NONE, INVALID_REQUEST, INVALID_TOPIC_EXCEPTION, UNKNOWN_TOPIC_OR_PARTITION } = errorCodes

test('DescribeTopicPartitions: topics by name, in portions', async context => {
  const { connect, log } = await startTestServer(context)
  for (const [name, partitions] of Object.entries({ a: 3, b: 2, c: 1 }))
    await log.createTopic(name, { partitions })
  const client = await connect()
  /** Each topic with its error and its partitions, and the cursor. */
  const check = async (names: string[], over: Partial<Asked>, expected: unknown[], next?: unknown) => {
    const request = { topics: names.map(name => ({ name })), ...over }
    const { topics, nextCursor } = await client.ask(describeTopicPartitions, 0, request)
    deepEqual(
      topics.map(each => [each.name, each.errorCode, each.partitions.map(p => p.partitionIndex).join()]),
      expected,
    )
    deepEqual(nextCursor && [nextCursor.topicName, nextCursor.partitionIndex], next ?? null)
  }
  const at = (topicName: string, partitionIndex: number) => ({ cursor: { topicName, partitionIndex } })
  const all = [
    ['a', NONE, '0,1,2'],
    ['b', NONE, '0,1'],
  ]
  await check(['b', 'a', 'b'], {}, all)
  await check(['missing', 'a b', ''], {}, [
    ['', INVALID_TOPIC_EXCEPTION, ''],
    ['a b', INVALID_TOPIC_EXCEPTION, ''],
    ['missing', UNKNOWN_TOPIC_OR_PARTITION, ''],
  ])
  await check(['a', 'b'], { responsePartitionLimit: 2 }, [['a', NONE, '0,1']], ['a', 2])
  await check(['a', 'b'], { responsePartitionLimit: 3 }, [['a', NONE, '0,1,2']], ['b', 0])
  await check(['a', 'b', 'c'], { responsePartitionLimit: 5 }, all, ['c', 0])
  for (const responsePartitionLimit of [0, -1])
    await check(['a'], { responsePartitionLimit }, [['a', NONE, '0']], ['a', 1])
  await check(
    ['a', 'b'],
    { responsePartitionLimit: 2, ...at('a', 2) },
    [
      ['a', NONE, '2'],
      ['b', NONE, '0'],
    ],
    ['b', 1],
  )
  // A topic that has no more partitions meanwhile.
  await check(['a', 'b'], at('a', 3), [
    ['a', NONE, ''],
    ['b', NONE, '0,1'],
  ])
  const refused = ['a', 'c'].map(name => [name, INVALID_REQUEST, ''])
  await check(['a', 'c'], at('b', 0), refused)
  await check(['a', 'c'], at('a', -1), refused)
  // No names: all topics, also from a cursor at a topic that was deleted.
  await check(
    [],
    { responsePartitionLimit: 1 },
    [['__consumer_offsets', NONE, '0']],
    ['__transaction_state', 0],
  )
  await check([], at('aa', 1), [
    ['b', NONE, '0,1'],
    ['c', NONE, '0'],
  ])
})
