import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { messages, type RequestInput } from '../../wire/index.ts'
import { everyVersion, type RawClient } from '../server/raw-client.test-support.ts'
import { batchOf, startTestServer } from '../server/server.test-support.ts'
import { errorCodes } from './error-codes.ts'

const { deleteRecords, produce } = messages

async function write(client: RawClient, topic: string, values: readonly string[]): Promise<void> {
  const topicData = [{ name: topic, partitionData: [{ index: 0, records: batchOf(values) }] }]
  await client.ask(produce, 9, { acks: -1, timeoutMs: 1000, topicData })
}

/** By the names of partitions: the first offset that is left, and the error. */
async function deleted(
  client: RawClient,
  version: number,
  topics: RequestInput<typeof deleteRecords>['topics'],
): Promise<Record<string, [number, number]>> {
  const answer = await client.ask(deleteRecords, version, { topics, timeoutMs: 1000 })
  return Object.fromEntries(
    answer.topics.flatMap(({ name, partitions }) =>
      partitions.map(({ partitionIndex, lowWatermark, errorCode }) => [
        `${name}-${partitionIndex}`,
        [lowWatermark, errorCode],
      ]),
    ),
  )
}

function below(name: string, ...offsets: [number, number][]) {
  return { name, partitions: offsets.map(([partitionIndex, offset]) => ({ partitionIndex, offset })) }
}

test('DeleteRecords: drops what is below an offset, in every version', async context => {
  const { connect, log } = await startTestServer(context)
  await log.createTopic('orders', { partitions: 2 })
  const client = await connect()
  await write(client, 'orders', ['a', 'b', 'c', 'd', 'e'])
  for (const version of everyVersion(deleteRecords)) {
    const answer = await deleted(client, version, [below('orders', [0, 1 + version])])
    deepEqual(answer, { 'orders-0': [1 + version, errorCodes.NONE] })
  }
  // Below the start nothing is left to delete; the last offset of several counts; -1 is the end.
  deepEqual(await deleted(client, 2, [below('orders', [0, 1])]), { 'orders-0': [3, errorCodes.NONE] })
  const twice = [below('orders', [0, 1], [0, 4]), below('orders', [1, -1])]
  deepEqual(await deleted(client, 2, twice), {
    'orders-0': [4, errorCodes.NONE],
    'orders-1': [0, errorCodes.NONE],
  })
  deepEqual(await deleted(client, 2, [below('orders', [0, -1])]), { 'orders-0': [5, errorCodes.NONE] })
})

test('DeleteRecords: refuses by partition', async context => {
  const { connect, log } = await startTestServer(context)
  await log.createTopic('orders')
  await log.createTopic('latest', { configs: { 'cleanup.policy': 'compact' } })
  const client = await connect()
  const answer = await deleted(client, 2, [
    below('orders', [0, 1], [1, 0], [-1, 0]),
    below('latest', [0, 0]),
    below('missing', [0, 0]),
    below('', [0, 0]),
    below('__consumer_offsets', [0, 0]),
  ])
  deepEqual(answer, {
    'orders-0': [-1, errorCodes.OFFSET_OUT_OF_RANGE],
    'orders-1': [-1, errorCodes.UNKNOWN_TOPIC_OR_PARTITION],
    'orders--1': [-1, errorCodes.UNKNOWN_TOPIC_OR_PARTITION],
    'latest-0': [-1, errorCodes.POLICY_VIOLATION],
    'missing-0': [-1, errorCodes.UNKNOWN_TOPIC_OR_PARTITION],
    '-0': [-1, errorCodes.UNKNOWN_TOPIC_OR_PARTITION],
    '__consumer_offsets-0': [-1, errorCodes.INVALID_TOPIC_EXCEPTION],
  })
  deepEqual(await deleted(client, 2, [below('orders', [0, -2])]), {
    'orders-0': [-1, errorCodes.OFFSET_OUT_OF_RANGE],
  })
})
