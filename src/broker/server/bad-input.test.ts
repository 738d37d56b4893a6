/** Input that no client should send: a clear answer or a closed connection, and others are served. */
import { equal, ok } from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { zstdCompressSync } from 'node:zlib'
import { crc32c, isMillraceError } from '../../base/index.ts'
import { batchHeaderBytes, messages, requestFrame, type RequestInput } from '../../wire/index.ts'
import { errorCodes } from '../handlers/error-codes.ts'
import { batchOf, startTestServer, type TestServer } from './server.test-support.ts'

const { apiVersions, fetch, listOffsets, metadata, produce } = messages
const unknownId = Buffer.alloc(16, 7).toString('base64url')

async function start(context: TestContext): Promise<TestServer & { readonly topicId: string }> {
  const server = await startTestServer(context)
  await server.log.port.createTopic('orders', { partitions: 1, configs: { 'max.message.bytes': '1000000' } })
  return { ...server, topicId: (await server.log.port.describeTopic('orders'))!.id }
}

async function produced({ connect }: TestServer, records: Uint8Array): Promise<number> {
  const client = await connect()
  const topicData = [{ name: 'orders', partitionData: [{ index: 0, records }] }]
  const { responses } = await client.ask(produce, 9, { acks: -1, timeoutMs: 1000, topicData })
  return responses[0]!.partitionResponses[0]!.errorCode
}

/** A batch with other records, and the checksum that fits. */
function withRecords(records: Uint8Array, attributes: number): Buffer {
  const batch = Buffer.concat([batchOf(['a']).subarray(0, batchHeaderBytes), records])
  batch.writeInt32BE(batch.length - 12, 8)
  batch.writeInt16BE(attributes, 21)
  batch.writeUInt32BE(crc32c(batch.subarray(21)), 17)
  return batch
}

test('a decompression bomb is refused, and others are served', async context => {
  const server = await start(context)
  const zstd = 4
  const bomb = withRecords(zstdCompressSync(Buffer.alloc(200 * 1024 * 1024)), zstd)
  ok(bomb.length < 100_000)
  const other = await server.connect()
  const [code, answer] = await Promise.all([produced(server, bomb), other.ask(apiVersions, 3, {})])
  equal(code, errorCodes.MESSAGE_TOO_LARGE)
  equal(answer.errorCode, errorCodes.NONE)
  equal(await server.log.port.offsets('orders', 0, 'latest'), 0)
})

test('batches that lie are refused one by one', async context => {
  const server = await start(context)
  const count = Buffer.from(batchOf(['a', 'b']))
  count.writeInt32BE(5, 57)
  count.writeInt32BE(4, 23)
  count.writeUInt32BE(crc32c(count.subarray(21)), 17)
  equal(await produced(server, count), errorCodes.INVALID_RECORD)
  const millions = Buffer.from(count)
  millions.writeInt32BE(0x7fff_ffff, 57)
  millions.writeInt32BE(0x7fff_fffe, 23)
  millions.writeUInt32BE(crc32c(millions.subarray(21)), 17)
  equal(await produced(server, millions), errorCodes.INVALID_RECORD)
  equal(await produced(server, batchOf(['a']).subarray(0, 50)), errorCodes.INVALID_RECORD)
  equal(await produced(server, Buffer.alloc(0)), errorCodes.INVALID_RECORD)
  equal(await produced(server, Buffer.concat([batchOf(['a']), batchOf(['b'])])), errorCodes.INVALID_RECORD)
  equal(await produced(server, withRecords(Buffer.from('no gzip'), 1)), errorCodes.INVALID_RECORD)
  equal(
    await produced(server, withRecords(Buffer.from('no codec'), 7)),
    errorCodes.UNSUPPORTED_COMPRESSION_TYPE,
  )
  equal(await produced(server, batchOf(['x'.repeat(2 << 20)])), errorCodes.MESSAGE_TOO_LARGE)
  equal(await server.log.port.offsets('orders', 0, 'latest'), 0)
  equal(await produced(server, batchOf(['a'])), errorCodes.NONE)
})

test('unknown topics, ids and partitions are answered as such, beside those that are known', async context => {
  const { connect, log, topicId } = await start(context)
  const client = await connect()
  const partitionData = [0, 1, -1, 0x7fff_ffff].map(index => ({ index, records: batchOf(['a']) }))
  const codes = async (topicData: RequestInput<typeof produce>['topicData'], version: number) =>
    (await client.ask(produce, version, { acks: -1, timeoutMs: 1000, topicData })).responses.flatMap(
      ({ partitionResponses }) => partitionResponses.map(({ errorCode }) => errorCode),
    )
  const { NONE, UNKNOWN_TOPIC_ID, UNKNOWN_TOPIC_OR_PARTITION: unknown } = errorCodes
  const expected = [NONE, unknown, unknown, unknown]
  equal(String(await codes([{ name: 'orders', partitionData }], 9)), String(expected))
  equal(String(await codes([{ topicId, partitionData }], 13)), String(expected))
  const one = partitionData.slice(0, 1)
  equal(
    String(
      await codes(
        [
          { name: 'none', partitionData: one },
          { name: '', partitionData: one },
          { name: '../orders', partitionData: one },
          { name: 'orders', partitionData: one },
        ],
        9,
      ),
    ),
    String([unknown, unknown, unknown, NONE]),
  )
  equal(String(await codes([{ topicId: unknownId, partitionData: one }], 13)), String([UNKNOWN_TOPIC_ID]))

  const partitions = [0, 7, -5].map(partition => ({ partition, fetchOffset: 0, partitionMaxBytes: 1000 }))
  const fetched = async (topics: RequestInput<typeof fetch>['topics'], version: number) =>
    (await client.ask(fetch, version, { maxWaitMs: 60_000, minBytes: 1, topics })).responses.flatMap(each =>
      each.partitions.map(({ errorCode }) => errorCode),
    )
  equal(String(await fetched([{ topic: 'orders', partitions }], 12)), String([NONE, unknown, unknown]))
  equal(String(await fetched([{ topicId, partitions }], 17)), String([NONE, unknown, unknown]))
  const first = partitions.slice(0, 1)
  equal(String(await fetched([{ topic: 'none', partitions: first }], 12)), String([unknown]))
  equal(String(await fetched([{ topicId: unknownId, partitions: first }], 17)), String([UNKNOWN_TOPIC_ID]))
  const [listed] = (
    await client.ask(listOffsets, 7, {
      replicaId: -1,
      topics: [{ name: 'none', partitions: [{ partitionIndex: 0, timestamp: -1 }] }],
    })
  ).topics
  equal(listed!.partitions[0]!.errorCode, unknown)
  const { topics } = await client.ask(metadata, 12, { topics: [{ name: null, topicId: unknownId }] })
  equal(topics[0]!.errorCode, UNKNOWN_TOPIC_ID)
  equal(await log.port.offsets('orders', 0, 'latest'), 3)
})

test('counts that lie, and versions that are not offered, end their connection alone', async context => {
  const { connect, errors } = await start(context)
  const good = await connect()
  const whole = Buffer.concat(
    requestFrame(listOffsets, 1, 1, 'c', { replicaId: -1, topics: [{ name: 'orders', partitions: [] }] }),
  )
  // The count of topics, and that of partitions.
  const places = [whole.length - 16, whole.length - 4]
  for (const place of places)
    for (const count of [0x7fff_ffff, 1_000_000, -2]) {
      const lying = Buffer.from(whole)
      lying.writeInt32BE(count, place)
      const bad = await connect()
      await bad.connection.write([lying])
      equal(await bad.frame(), undefined)
      ok(isMillraceError(errors.pop(), 'INVALID_REQUEST'))
    }
  for (const version of [-1, 0, 99]) {
    const unsupported = Buffer.from(whole)
    unsupported.writeInt16BE(version, 6)
    const bad = await connect()
    await bad.connection.write([unsupported])
    equal(await bad.frame(), undefined)
    ok(isMillraceError(errors.pop(), 'INVALID_REQUEST'))
  }
  equal(errors.length, 0)
  equal((await good.ask(apiVersions, 3, {})).errorCode, errorCodes.NONE)
})

test('a request that is cut off leaves nothing behind', async context => {
  const { connect, errors, server, log } = await start(context)
  const records = batchOf(['x'.repeat(500_000)])
  const topicData = [{ name: 'orders', partitionData: [{ index: 0, records }] }]
  const whole = Buffer.concat(requestFrame(produce, 9, 1, 'c', { acks: -1, timeoutMs: 1000, topicData }))
  for (const size of [0, 1, 3, 4, 5, 100, 70_000, whole.length - 1]) {
    const client = await connect()
    await client.connection.write([whole.subarray(0, size)])
    await client.connection.end()
    equal(await client.frame(), undefined)
  }
  equal(server.lentBytes, 0)
  equal(errors.length, 0)
  equal(await log.port.offsets('orders', 0, 'latest'), 0)
})
