import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { messages, zeroUuid, type RequestInput } from '../../wire/index.ts'
import { everyVersion } from '../server/raw-client.test-support.ts'
import { startTestServer } from '../server/server.test-support.ts'
import { errorCodes } from './error-codes.ts'

const { deleteTopics } = messages
const unknownId = 'AAAAAAAAAAAAAAAAAAAAAg'

function asked(version: number, ...names: string[]): RequestInput<typeof deleteTopics> {
  return version >= 6
    ? { topics: names.map(name => ({ name, topicId: zeroUuid })), timeoutMs: 1000 }
    : { topicNames: names, timeoutMs: 1000 }
}

test('DeleteTopics: deletes topics by name in every version', async context => {
  const { connect, log } = await startTestServer(context)
  const client = await connect()
  for (const version of everyVersion(deleteTopics)) {
    await log.createTopic('orders')
    const { responses } = await client.ask(deleteTopics, version, asked(version, 'orders', 'missing'))
    deepEqual(
      Object.fromEntries(responses.map(({ name, errorCode }) => [name, errorCode])),
      { orders: errorCodes.NONE, missing: errorCodes.UNKNOWN_TOPIC_OR_PARTITION },
      `version ${version}`,
    )
    equal(await log.describeTopic('orders'), undefined)
  }
})

test('DeleteTopics: deletes a topic by its id, and says its name', async context => {
  const { connect, log } = await startTestServer(context)
  await log.createTopic('orders')
  const topicId = (await log.describeTopic('orders'))!.id
  const client = await connect()
  const topics = [{ topicId }, { topicId: unknownId }]
  const { responses } = await client.ask(deleteTopics, 6, { topics, timeoutMs: 1000 })
  deepEqual(
    responses.map(({ name, topicId: id, errorCode }) => [name, id, errorCode]),
    [
      [null, unknownId, errorCodes.UNKNOWN_TOPIC_ID],
      ['orders', topicId, errorCodes.NONE],
    ],
  )
})

test('DeleteTopics: a topic that is named twice, or by name and id, stays', async context => {
  const { connect, log } = await startTestServer(context)
  await log.createTopic('orders')
  const topicId = (await log.describeTopic('orders'))!.id
  const byName = { name: 'orders', topicId: zeroUuid }
  const client = await connect()
  for (const topics of [
    [byName, byName],
    [{ topicId }, byName],
    [{ name: 'orders', topicId }],
    [{ topicId: zeroUuid }],
  ]) {
    const { responses } = await client.ask(deleteTopics, 6, { topics, timeoutMs: 1000 })
    deepEqual(
      responses.map(({ errorCode }) => errorCode),
      [errorCodes.INVALID_REQUEST],
    )
  }
  equal((await log.describeTopic('orders'))?.id, topicId)
})

test('DeleteTopics: a topic that is named very often is refused once', { timeout: 30_000 }, async context => {
  const { connect } = await startTestServer(context)
  const client = await connect()
  const names = Array.from({ length: 100_000 }, () => 'orders')
  const { responses } = await client.ask(deleteTopics, 6, asked(6, ...names))
  deepEqual(
    responses.map(({ errorCode }) => errorCode),
    [errorCodes.INVALID_REQUEST],
  )
})

test('DeleteTopics: the topics of the log and of apps stay', async context => {
  const { connect, port } = await startTestServer(context)
  await port.createTopic('app-count-changelog', { partitions: 1, app: 'app' })
  const client = await connect()
  const { responses } = await client.ask(
    deleteTopics,
    5,
    asked(5, '__consumer_offsets', 'app-count-changelog'),
  )
  deepEqual(
    responses.map(({ errorCode }) => errorCode),
    [errorCodes.TOPIC_AUTHORIZATION_FAILED, errorCodes.TOPIC_AUTHORIZATION_FAILED],
  )
})

test('DeleteTopics: delete.topic.enable=false refuses it', async context => {
  const { connect, log } = await startTestServer(context, {
    log: { configs: { 'delete.topic.enable': false } },
  })
  await log.createTopic('orders')
  const client = await connect()
  for (const version of everyVersion(deleteTopics)) {
    const { responses } = await client.ask(deleteTopics, version, asked(version, 'orders'))
    const { INVALID_REQUEST, TOPIC_DELETION_DISABLED } = errorCodes
    equal(responses[0]!.errorCode, version < 3 ? INVALID_REQUEST : TOPIC_DELETION_DISABLED)
  }
})
