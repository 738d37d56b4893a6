/** Planned faults of a test broker: what they strike, what clients see, and what was done all the same. */
import { deepEqual, equal, ok, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { nodeNet } from '../base/index.ts'
import { batchOf } from '../broker/server/server.test-support.ts'
import { RawClient } from '../broker/server/raw-client.test-support.ts'
import { errorCodes } from '../broker/index.ts'
import { messages, type RequestInput } from '../wire/index.ts'
import type { BrokerFault } from './broker-faults.ts'
import { startBroker, type TestBroker } from './start-broker.ts'

const { apiVersions, fetch, listOffsets, metadata, produce } = messages
const { NONE, NOT_LEADER_OR_FOLLOWER, UNKNOWN_TOPIC_OR_PARTITION } = errorCodes

function produceTo(topics: readonly string[], acks = -1): RequestInput<typeof produce> {
  return {
    acks,
    timeoutMs: 1000,
    topicData: topics.map(name => ({ name, partitionData: [{ index: 0, records: batchOf(['a']) }] })),
  }
}

function fetchFrom(topics: readonly string[], maxWaitMs = 0): RequestInput<typeof fetch> {
  return {
    maxWaitMs,
    minBytes: 1,
    topics: topics.map(topic => ({
      topic,
      partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1 << 20 }],
    })),
  }
}

async function start(): Promise<{
  broker: TestBroker
  client: RawClient
  end: (name: string) => Promise<number>
  [Symbol.asyncDispose]: () => Promise<void>
}> {
  const broker = await startBroker({ topics: { orders: 1, users: 1 } })
  const client = await RawClient.connect(nodeNet, broker.address)
  return {
    broker,
    client,
    end: name => broker.log.port.offsets(name, 0, 'latest'),
    async [Symbol.asyncDispose]() {
      client.close()
      await broker.close()
    },
  }
}

test('an error strikes as often as planned, and nothing of the request is done', async () => {
  await using t = await start()
  const fault = t.broker.fail('Produce', { topic: 'orders', times: 2, error: 'NOT_LEADER_OR_FOLLOWER' })
  const codes: number[] = []
  for (let n = 0; n < 3; n += 1) {
    const { responses } = await t.client.ask(produce, 9, produceTo(['orders']))
    equal(responses[0]!.name, 'orders')
    codes.push(responses[0]!.partitionResponses[0]!.errorCode)
  }
  deepEqual(codes, [NOT_LEADER_OR_FOLLOWER, NOT_LEADER_OR_FOLLOWER, NONE])
  equal(fault.strikes, 2)
  equal(await t.end('orders'), 1)
})

test('other topics of the request are not struck, by name or by id', async () => {
  await using t = await start()
  const fault = t.broker.fail('Produce', {
    topic: 'orders',
    times: Infinity,
    error: 'NOT_LEADER_OR_FOLLOWER',
  })
  const by = (version: number, data: RequestInput<typeof produce>): Promise<[string, number][]> =>
    t.client
      .ask(produce, version, data)
      .then(({ responses }) =>
        responses.map(({ name, topicId, partitionResponses }) => [
          version < 13 ? name : topicId,
          partitionResponses[0]!.errorCode,
        ]),
      )
  deepEqual(await by(9, produceTo(['orders', 'users'])), [
    ['users', NONE],
    ['orders', NOT_LEADER_OR_FOLLOWER],
  ])
  deepEqual(await by(9, produceTo(['users'])), [['users', NONE]])
  const ids = await Promise.all(
    ['orders', 'users'].map(async name => (await t.broker.log.describeTopic(name))!.id),
  )
  const byId = {
    ...produceTo([]),
    topicData: ids.map(topicId => ({ ...produceTo(['x']).topicData[0]!, topicId })),
  }
  deepEqual(await by(13, byId), [
    [ids[1], NONE],
    [ids[0], NOT_LEADER_OR_FOLLOWER],
  ])
  equal(fault.strikes, 2)
  fault.end()
  deepEqual(await by(9, produceTo(['orders'])), [['orders', NONE]])
  deepEqual([await t.end('orders'), await t.end('users')], [1, 3])
})

test('a fetch gets the error, and the next one the records', async () => {
  await using t = await start()
  await t.client.ask(produce, 9, produceTo(['orders', 'users']))
  const fault = t.broker.fail('Fetch', { topic: 'orders', error: 'NOT_LEADER_OR_FOLLOWER' })
  const found = async (request: RequestInput<typeof fetch>): Promise<unknown> => {
    const { responses } = await t.client.ask(fetch, 11, request)
    return responses.map(({ topic, partitions }) => [
      topic,
      partitions[0]!.errorCode,
      partitions[0]!.records!.length > 0,
    ])
  }
  deepEqual(await found(fetchFrom(['users'])), [['users', NONE, true]])
  equal(fault.strikes, 0)
  deepEqual(await found(fetchFrom(['orders', 'users'])), [
    ['orders', NOT_LEADER_OR_FOLLOWER, false],
    ['users', NONE, true],
  ])
  deepEqual(await found(fetchFrom(['orders'])), [['orders', NONE, true]])
  equal(fault.strikes, 1)
})

test('a fetch of a session, which need not name its topics, gets the error as well', async () => {
  await using t = await start()
  const opened = await t.client.ask(fetch, 11, { ...fetchFrom(['orders', 'users']), sessionEpoch: 0 })
  const { sessionId } = opened
  ok(sessionId > 0)
  await t.client.ask(produce, 9, produceTo(['orders', 'users']))
  const fault = t.broker.fail('Fetch', { topic: 'orders', error: 'NOT_LEADER_OR_FOLLOWER' })
  const found: unknown[] = []
  for (let sessionEpoch = 1; sessionEpoch <= 2; sessionEpoch += 1) {
    const { responses } = await t.client.ask(fetch, 11, { ...fetchFrom([]), sessionId, sessionEpoch })
    found.push(
      Object.fromEntries(
        responses.map(({ topic, partitions: [partition] }) => [
          topic,
          [partition!.errorCode, partition!.records!.length > 0],
        ]),
      ),
    )
  }
  deepEqual(found, [
    { orders: [NOT_LEADER_OR_FOLLOWER, false], users: [NONE, true] },
    { orders: [NONE, true], users: [NONE, true] },
  ])
  equal(fault.strikes, 1)
})

test('metadata of one topic fails', async () => {
  await using t = await start()
  const fault = t.broker.fail('Metadata', { topic: 'orders', error: 'UNKNOWN_TOPIC_OR_PARTITION' })
  const { topics } = await t.client.ask(metadata, 12, { topics: [{ name: 'orders' }, { name: 'users' }] })
  deepEqual(
    topics.map(({ name, errorCode, partitions }) => [name, errorCode, partitions.length]),
    [
      ['orders', UNKNOWN_TOPIC_OR_PARTITION, 0],
      ['users', NONE, 1],
    ],
  )
  equal(fault.strikes, 1)
})

test('a connection ends before the request is handled, or after', async () => {
  await using t = await start()
  for (const [disconnect, end] of [
    [true, 0],
    ['before', 0],
    ['after', 1],
  ] as const) {
    const fault = t.broker.fail('Produce', { disconnect })
    const client = await RawClient.connect(nodeNet, t.broker.address)
    await client.send(produce, 9, produceTo(['orders']))
    equal(await client.frame().catch(() => undefined), undefined)
    deepEqual([fault.strikes, await t.end('orders')], [1, end])
  }
  t.broker.fail('Produce', { error: 'NOT_LEADER_OR_FOLLOWER' })
  await t.client.send(produce, 9, produceTo(['orders'], 0))
  equal(await t.client.frame().catch(() => undefined), undefined, 'acks 0')
})

test('an answer is delayed; faults of one request strike in their order', async () => {
  await using t = await start()
  const slow = t.broker.fail('ListOffsets', { topic: 'orders', delayMs: 50 })
  const wrong = t.broker.fail('ListOffsets', { delayMs: 1, error: 6 })
  const ask = async (): Promise<number> => {
    const { topics } = await t.client.ask(listOffsets, 7, {
      replicaId: -1,
      topics: [{ name: 'orders', partitions: [{ partitionIndex: 0, timestamp: -1 }] }],
    })
    return topics[0]!.partitions[0]!.errorCode
  }
  const startMs = performance.now()
  equal(await ask(), NONE)
  ok(performance.now() - startMs >= 45)
  deepEqual([slow.strikes, wrong.strikes], [1, 0])
  deepEqual([await ask(), await ask()], [6, NONE])
  const delayed = t.broker.fail('ApiVersions', { delayMs: 60_000, disconnect: 'after' })
  await t.client.send(apiVersions, 0, {})
  while (delayed.strikes === 0) await new Promise(resolve => setTimeout(resolve, 1))
  await t.broker.close()
  equal(await t.client.frame().catch(() => undefined), undefined)
})

test('a fault that cannot be is refused with the nearest name', async () => {
  await using t = await start()
  const refused = (name: string, fault: unknown, about: RegExp): void =>
    throws(() => t.broker.fail(name as 'Produce', fault as BrokerFault), {
      name: 'MillraceError',
      code: 'INVALID_ARGUMENT',
      message: about,
    })
  refused('Prodce', { disconnect: true }, /'Prodce'.*'Produce'/)
  refused('SaslHandshake', { disconnect: true }, /SaslHandshake'.*It answers: Produce, Fetch/)
  refused('Produce', { eror: 'NONE' }, /'eror'.*'error'/)
  refused('Produce', { error: 'NOT_LEADER_OR_FOLOWER' }, /'NOT_LEADER_OR_FOLLOWER'/)
  refused('Produce', { error: 'NONE' }, /by its name or number, got 'NONE'/)
  refused('Produce', { error: 0 }, /number of an error/)
  refused('Produce', {}, /error, delayMs or disconnect/)
  refused('Produce', undefined, /error, delayMs or disconnect/)
  refused('Produce', { error: 6, disconnect: true }, /one of the two/)
  refused('Produce', { error: 6, times: 0 }, /'times'.*Infinity/)
  refused('Produce', { delayMs: -1 }, /'delayMs'/)
  refused('Produce', { disconnect: 'later' }, /'before' or 'after'/)
  for (const name of ['ApiVersions', 'DescribeGroups', 'DescribeConfigs', 'JoinGroup', 'EndTxn'])
    refused(name, { topic: 'orders', disconnect: true }, /takes no topic/)
  for (const name of ['OffsetFetch', 'AddPartitionsToTxn', 'DeleteTopics', 'ListOffsets'] as const)
    t.broker.fail(name, { topic: 'orders', disconnect: true }).end()
})
