/**
 * A name of a few bytes may have an answer of many kilobytes. A request that repeats it would fill the memory
 * of the broker: such names are answered once.
 */
import { equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { messages, type Definition, type RequestInput } from '../../wire/index.ts'
import type { RawClient } from '../server/raw-client.test-support.ts'
import { startTestServer } from '../server/server.test-support.ts'

const times = 1000

/** Bytes of the answer. */
async function sizeOf<const D extends Definition>(
  client: RawClient,
  definition: D,
  version: number,
  request: RequestInput<D>,
): Promise<number> {
  await client.send(definition, version, request)
  return (await client.frame())!.length
}

test('what is named again is not answered again', async context => {
  const { connect, log, port, errors } = await startTestServer(context)
  await log.createTopic('t', { partitions: 2 })
  const metadata = 'm'.repeat(1000)
  await port.commitOffsets({ group: 'g', offsets: [{ topic: 't', partition: 0, offset: 1, metadata }] })
  const { id: topicId } = (await log.describeTopic('t'))!
  const client = await connect()
  const check = async <const D extends Definition>(
    definition: D,
    version: number,
    request: (count: number) => RequestInput<D>,
  ): Promise<void> =>
    equal(
      await sizeOf(client, definition, version, request(times)),
      await sizeOf(client, definition, version, request(1)),
      definition.name,
    )
  const many = <T>(count: number, each: T): T[] => Array<T>(count).fill(each)
  const indexes = (count: number): number[] => many(count, 0)
  await check(messages.metadata, 12, count => ({ topics: many(count, { name: 't' }) }))
  await check(messages.metadata, 12, count => ({ topics: many(count, { name: null, topicId }) }))
  await check(messages.offsetFetch, 7, count => ({
    groupId: 'g',
    topics: [{ name: 't', partitionIndexes: indexes(count) }],
    requireStable: false,
  }))
  await check(messages.offsetFetch, 7, count => ({
    groupId: 'g',
    topics: many(count, { name: 't', partitionIndexes: [0] }),
    requireStable: false,
  }))
  await check(messages.offsetFetch, 10, count => ({ groups: many(count, { groupId: 'g', topics: null }) }))
  await check(messages.offsetFetch, 10, count => ({
    groups: many(count, { groupId: 'g', topics: [{ topicId, partitionIndexes: [0, 0] }] }),
  }))
  await check(messages.describeGroups, 5, count => ({ groups: many(count, 'g') }))
  await check(messages.describeConfigs, 4, count => ({
    resources: many(count, { resourceType: 2, resourceName: 't', configurationKeys: null }),
  }))
  await check(messages.describeLogDirs, 4, count => ({
    topics: many(count, { topic: 't', partitions: [0] }),
  }))
  await check(messages.electLeaders, 2, count => ({
    electionType: 0,
    topicPartitions: many(count, { topic: 't', partitions: [0] }),
    timeoutMs: 1000,
  }))
  await check(messages.describeProducers, 0, count => ({
    topics: many(count, { name: 't', partitionIndexes: indexes(count).slice(0, 2) }),
  }))
  await check(messages.describeTransactions, 0, count => ({ transactionalIds: many(count, 'id') }))
  await check(messages.describeTopicPartitions, 0, count => ({ topics: many(count, { name: 't' }) }))
  equal(errors.length, 0)
})

test('a long name of a topic that does not exist is not repeated for each of its partitions', async context => {
  const { connect } = await startTestServer(context)
  const client = await connect()
  const topic = 'x'.repeat(20_000)
  const partitions = Array.from({ length: times }, (_, index) => index)
  const check = async <const D extends Definition>(
    definition: D,
    version: number,
    request: RequestInput<D>,
  ): Promise<void> => {
    const size = await sizeOf(client, definition, version, request)
    ok(size < 2 * topic.length + 50 * times, `${definition.name}: ${size}`)
  }
  await check(messages.describeProducers, 0, { topics: [{ name: topic, partitionIndexes: partitions }] })
  await check(messages.electLeaders, 2, {
    electionType: 0,
    topicPartitions: [{ topic, partitions }],
    timeoutMs: 1000,
  })
  await check(messages.alterPartitionReassignments, 0, {
    timeoutMs: 1000,
    topics: [
      { name: topic, partitions: partitions.map(partitionIndex => ({ partitionIndex, replicas: [0] })) },
    ],
  })
})
