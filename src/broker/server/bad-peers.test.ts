/** Peers that send slowly, that never read, that take all memory, or that are gone. */
import { equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { isMillraceError, type Connection } from '../../base/index.ts'
import { read } from '../../base/net-conformance.test-support.ts'
import { drain } from '../../port/conformance/harness.ts'
import { messages, readResponse, requestFrame, type RequestInput } from '../../wire/index.ts'
import { errorCodes } from '../handlers/error-codes.ts'
import { batchOf } from './server.test-support.ts'
import { startSimulatedServer, type SimulatedServer } from './simulated-server.test-support.ts'

const { apiVersions, fetch, produce } = messages

function produceTo(topic: string, records: Uint8Array): RequestInput<typeof produce> {
  return {
    acks: -1,
    timeoutMs: 1000,
    topicData: [{ name: topic, partitionData: [{ index: 0, records }] }],
  }
}

function fetchFrom(topic: string, maxWaitMs: number, maxBytes = 1 << 24): RequestInput<typeof fetch> {
  return {
    maxWaitMs,
    minBytes: 1,
    maxBytes,
    topics: [{ topic, partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: maxBytes }] }],
  }
}

const bytesOf = (frame: readonly Uint8Array[]): Buffer => Buffer.concat(frame)

/** Resolves once the broker has closed the connection. */
async function closed(connection: Connection): Promise<void> {
  try {
    while (await read(connection)) continue
  } catch {
    // An error says the same.
  }
}

async function isServed(simulated: SimulatedServer): Promise<void> {
  const client = await simulated.connect()
  equal((await simulated.until(client.ask(apiVersions, 3, {}))).errorCode, errorCodes.NONE)
  client.close()
}

/** Fills partition 0 of a topic with about so many bytes. */
async function fill(
  { connect, until, log }: SimulatedServer,
  topic: string,
  mebibytes: number,
): Promise<void> {
  await until(log.port.createTopic(topic, { partitions: 1 }))
  const client = await connect()
  const records = batchOf(Array.from({ length: 100 }, () => 'x'.repeat(10_000)))
  for (let n = 0; n < mebibytes; n += 1) await until(client.ask(produce, 9, produceTo(topic, records)))
  client.close()
}

test('a request that comes byte by byte ends with its time, not with each byte', async context => {
  const simulated = await startSimulatedServer(context, { limits: { transferMsMax: 10_000 } })
  const { clock, open, server, until } = simulated
  for (const announced of [200_000, 100]) {
    const slow = await open()
    const startMs = clock.monotonic()
    const frame = Buffer.alloc(4 + announced)
    frame.writeInt32BE(announced)
    const reading = closed(slow)
    for (let n = 0; n < 40 && server.connections > 0; n += 1) {
      await slow.write([frame.subarray(n, n + 1)]).catch(() => undefined)
      await clock.advance(1000)
    }
    await until(reading)
    ok(clock.monotonic() - startMs < 15_000, 'it was closed in time')
    await isServed(simulated)
    equal(server.lentBytes, 0)
  }
})

test('a peer that never reads is dropped, and the memory of its answers comes back', async context => {
  const simulated = await startSimulatedServer(context, { limits: { transferMsMax: 10_000 } })
  const { clock, net, open, server } = simulated
  await fill(simulated, 'orders', 2)
  const deaf = await open('deaf')
  net.block('broker', 'deaf')
  for (let id = 0; id < 10; id += 1)
    void deaf
      .write([bytesOf(requestFrame(fetch, 11, id, 'deaf', fetchFrom('orders', 0)))])
      .catch(() => undefined)
  await clock.advance(1000)
  ok(server.lentBytes > 1 << 20)
  await isServed(simulated)
  await clock.advance(15_000)
  equal(server.connections, 0)
  equal(server.lentBytes, 0)
})

test('a peer that ends and never reads is dropped, however long connections may be idle', async context => {
  const simulated = await startSimulatedServer(context, {
    limits: { transferMsMax: 10_000, idleMsMax: Infinity },
  })
  const { clock, net, open, server } = simulated
  const deaf = await open('deaf')
  net.block('broker', 'deaf')
  await deaf.write([bytesOf(requestFrame(apiVersions, 3, 1, 'deaf', {}))])
  void deaf.end().catch(() => undefined)
  await clock.advance(5000)
  equal(server.connections, 1)
  await clock.advance(10_000)
  equal(server.connections, 0)
})

test('a large response that is read slowly is not cut', async context => {
  const simulated = await startSimulatedServer(context, { limits: { transferMsMax: 10_000 } })
  const { clock, open, until } = simulated
  await fill(simulated, 'orders', 12)
  const slow = await open()
  const [request] = [bytesOf(requestFrame(fetch, 11, 1, 'slow', fetchFrom('orders', 0)))]
  await slow.write([request])
  const startMs = clock.monotonic()
  let received = 0
  let size = Infinity
  while (received < size) {
    const bytes = await until(read(slow))
    ok(bytes, 'the connection continues')
    if (received === 0) size = 4 + Buffer.from(bytes).readInt32BE(0)
    received += bytes.length
    await clock.advance(1000)
  }
  ok(size > 11 << 20)
  ok(clock.monotonic() - startMs > 11_000, 'it took longer than the time of one portion')
  slow.destroy()
})

test('large requests wait for memory that others hold, and each is answered', async context => {
  const frameBytes = 300_000
  const queuedBytesMax = 400_000
  const simulated = await startSimulatedServer(context, {
    limits: { queuedBytesMax, transferMsMax: 20_000, frameBytesMax: 1 << 20 },
  })
  const { clock, connect, log, open, server, until } = simulated
  await until(log.port.createTopic('orders', { partitions: 1 }))
  const records = batchOf([Buffer.alloc(frameBytes, 'x').toString()])
  // Two that send a half and stop hold what they have sent, until their time is over.
  const frame = bytesOf(requestFrame(produce, 9, 1, 'stalled', produceTo('orders', records)))
  const stalled = [await open(), await open()]
  for (const each of stalled) {
    void each.write([frame.subarray(0, 250_000)]).catch(() => undefined)
    await clock.advance(1000)
  }
  const clients = await Promise.all([1, 2, 3, 4, 5].map(() => connect()))
  let lentBytesMax = 0
  // All have sent a part before the first has sent the rest.
  const whole = bytesOf(requestFrame(produce, 9, 1, 'client', produceTo('orders', records)))
  for (const { connection } of clients) void connection.write([whole.subarray(0, 200_000)])
  for (let n = 0; n < 100; n += 1) {
    await clock.advance(1)
    lentBytesMax = Math.max(lentBytesMax, server.lentBytes)
  }
  const answers = clients.map(async client => {
    void client.connection.write([whole.subarray(200_000)])
    return readResponse(produce, 9, (await client.frame())!)
  })
  const progress = { answers: 0 }
  for (const answer of answers) void answer.then(() => (progress.answers += 1))
  for (let n = 0; n < 5000 && progress.answers < answers.length; n += 1) {
    await clock.advance(1)
    lentBytesMax = Math.max(lentBytesMax, server.lentBytes)
  }
  equal(progress.answers, answers.length, 'they do not wait for the stalled ones')
  // Memory comes in powers of two; a frame that grows holds two for a moment.
  ok(lentBytesMax <= queuedBytesMax + 2 * 524_288, `${lentBytesMax} bytes were lent`)
  const offsets = new Set<number>()
  for (const answer of answers) {
    const { responses } = await until(answer)
    equal(responses[0]!.partitionResponses[0]!.errorCode, errorCodes.NONE)
    offsets.add(responses[0]!.partitionResponses[0]!.baseOffset)
  }
  equal(offsets.size, clients.length)
  // The batches are as they were sent: their memory was not used again too early.
  const reader = await log.port.openReader()
  reader.assign([{ topic: 'orders', partition: 0, offset: 0 }])
  equal((await until(drain(reader, 'orders', 0))).length, clients.length)
  for (const each of stalled) await until(closed(each))
  equal(server.lentBytes, 0)
})

test('a fetch of a client that is gone ends', async context => {
  const simulated = await startSimulatedServer(context)
  const { clock, connect, log, server, until } = simulated
  await until(log.port.createTopic('orders', { partitions: 1 }))
  const [destroyed, ended] = [await connect(), await connect()]
  await destroyed.send(fetch, 11, fetchFrom('orders', 3_600_000))
  await ended.send(fetch, 11, fetchFrom('orders', 3_600_000))
  await clock.advance(1000)
  equal(server.connections, 2)
  destroyed.close()
  void ended.connection.end().catch(() => undefined)
  await clock.advance(1000)
  equal(server.connections, 0)
})

test('with all memory of fetches in use, others get little, then wait, and are answered', async context => {
  const simulated = await startSimulatedServer(context, {
    limits: { fetchBytesMax: 4 << 20, transferMsMax: 10_000 },
  })
  const { clock, connect, net, open, server, until } = simulated
  await fill(simulated, 'orders', 4)
  const request = bytesOf(requestFrame(fetch, 11, 1, 'deaf', fetchFrom('orders', 0)))
  const deaf: Connection[] = []
  for (let n = 0; n < 30; n += 1) deaf.push(await open('deaf'))
  net.block('broker', 'deaf')
  for (const each of deaf) void each.write([request]).catch(() => undefined)
  await clock.advance(100)
  ok(server.lentBytes >= 4 << 20)
  ok(server.lentBytes <= 16 << 20, `${server.lentBytes} bytes are lent`)
  const client = await connect()
  const { responses } = await until(client.ask(fetch, 11, fetchFrom('orders', 30_000)))
  ok(responses[0]!.partitions[0]!.records!.length > 0)
  await clock.advance(20_000)
  equal(server.lentBytes, 0)
})

test('an answer that cannot be given ends its connection alone, and is reported', async context => {
  const simulated = await startSimulatedServer(context)
  const { clock, errors, open, until } = simulated
  const bad = await open()
  await bad.write([Buffer.from([0, 0, 0, 10, 0, 3, 0, 99, 0, 0, 0, 1, 0xff, 0xff])])
  await until(closed(bad))
  await isServed(simulated)
  await clock.advance(100)
  equal(errors.length, 1)
  ok(isMillraceError(errors[0], 'INVALID_REQUEST'))
})
