import { deepEqual, equal, ok, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { compressions, isMillraceError, LentMemory, seededRandom, type Random } from '../base/index.ts'
import { forSeeds } from '../../test/for-seeds.ts'
import { quick } from '../../test/scale.ts'
import { BatchBuilder, type RecordHeader } from './batch-builder.ts'
import { controlBatch, controlMarkerOf } from './control-batch.ts'
import { assignOffsets, batchSizeAt, decompressedBytesMax, readBatches, RecordBatch } from './record-batch.ts'

interface Plain {
  timestamp: number
  key: string | null
  value: string | null
  headers: [string, string | null][]
}

function build(records: readonly Plain[], builder = new BatchBuilder({ initialBytes: 64 })): Uint8Array {
  // Equal arrays stay one array.
  const encoded = new Map<Plain['headers'], RecordHeader[]>()
  for (const { timestamp, key, value, headers } of records) {
    const known = encoded.get(headers) ?? headers.map(headerOf)
    encoded.set(headers, known)
    builder.append(timestamp, key, value, known)
  }
  return builder.build()
}

function headerOf([key, text]: [string, string | null]): RecordHeader {
  return { key, value: text === null ? null : Buffer.from(text) }
}

function read(batch: RecordBatch): (Plain & { offset: number })[] {
  const records: (Plain & { offset: number })[] = []
  for (const cursor = batch.records(); cursor.next();)
    records.push({
      offset: cursor.offset,
      timestamp: cursor.timestamp,
      key: cursor.key() && Buffer.from(cursor.key()!).toString(),
      value: cursor.value() && Buffer.from(cursor.value()!).toString(),
      headers: cursor.headers().map(({ key, value }) => [key, value && Buffer.from(value).toString()]),
    })
  return records
}

function randomRecords(random: Random): Plain[] {
  const text = (): string | null =>
    random.int(5) === 0 ? null : ['', 'a', 'ünï', 'x'.repeat(random.int(300)), '日本'][random.int(5)]!
  let headers: Plain['headers'] = []
  return Array.from({ length: 1 + random.int(20) }, () => {
    // Every second record has the array of headers of the one before.
    if (random.int(2) === 0)
      headers = Array.from({ length: random.int(3) }, () => ['h' + random.int(9), text()])
    return {
      timestamp: random.int(3) === 0 ? random.int(2 ** 40) : 1_000_000 + random.int(1000),
      key: text(),
      value: text(),
      headers,
    }
  })
}

test('reads what was built, by any codec, as bytes and as text', () =>
  forSeeds(3000, random => {
    const records = randomRecords(random)
    const compression = compressions[random.int(compressions.length)]!
    const batch = new RecordBatch(build(records, new BatchBuilder({ compression, initialBytes: 64 })))
    ok(batch.isValid())
    assignOffsets(batch.bytes, 1000, 3)
    ok(batch.isValid(), 'patching on append leaves the CRC valid')
    // A few bytes do not get smaller.
    ok([compression, 'none'].includes(batch.compression))
    equal(batch.leaderEpoch, 3)
    equal(batch.count, records.length)
    equal(batch.lastOffset, 999 + records.length)
    equal(batch.maxTimestamp, Math.max(...records.map(({ timestamp }) => timestamp)))
    deepEqual(
      read(batch),
      records.map((record, i) => ({ offset: 1000 + i, ...record })),
    )
  }))

/** Of 1, 2, 3 and 4 bytes of UTF-8; a lone surrogate is written as U+FFFD, of three bytes. */
const characters = ['a', 'ü', '日', '😀', '\ud800', '\udc00']

function bytesOf(text: string | null): Uint8Array | null {
  return text === null ? null : Buffer.from(text)
}

function checkTexts(records: readonly (readonly [key: string | null, value: string | null])[]): void {
  const headers: RecordHeader[] = [{ key: 'hü', value: Buffer.from('x') }]
  for (const initialBytes of [64, 16 * 1024]) {
    const builder = (): BatchBuilder => new BatchBuilder({ initialBytes })
    const [asText, asBytes, mixed] = [builder(), builder(), builder()]
    for (const [n, [key, value]] of records.entries()) {
      const ofRecord = n % 3 === 2 ? headers : undefined
      asText.append(n, key, value, ofRecord)
      asBytes.append(n, bytesOf(key), bytesOf(value), ofRecord)
      if (n % 2 === 0) mixed.append(n, key, bytesOf(value), ofRecord)
      else mixed.append(n, bytesOf(key), value, ofRecord)
    }
    const expected = Buffer.from(asBytes.build())
    for (const [what, batch] of Object.entries({ asText, mixed }))
      ok(expected.equals(batch.build()), `${what}, from ${initialBytes} bytes on`)
  }
}

test('text is written as its bytes are: lengths at every border of a varint, in growing buffers', () => {
  for (const border of [64, 8192])
    for (const character of characters) {
      const bytes = Buffer.byteLength(character)
      const records: [string | null, string | null][] = []
      // All of the text is such characters, or only one of them is.
      for (let length = border - 10; length <= border + 4; length += 1)
        for (const text of [
          character.repeat(Math.ceil(length / bytes)),
          'a'.repeat(Math.max(0, length - bytes)) + character,
          'a'.repeat(length - 1) + character,
        ])
          records.push([null, text], [text, null], [text, text], ['', text])
      checkTexts(records)
    }
})

test('text of any characters is written as its bytes are', () =>
  forSeeds(1000, random => {
    const text = (): string | null => {
      if (random.int(6) === 0) return null
      const lengthMax = [4, 70, 300, 9000][random.int(20) === 0 ? 3 : random.int(3)]!
      const isMixed = random.int(2) === 0
      return Array.from({ length: random.int(lengthMax) }, () =>
        isMixed ? characters[random.int(characters.length)]! : 'a',
      ).join('')
    }
    checkTexts(Array.from({ length: 1 + random.int(12) }, () => [text(), text()] as const))
  }))

test('a builder starts a new batch without touching the one before', () => {
  const builder = new BatchBuilder()
  builder.append(1, null, Buffer.from('first'))
  const first = builder.build()
  builder.append(2, Buffer.from('k'), null)
  const second = builder.build({
    producerId: 7,
    producerEpoch: 2,
    baseSequence: 2 ** 31 - 1,
    transactional: true,
  })
  equal(new RecordBatch(first).records().next(), true)
  deepEqual(read(new RecordBatch(first))[0]?.value, 'first')
  const batch = new RecordBatch(second)
  deepEqual(
    [batch.producerId, batch.producerEpoch, batch.baseSequence, batch.isTransactional],
    [7, 2, 2 ** 31 - 1, true],
  )
})

test('sequences wrap', () => {
  const builder = new BatchBuilder()
  for (let n = 0; n < 3; n += 1) builder.append(n, null, null)
  equal(new RecordBatch(builder.build({ baseSequence: 2 ** 31 - 2 })).lastSequence, 0)
})

test('log append time counts for every record', () => {
  const builder = new BatchBuilder()
  builder.append(5, null, null)
  builder.append(9, null, null)
  const batch = new RecordBatch(builder.build({ appendTime: 11 }))
  equal(batch.timestampType, 'append')
  deepEqual(
    read(batch).map(({ timestamp }) => timestamp),
    [11, 11],
  )
})

test('markers', () => {
  for (const type of ['commit', 'abort'] as const) {
    const batch = new RecordBatch(
      controlBatch({
        type,
        producerId: 3,
        producerEpoch: 1,
        coordinatorEpoch: 5,
        timestamp: 9,
        baseOffset: 4,
      }),
    )
    ok(batch.isValid() && batch.isControl && batch.isTransactional)
    deepEqual([batch.baseOffset, batch.producerId, batch.producerEpoch], [4, 3, 1])
    deepEqual(controlMarkerOf(batch), { type, coordinatorEpoch: 5 })
  }
  equal(
    controlMarkerOf(new RecordBatch(build([{ timestamp: 1, key: null, value: null, headers: [] }]))),
    undefined,
  )
})

test('splits bytes into batches, and leaves out one that is cut off', () => {
  const one = build([{ timestamp: 1, key: 'a', value: 'b', headers: [] }])
  const both = Buffer.concat([one, one])
  equal(readBatches(both).length, 2)
  for (let cut = 1; cut < one.length; cut += 1)
    equal(readBatches(both.subarray(0, both.length - cut)).length, 1)
  equal(batchSizeAt(both.subarray(0, 16), 0), undefined)
})

test('damage is CORRUPT_BATCH or another batch; it never hangs, and never reads past the end', () =>
  forSeeds(60_000, random => {
    const bytes = Uint8Array.from(build(randomRecords(random)))
    for (let flips = 1 + random.int(4); flips > 0; flips -= 1)
      bytes[random.int(bytes.length)] = random.int(256)
    try {
      for (const batch of readBatches(bytes)) {
        batch.isValid()
        const cursor = batch.records({ maxDecompressedBytes: 1_000_000 })
        let records = 0
        while (cursor.next()) {
          cursor.headers()
          records += 1
          ok(records <= bytes.length, 'a record takes a byte at the least')
          ok(cursor.valueEnd <= cursor.bytes.length && cursor.keyEnd <= cursor.bytes.length)
        }
      }
    } catch (error) {
      if (!isMillraceError(error, 'CORRUPT_BATCH', 'UNSUPPORTED_FORMAT', 'LIMIT_EXCEEDED')) throw error
    }
  }))

test('a record that is shorter than its fields is damaged, at whichever field it ends', () => {
  for (const timestamp of [1, 1000, 2 ** 40])
    for (const key of [null, '', 'k'.repeat(100)]) {
      const headers: [string, string | null][] = key === '' ? [] : [['h', 'x']]
      const second: Plain = { timestamp, key, value: 'v'.repeat(100), headers }
      const bytes = build([{ ...second, timestamp: 0 }, second, second])
      const batch = new RecordBatch(bytes)
      const cursor = batch.records()
      ok(cursor.next())
      const lengthAt = cursor.end
      ok(cursor.next())
      const bodyBytes = cursor.end - lengthAt - 2
      ok(bodyBytes >= 64 && bodyBytes < 8192, 'its length takes two bytes')
      for (let shorter = 0; shorter < bodyBytes; shorter += 1) {
        // Two bytes also for a length that one could hold.
        bytes[lengthAt] = ((shorter << 1) & 0x7f) | 0x80
        bytes[lengthAt + 1] = (shorter << 1) >>> 7
        const damaged = batch.records()
        ok(damaged.next())
        throws(
          () => {
            damaged.next()
            damaged.headers()
          },
          (error: unknown) => isMillraceError(error, 'CORRUPT_BATCH'),
          `${shorter} of ${bodyBytes} bytes`,
        )
      }
    }
})

test('detects every changed byte under the CRC', () => {
  const bytes = build([{ timestamp: 1, key: 'key', value: 'value', headers: [['h', 'x']] }])
  for (let at = 17; at < bytes.length; at += 1) {
    const damaged = Uint8Array.from(bytes)
    damaged[at]! ^= 0x10
    equal(new RecordBatch(damaged).isValid(), false, `byte ${at}`)
  }
})

test('refuses another version, by name', () => {
  const bytes = Uint8Array.from(build([{ timestamp: 1, key: null, value: null, headers: [] }]))
  bytes[16] = 1
  throws(
    () => new RecordBatch(bytes),
    (error: unknown) => isMillraceError(error, 'UNSUPPORTED_FORMAT'),
  )
})

test('compresses a batch only if it gets smaller and can be read back', () => {
  const values: (readonly [string, Uint8Array, isCompressed: boolean])[] = [
    ['text', Buffer.alloc(10_000, 'text'), true],
    ['noise', seededRandom(1).bytes(10_000), false],
    ['a few bytes', Buffer.from('abc'), false],
    ['more than a reader takes', Buffer.alloc(decompressedBytesMax), false],
  ]
  for (const [what, value, isCompressed] of quick ? values.slice(0, -1) : values)
    // One codec for the largest: its bound is that of all, and it takes a second of each.
    for (const compression of value.length < decompressedBytesMax
      ? compressions.slice(1)
      : ['zstd' as const]) {
      const builder = new BatchBuilder({ compression })
      builder.append(0, null, value)
      const { sizeBytes } = builder
      const bytes = builder.build()
      if (isCompressed) ok(bytes.length < sizeBytes, what)
      else equal(bytes.length, sizeBytes, what)
      const cursor = new RecordBatch(bytes).records()
      ok(cursor.next())
      ok(Buffer.from(cursor.value()!).equals(value), what)
    }
})

test('a batch is built in lent memory, which comes back once the log has it', () => {
  const memory = new LentMemory({ lentBytesMax: Infinity, keptBytesMax: 1 << 20 })
  const builder = new BatchBuilder({ memory, initialBytes: 4096 })
  const add = (count: number): void => {
    for (let n = 0; n < count; n += 1) builder.append(n, null, 'x'.repeat(1000))
  }
  add(20)
  // It has grown: the smaller buffers are back.
  deepEqual([memory.lentBytes, memory.keptBytes], [32_768, 4096 + 8192 + 16_384])
  const first = builder.build()
  add(1)
  builder.build()
  equal(new RecordBatch(first).isValid(), true)
  builder.acknowledged()
  equal(memory.lentBytes, 0)

  add(1)
  builder.build()
  const { keptBytes } = memory
  builder.failed()
  deepEqual([memory.lentBytes, memory.keptBytes], [0, keptBytes])
})
