import { deepEqual, equal, ok } from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import {
  correlationIdOf,
  messages,
  readBatches,
  readResponse,
  requestFrame,
  type RequestInput,
} from '../../wire/index.ts'
import { errorCodes } from '../handlers/error-codes.ts'
import { handlerOf } from '../handlers/index.ts'
import { batchOf, startTestServer } from './server.test-support.ts'

const { apiVersions, fetch, listOffsets, metadata, produce } = messages

function produceTo(topic: string, records: Uint8Array, acks = -1): RequestInput<typeof produce> {
  return {
    acks,
    timeoutMs: 1000,
    topicData: [{ name: topic, partitionData: [{ index: 0, records }] }],
  }
}

function fetchFrom(topic: string, fetchOffset: number, maxWaitMs = 0): RequestInput<typeof fetch> {
  return {
    maxWaitMs,
    minBytes: 1,
    topics: [{ topic, partitions: [{ partition: 0, fetchOffset, partitionMaxBytes: 1 << 20 }] }],
  }
}

test('a topic that is asked for is created, written and read', async context => {
  const { connect } = await startTestServer(context)
  const client = await connect()
  const { brokers, topics } = await client.ask(metadata, 12, { topics: [{ name: 'orders' }] })
  equal(brokers[0]!.host, '127.0.0.1')
  deepEqual(
    topics.map(({ name, errorCode }) => [name, errorCode]),
    [['orders', errorCodes.NONE]],
  )
  const { responses } = await client.ask(produce, 9, produceTo('orders', batchOf(['a', 'b'])))
  const [acknowledged] = responses[0]!.partitionResponses
  deepEqual([acknowledged!.errorCode, acknowledged!.baseOffset], [errorCodes.NONE, 0])
  const fetched = await client.ask(fetch, 11, fetchFrom('orders', 0))
  const [partition] = fetched.responses[0]!.partitions
  equal(partition!.highWatermark, 2)
  const [batch] = readBatches(partition!.records!)
  equal(batch!.count, 2)
  const listed: number[] = []
  for (const timestamp of [-1, -2, -3]) {
    const asked = [{ name: 'orders', partitions: [{ partitionIndex: 0, timestamp }] }]
    const answer = await client.ask(listOffsets, 7, { replicaId: -1, topics: asked })
    listed.push(answer.topics[0]!.partitions[0]!.offset)
  }
  deepEqual(listed, [2, 0, 0])
})

test('requests of a connection are answered in their order', async context => {
  const { connect, log } = await startTestServer(context)
  await log.port.createTopic('orders', { partitions: 1 })
  const client = await connect()
  // The first one waits for records.
  const ids = [
    await client.send(fetch, 11, fetchFrom('orders', 0, 200)),
    await client.send(apiVersions, 0, {}),
    await client.send(metadata, 1, { topics: [] }),
  ]
  const answers: number[] = []
  for (const _ of ids) answers.push(correlationIdOf((await client.frame())!))
  deepEqual(answers, ids)
})

test('a fetch is answered when records come', async context => {
  const { connect, log } = await startTestServer(context)
  await log.port.createTopic('orders', { partitions: 1 })
  const [reader, writer] = [await connect(), await connect()]
  const fetching = reader.ask(fetch, 11, fetchFrom('orders', 0, 60_000))
  await writer.ask(produce, 9, produceTo('orders', batchOf(['a'])))
  const { responses } = await fetching
  ok(responses[0]!.partitions[0]!.records!.length > 0)
})

test('a newer ApiVersions request is told which versions there are', async context => {
  const { connect } = await startTestServer(context)
  const client = await connect()
  await client.send({ ...apiVersions, versions: '0-9' }, 9, {
    clientSoftwareName: 'a',
    clientSoftwareVersion: '1',
  })
  const answer = readResponse(apiVersions, 0, (await client.frame())!)
  equal(answer.errorCode, errorCodes.UNSUPPORTED_VERSION)
  ok(answer.apiKeys.some(({ apiKey }) => apiKey === apiVersions.key))
  // The connection continues.
  equal((await client.ask(apiVersions, 3, {})).errorCode, errorCodes.NONE)
})

test('a produce without acknowledgement is not answered, and one that fails ends the connection', async context => {
  const { connect, log } = await startTestServer(context)
  await log.port.createTopic('orders', { partitions: 1 })
  const client = await connect()
  await client.send(produce, 9, produceTo('orders', batchOf(['a']), 0))
  equal((await client.ask(fetch, 11, fetchFrom('orders', 0))).responses[0]!.partitions[0]!.highWatermark, 1)
  await client.send(produce, 9, produceTo('missing', batchOf(['a']), 0))
  equal(await client.frame(), undefined)
})

const garbage: Record<string, Uint8Array> = {
  HTTP: Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'),
  TLS: Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03]),
  'a negative size': Buffer.from([0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]),
  'a frame that is too large': Buffer.from([0x7f, 0xff, 0xff, 0xff, 0, 18, 0, 0]),
  'an unknown request': Buffer.from([0, 0, 0, 10, 3, 232, 0, 0, 0, 0, 0, 1, 0xff, 0xff]),
  'a request that ends early': Buffer.from([0, 0, 0, 10, 0, 3, 0, 1, 0, 0, 0, 1, 0xff, 0xff]),
}

for (const [name, bytes] of Object.entries(garbage))
  test(`${name} ends the connection, and others are served`, async (context: TestContext) => {
    const { connect, errors } = await startTestServer(context)
    const [bad, good] = [await connect(), await connect()]
    await bad.connection.write([bytes])
    equal(await bad.frame().catch(() => undefined), undefined)
    equal(errors.length, 1)
    equal((await good.ask(apiVersions, 3, {})).errorCode, errorCodes.NONE)
  })

test('a batch that lies is refused, and nothing is appended', async context => {
  const { connect, log } = await startTestServer(context)
  await log.port.createTopic('orders', { partitions: 1 })
  const client = await connect()
  const batch = Buffer.from(batchOf(['a', 'b']))
  batch[batch.length - 1]! ^= 1
  const { responses } = await client.ask(produce, 9, produceTo('orders', batch))
  equal(responses[0]!.partitionResponses[0]!.errorCode, errorCodes.CORRUPT_MESSAGE)
  equal(await log.port.offsets('orders', 0, 'latest'), 0)
})

test('closing the log answers what waits, and ends the connections', async context => {
  const { connect, log } = await startTestServer(context)
  await log.port.createTopic('orders', { partitions: 1 })
  const client = await connect()
  await client.send(fetch, 11, fetchFrom('orders', 0, 60_000))
  // The request is being handled once another one was answered.
  await (await connect()).ask(apiVersions, 0, {})
  await log.close()
  ok(await client.frame())
  equal(await client.frame(), undefined)
})

test('thousands of requests that come at once do not keep others waiting', async context => {
  const state = { handled: 0 }
  const { connect } = await startTestServer(context, {
    handlerOf: header => {
      state.handled += 1
      return handlerOf(header)
    },
  })
  const [many, one] = [await connect(), await connect()]
  await one.ask(apiVersions, 3, {})
  const frame = Buffer.concat(requestFrame(apiVersions, 3, 1, 'raw', {}))
  const count = 10_000
  await many.connection.write([Buffer.concat(Array.from({ length: count }, () => frame))])
  while (state.handled < 2) await setImmediate()
  const before = state.handled
  await one.ask(apiVersions, 3, {})
  ok(state.handled - before < 200, `${state.handled - before} were handled before it`)
})
