/** Requests to produce that are synced together, and all others one after the other. */
import { deepEqual, equal, ok } from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { seededRandom, type Disk, type DiskFile } from '../../base/index.ts'
import { SimulatedDisk } from '../../testing/simulated-disk.ts'
import { correlationIdOf, messages, readResponse, requestFrame, type RequestInput } from '../../wire/index.ts'
import { errorCodes } from '../handlers/error-codes.ts'
import type { RawClient } from './raw-client.test-support.ts'
import { batchOf } from './server.test-support.ts'
import { startSimulatedServer, type SimulatedServer } from './simulated-server.test-support.ts'

const { fetch, produce } = messages

function produceTo(value: string, name = 'orders'): RequestInput<typeof produce> {
  const records = batchOf([value])
  return {
    acks: -1,
    timeoutMs: 1000,
    topicData: [{ name, partitionData: [{ index: 0, records }] }],
  }
}

const fetchAll: RequestInput<typeof fetch> = {
  maxWaitMs: 0,
  minBytes: 0,
  topics: [{ topic: 'orders', partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1 << 20 }] }],
}

interface Slow extends SimulatedServer {
  readonly client: RawClient
  /** Syncs of the partition. */
  readonly syncs: { begun: number; block: Promise<void> | undefined }
}

/** A server whose disk syncs the partition once `syncs.block` has resolved. */
async function startSlow(context: TestContext): Promise<Slow> {
  const disk = new SimulatedDisk({ random: seededRandom(1) })
  const syncs: Slow['syncs'] = { begun: 0, block: undefined }
  const slow = (file: DiskFile): DiskFile => ({
    ...file,
    async sync() {
      syncs.begun += 1
      await syncs.block
      await file.sync()
    },
  })
  const open: Disk['open'] = async (path, mode) => {
    const file = await disk.open(path, mode)
    return path.includes('orders') && path.endsWith('.log') ? slow(file) : file
  }
  const simulated = await startSimulatedServer(context, { disk: withOpen(disk, open) })
  const { connect, log, until } = simulated
  await until(log.port.createTopic('orders', { partitions: 1 }))
  return { ...simulated, client: await connect(), syncs }
}

function withOpen(disk: Disk, open: Disk['open']): Disk {
  return new Proxy(disk, {
    get: (target, name) => {
      if (name === 'open') return open
      const member: unknown = Reflect.get(target, name)
      return typeof member === 'function' ? member.bind(target) : member
    },
  })
}

test('produces of a connection are synced together, and answered in their order', async context => {
  const { client, clock, syncs, until } = await startSlow(context)
  const { promise, resolve } = Promise.withResolvers<void>()
  syncs.block = promise
  const ids: number[] = []
  for (let n = 0; n < 10; n += 1) ids.push(await client.send(produce, 9, produceTo(`value ${n}`)))
  await clock.advance(1000)
  equal(syncs.begun, 1)
  resolve()
  const answers: number[] = []
  const offsets: number[] = []
  for (const _ of ids) {
    const frame = (await until(client.frame()))!
    answers.push(correlationIdOf(frame))
    offsets.push(readResponse(produce, 9, frame).responses[0]!.partitionResponses[0]!.baseOffset)
  }
  deepEqual(answers, ids)
  deepEqual(
    offsets,
    ids.map((_, n) => n),
  )
  ok(syncs.begun <= 3, `${syncs.begun} syncs`)
})

test('a produce that is refused at once is answered after an earlier one that waits', async context => {
  const { client, clock, syncs, until } = await startSlow(context)
  const { promise, resolve } = Promise.withResolvers<void>()
  syncs.block = promise
  const ids = [
    await client.send(produce, 9, produceTo('a')),
    await client.send(produce, 9, produceTo('b', '')),
  ]
  await clock.advance(1000)
  resolve()
  for (const id of ids) equal(correlationIdOf((await until(client.frame()))!), id)
})

test('a request that follows a produce begins once it is acknowledged', async context => {
  const { client, clock, syncs, until } = await startSlow(context)
  const { promise, resolve } = Promise.withResolvers<void>()
  syncs.block = promise
  await client.send(produce, 9, produceTo('a'))
  await client.send(fetch, 11, fetchAll)
  await clock.advance(1000)
  resolve()
  const acknowledged = readResponse(produce, 9, (await until(client.frame()))!)
  equal(acknowledged.responses[0]!.partitionResponses[0]!.errorCode, errorCodes.NONE)
  const fetched = readResponse(fetch, 11, (await until(client.frame()))!)
  equal(fetched.responses[0]!.partitions[0]!.highWatermark, 1)
})

test('a produce that cannot be answered ends those after it, and no memory stays lent', async context => {
  const { client, clock, connect, server, syncs, until } = await startSlow(context)
  const { promise, resolve } = Promise.withResolvers<void>()
  syncs.block = promise
  const [orders] = produceTo('x').topicData
  // Asks for no answer, so its error ends the connection.
  const toNobody = { acks: 0, timeoutMs: 1000, topicData: [{ ...orders!, name: 'missing' }] }
  const large = produceTo('x'.repeat(100_000))
  for (const request of [large, large, large, toNobody, produceTo('y')])
    client.send(produce, 9, request).catch(() => undefined)
  await clock.advance(1000)
  resolve()
  let answers = 0
  while (await until(client.frame().catch(() => undefined))) answers += 1
  ok(answers <= 3)
  await clock.advance(1000)
  equal(server.connections, 0)
  equal(server.lentBytes, 0)
  const other = await connect()
  const { responses } = await until(other.ask(fetch, 11, fetchAll))
  equal(responses[0]!.partitions[0]!.highWatermark, 3, 'what came after the error was not done')
})

test('produces are answered before what comes after them ends the connection', async context => {
  const [orders] = produceTo('x').topicData
  const toNobody = { acks: 0, timeoutMs: 1000, topicData: [{ ...orders!, name: 'missing' }] }
  for (const last of [requestFrame(produce, 9, 99, 'raw', toNobody), [Buffer.from('GET / HTTP/1.1\r\n')]]) {
    const { client, clock, syncs, until } = await startSlow(context)
    const { promise, resolve } = Promise.withResolvers<void>()
    syncs.block = promise
    const ids: number[] = []
    for (let n = 0; n < 3; n += 1) ids.push(await client.send(produce, 9, produceTo(`value ${n}`)))
    await client.connection.write(last)
    await clock.advance(1000)
    resolve()
    for (const id of ids) equal(correlationIdOf((await until(client.frame()))!), id)
    equal(await until(client.frame().catch(() => undefined)), undefined)
  }
})

test('a server that ends answers the produces that it has begun', async context => {
  const { client, clock, port, syncs, until } = await startSlow(context)
  const { promise, resolve } = Promise.withResolvers<void>()
  syncs.block = promise
  const ids: number[] = []
  for (let n = 0; n < 4; n += 1) ids.push(await client.send(produce, 9, produceTo(`value ${n}`)))
  await clock.advance(1000)
  const closing = port.close()
  resolve()
  const answers: number[] = []
  for (let frame; (frame = await until(client.frame()));) answers.push(correlationIdOf(frame))
  deepEqual(answers, ids)
  await until(closing)
})
