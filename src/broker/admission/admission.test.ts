import { deepEqual, equal, ok, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { forSeeds } from '../../../test/for-seeds.ts'
import { compressions, crc32c, isMillraceError, type ErrorCode, type Random } from '../../base/index.ts'
import { settingsDefault, type Partition, type PartitionSettings } from '../../log/index.ts'
import { batchOf, openDirectory } from '../../log/log.test-support.ts'
import { SimulatedDisk } from '../../testing/simulated-disk.ts'
import { virtualClock } from '../../testing/virtual-clock.ts'
import { BatchBuilder, controlBatch, RecordBatch } from '../../wire/index.ts'
import { admit, buildAdmitted } from './admission.ts'
import { refusedRecords } from './refused-records.ts'
import { PlainWriter, type WriterContext } from '../writer.ts'

const at = {
  baseOffset: 0,
  length: 8,
  magic: 16,
  crc: 17,
  attributes: 21,
  lastOffsetDelta: 23,
  baseTimestamp: 27,
  maxTimestamp: 35,
  producerId: 43,
  producerEpoch: 51,
  baseSequence: 53,
  count: 57,
  records: 61,
}
const now = 1_000_000
/** Kafka's codes for a refusal: CORRUPT_MESSAGE, UNSUPPORTED_COMPRESSION_TYPE, and those of our names. */
const refusals: readonly ErrorCode[] = [
  'CORRUPT_BATCH',
  'UNSUPPORTED_FORMAT',
  'INVALID_RECORD',
  'INVALID_TIMESTAMP',
  'RECORD_TOO_LARGE',
]

function three(): Uint8Array {
  return batchOf(['a', 'bb', 'ccc'], { producerId: 5, producerEpoch: 0, baseSequence: 0, timestamp: 1000 })
}

/** A batch that was changed, and whose checksum says that it was built like that. */
function changed(change: (batch: Buffer) => void, sound: Uint8Array = three()): Buffer {
  const batch = Buffer.from(sound)
  change(batch)
  batch.writeUInt32BE(crc32c(batch.subarray(at.attributes)), at.crc)
  return batch
}

function admitted(
  bytes: Uint8Array,
  settings: Partial<PartitionSettings> = {},
  decompressedBytesMax?: number,
): RecordBatch {
  const partition = { name: 'flights-0', settings: { ...settingsDefault, ...settings } }
  const options = decompressedBytesMax === undefined ? { now } : { now, decompressedBytesMax }
  return new RecordBatch(admit(Uint8Array.from(bytes), partition, options))
}

function refuses(code: ErrorCode, bytes: Uint8Array, settings: Partial<PartitionSettings> = {}): void {
  throws(
    () => admitted(bytes, settings),
    (error: unknown) => {
      if (!isMillraceError(error, code)) throw new Error(`expected ${code}`, { cause: error })
      return error.message.startsWith('flights-0: ')
    },
  )
}

function valuesIn(batch: RecordBatch): string[] {
  const values: string[] = []
  for (const cursor = batch.records(); cursor.next();) values.push(Buffer.from(cursor.value()!).toString())
  return values
}

test('an append is one whole batch of version 2 at base offset 0', () => {
  refuses('INVALID_RECORD', new Uint8Array(0))
  refuses('INVALID_RECORD', three().subarray(0, 10))
  refuses('INVALID_RECORD', three().subarray(0, 70))
  refuses('INVALID_RECORD', Buffer.concat([three(), three()]))
  refuses('INVALID_RECORD', Buffer.concat([three(), Buffer.from('x')]))
  for (const magic of [0, 1, 3])
    refuses(
      'INVALID_RECORD',
      changed(batch => (batch[at.magic] = magic)),
    )
  refuses(
    'INVALID_RECORD',
    changed(batch => batch.writeBigInt64BE(7n, at.baseOffset)),
  )
})

test('a header that contradicts itself or its records is refused', () => {
  const check = (change: (batch: Buffer) => void, code: ErrorCode = 'INVALID_RECORD'): void =>
    refuses(code, changed(change))
  const flipped = Buffer.from(three())
  flipped[flipped.length - 1]! ^= 1
  refuses('CORRUPT_BATCH', flipped)
  check(batch => batch.fill(0xff, at.records))
  // Counts: of no record, of fewer or more than there are, without the last offset or with another one.
  for (const count of [0, -1, 2, 4]) {
    check(batch => {
      batch.writeInt32BE(count - 1, at.lastOffsetDelta)
      batch.writeInt32BE(count, at.count)
    })
    check(batch => batch.writeInt32BE(count, at.count))
    check(batch => batch.writeInt32BE(count - 1, at.lastOffsetDelta))
  }
  // The second record has the offset of the first: its third field, after length, attributes and time.
  check(batch => (batch[batch.indexOf('a') + 5] = 0))
  // Attributes: control, one that is not defined, the cleaner's, time of the append, unknown codecs.
  check(batch => (batch[at.attributes + 1]! |= 0x20))
  check(batch => (batch[at.attributes]! |= 0x01))
  check(batch => (batch[at.attributes + 1]! |= 0x40))
  check(batch => (batch[at.attributes + 1]! |= 0x08), 'INVALID_TIMESTAMP')
  for (const codec of [5, 6, 7]) check(batch => (batch[at.attributes + 1]! |= codec), 'UNSUPPORTED_FORMAT')
  for (const codec of [1, 2, 3, 4]) check(batch => (batch[at.attributes + 1]! |= codec))
  // Producers: an id without epoch or sequence, an impossible id, a transaction without an id.
  check(batch => batch.writeBigInt64BE(-7n, at.producerId))
  check(batch => batch.writeBigInt64BE(2n ** 62n, at.producerId))
  check(batch => batch.writeInt16BE(-1, at.producerEpoch))
  check(batch => batch.writeInt32BE(-1, at.baseSequence))
  check(batch => {
    batch.writeBigInt64BE(-1n, at.producerId)
    batch[at.attributes + 1]! |= 0x10
  })
  // Times beyond those of a Date.
  check(batch => batch.writeBigInt64BE(2n ** 62n, at.baseTimestamp), 'INVALID_TIMESTAMP')
  check(batch => batch.writeBigInt64BE(8_640_000_000_000_000n, at.baseTimestamp), 'INVALID_TIMESTAMP')
  check(batch => batch.writeBigInt64BE(-2n, at.baseTimestamp), 'INVALID_TIMESTAMP')
})

test('a marker is not taken from a client', () => {
  const marker = {
    type: 'commit',
    producerId: 5,
    producerEpoch: 0,
    coordinatorEpoch: 0,
    timestamp: 0,
  } as const
  refuses('INVALID_RECORD', controlBatch(marker))
})

test('without a producer id, other fields of the producer say nothing', () => {
  const bytes = changed(batch => {
    batch.writeBigInt64BE(-1n, at.producerId)
    batch.writeInt16BE(0, at.producerEpoch)
    batch.writeInt32BE(0, at.baseSequence)
  })
  deepEqual(valuesIn(admitted(bytes)), ['a', 'bb', 'ccc'])
})

test('a largest timestamp that is not that of the records is corrected', () => {
  for (const claim of [-1n, 1001n, 1003n, 2n ** 62n]) {
    const batch = admitted(changed(bytes => bytes.writeBigInt64BE(claim, at.maxTimestamp)))
    equal(batch.maxTimestamp, 1002)
    ok(batch.isValid())
  }
})

test('a compacted topic takes no record without a key, from outside or from our builder', () => {
  const build = (keys: readonly (string | null)[]): BatchBuilder => {
    const builder = new BatchBuilder()
    for (const key of keys) builder.append(0, key, 'x')
    return builder
  }
  for (const keys of [[null], ['a', null], [null, 'a']]) {
    refuses('INVALID_RECORD', build(keys).build(), { compact: true })
    refusesBuilt('INVALID_RECORD', build(keys), { compact: true })
    equal(admitted(build(keys).build()).count, keys.length)
  }
  equal(admitted(build(['a', '']).build(), { compact: true }).count, 2)
  // A builder knows the keys of its present batch.
  const builder = build([null])
  builder.build()
  builder.append(0, 'a', 'x')
  equal(built(builder, { compact: true }).count, 1)
})

test('a record may be so far from the clock as its topic says', () => {
  const limits = { messageTimestampBeforeMaxMs: 1000, messageTimestampAfterMaxMs: 50 }
  const build = (...timestamps: number[]): BatchBuilder => {
    const builder = new BatchBuilder()
    for (const timestamp of timestamps) builder.append(timestamp, null, 'x')
    return builder
  }
  const early = now - 1000
  const late = now + 50
  for (const times of [[early], [late], [late, early, now], [-1], [-1, late, -1]]) {
    equal(admitted(build(...times).build(), limits).count, times.length)
    equal(built(build(...times), limits).count, times.length)
  }
  for (const times of [[early - 1], [late + 1], [now, early - 1], [-1, early - 1], [now, late + 1, now]]) {
    refuses('INVALID_TIMESTAMP', build(...times).build(), limits)
    refusesBuilt('INVALID_TIMESTAMP', build(...times), limits)
    // The log's own time replaces theirs.
    equal(
      admitted(build(...times).build(), { ...limits, messageTimestampType: 'LogAppendTime' }).count,
      times.length,
    )
  }
})

test('a topic with LogAppendTime gives its own time to each record', () => {
  const settings = { messageTimestampType: 'LogAppendTime' } as const
  const builder = new BatchBuilder()
  for (const value of ['a', 'b']) builder.append(5, null, value)
  const both = [admitted(batchOf(['a', 'b'], { timestamp: 5 }), settings), built(builder, settings)]
  for (const batch of both) {
    ok(batch.isValid())
    equal(batch.timestampType, 'append')
    equal(batch.maxTimestamp, now)
    for (const cursor = batch.records(); cursor.next();) equal(cursor.timestamp, now)
    deepEqual(valuesIn(batch), ['a', 'b'])
  }
})

test('a batch larger than max.message.bytes or segment.bytes is refused, also when it is so only as stored', () => {
  const values = Array.from({ length: 50 }, () => 'the same')
  const plain = batchOf(values)
  const zipped = batchOf(values, { compression: 'gzip' })
  for (const limit of ['maxMessageBytes', 'segmentBytes'] as const) {
    const settings = { [limit]: plain.length - 1 }
    refuses('RECORD_TOO_LARGE', plain, settings)
    equal(admitted(plain, { [limit]: plain.length }).count, 50)
    equal(admitted(zipped, settings).count, 50)
    refuses('RECORD_TOO_LARGE', zipped, { ...settings, compressionType: 'uncompressed' })
    const builder = new BatchBuilder()
    for (const value of values) builder.append(0, null, value)
    refusesBuilt('RECORD_TOO_LARGE', builder, settings)
  }
})

test('a batch that decompresses to more than the limit is refused', () => {
  for (const compression of compressions.slice(1)) {
    const bomb = batchOf(['x'.repeat(100_000)], { compression })
    equal(admitted(bomb, {}, 110_000).count, 1)
    throws(
      () => admitted(bomb, {}, 90_000),
      (error: unknown) => isMillraceError(error, 'RECORD_TOO_LARGE'),
      compression,
    )
  }
})

test('a topic stores batches in its codec, and keeps all else of them', () => {
  const values = Array.from({ length: 50 }, (_, n) => `value ${n}`)
  const stamp = { producerId: 7, producerEpoch: 3, baseSequence: 11, transactional: true, timestamp: 9 }
  for (const from of compressions)
    for (const to of compressions) {
      const settings = { compressionType: to === 'none' ? 'uncompressed' : to } as const
      const builder = new BatchBuilder({ compression: from })
      for (const [n, value] of values.entries()) builder.append(9 + n, null, value)
      const fromOutside = admitted(batchOf(values, { ...stamp, compression: from }), settings)
      const ours = new RecordBatch(
        buildAdmitted(
          builder,
          stamp,
          { name: 'flights-0', settings: { ...settingsDefault, ...settings } },
          now,
        ),
      )
      for (const batch of [fromOutside, ours]) {
        ok(batch.isValid())
        equal(batch.compression, to)
        deepEqual(valuesIn(batch), values)
        const { producerId, producerEpoch, baseSequence, isTransactional, maxTimestamp, baseTimestamp } =
          batch
        deepEqual(
          [producerId, producerEpoch, baseSequence, isTransactional, maxTimestamp, baseTimestamp],
          [7, 3, 11, true, 58, 9],
        )
      }
    }
  // What would not get smaller is left as it is.
  equal(admitted(batchOf(['a']), { compressionType: 'zstd' }).compression, 'none')
})

test('whatever byte of a batch is changed: it is refused, or each record can be read, and its header is true', () => {
  let refused = 0
  for (const compression of compressions) {
    const sound = batchOf(['a'.repeat(30), 'b'.repeat(30), 'ccc'], { compression, timestamp: 1000 })
    for (let byte = 0; byte < sound.length; byte += 1)
      for (const flip of [0x01, 0x80, 0xff])
        if (!isSound(changed(bytes => (bytes[byte]! ^= flip), sound))) refused += 1
  }
  ok(refused > 900, `${refused}`)
})

test('a batch with any fields, of any records, is refused or sound, within the memory that it may take', () =>
  forSeeds(
    20_000,
    random => isSound(randomBatch(random)),
    results => {
      ok(results.includes(true) && results.includes(false))
    },
  ))

test('a batch of which any byte is changed on its way is refused, unless the checksum does not cover it', () => {
  const sound = three()
  for (let byte = at.attributes; byte < sound.length; byte += 1) {
    const batch = Buffer.from(sound)
    batch[byte]! ^= 0x10
    refuses('CORRUPT_BATCH', batch)
  }
})

test('a writer continues after a batch that its topic refuses, without a gap in its sequences', async () => {
  const directory = await openDirectory(new SimulatedDisk())
  const partition = await directory.createPartition('flights', 0)
  partition.configure({ ...settingsDefault, compact: true, messageTimestampAfterMaxMs: 1000 })
  const writer = writerTo(partition)
  const append = (key: string | null, timestamp: number): Promise<unknown> => {
    const builder = new BatchBuilder()
    builder.append(timestamp, key, 'x')
    return writer.append('flights', 0, builder)
  }
  const outcomes = await Promise.allSettled([
    append('a', 0),
    append(null, 0),
    append('b', 0),
    append('c', 10_000_000),
    append('d', 0),
  ])
  const codes = outcomes.map(outcome => (outcome.status === 'rejected' ? outcome.reason.code : ''))
  deepEqual(codes, ['', 'INVALID_RECORD', '', 'INVALID_TIMESTAMP', ''])
  equal(partition.logEndOffset, 3)
  await directory.close()
})

function writerTo(partition: Partition): PlainWriter {
  const context = {
    clock: virtualClock(now),
    unrecovered: () => undefined,
    writable: () => partition,
    transactions: { isDeleted: () => false },
    closed: () => undefined,
  } as unknown as WriterContext
  return new PlainWriter(context, { producerId: 1, producerEpoch: 0 })
}

function built(builder: BatchBuilder, settings: Partial<PartitionSettings>): RecordBatch {
  const partition = { name: 'flights-0', settings: { ...settingsDefault, ...settings } }
  return new RecordBatch(buildAdmitted(builder, {}, partition, now))
}

function refusesBuilt(code: ErrorCode, builder: BatchBuilder, settings: Partial<PartitionSettings>): void {
  throws(
    () => built(builder, settings),
    (error: unknown) => isMillraceError(error, code),
  )
}

/** Refused with a code, or a batch that each reader can walk, and whose header says what its records say. */
function isSound(bytes: Uint8Array): boolean {
  let batch
  try {
    batch = admitted(bytes, {}, 50_000)
  } catch (error) {
    if (isMillraceError(error, ...refusals)) return false
    throw error
  }
  ok(batch.isValid())
  equal(batch.baseOffset, 0)
  equal(batch.lastOffset, batch.count - 1)
  let count = 0
  let maxTimestamp = -1
  for (const records = batch.records(); records.next(); count += 1) {
    records.headers()
    equal(records.offset, count)
    maxTimestamp = Math.max(maxTimestamp, records.timestamp)
  }
  equal(count, batch.count)
  equal(maxTimestamp, batch.maxTimestamp)
  return true
}

function randomBatch(random: Random): Buffer {
  const values = Array.from({ length: 1 + random.int(5) }, () => 'v'.repeat(random.int(40)))
  const compression = compressions[random.int(compressions.length)]!
  const sound = batchOf(values, { compression, timestamp: random.int(2000) })
  return changed(batch => {
    const fields = [
      () => batch.writeInt16BE(random.int(65_536) - 32_768, at.attributes),
      () => batch.writeInt32BE(random.int(8) - 2, at.lastOffsetDelta),
      () => batch.writeInt32BE(random.int(2 ** 31), at.count),
      () => batch.writeBigInt64BE(BigInt(random.int(2 ** 31)) ** 2n, at.baseTimestamp),
      () => batch.writeBigInt64BE(BigInt(random.int(10)) - 5n, at.maxTimestamp),
      () => batch.writeBigInt64BE(BigInt(random.int(4)) - 2n, at.producerId),
      () => batch.writeInt16BE(random.int(4) - 2, at.producerEpoch),
      () => batch.writeInt32BE(random.int(4) - 2, at.baseSequence),
      () => batch.writeInt32BE(random.int(2 ** 31), at.length),
      () => (batch[at.records + random.int(batch.length - at.records)] = random.int(256)),
    ]
    for (let n = random.int(3); n > 0; n -= 1) fields[random.int(fields.length)]!()
  }, sound)
}

test('the records for which a batch was refused are named', () => {
  const batch = new BatchBuilder()
  for (const [timestamp, key] of [
    [now, 'a'],
    [now - 10, 'b'],
    [now, null],
    [now + 10, 'c'],
  ] as const)
    batch.append(timestamp, key, 'v')
  const bytes = batch.build()
  const refused = (settings: Partial<PartitionSettings>): unknown[] =>
    refusedRecords(bytes, { name: 'flights-0', settings: { ...settingsDefault, ...settings } }, now).map(
      ({ batchIndex, batchIndexErrorMessage }) => [
        batchIndex,
        /key|timestamp/.exec(batchIndexErrorMessage!)?.[0],
      ],
    )
  deepEqual(refused({}), [])
  deepEqual(refused({ compact: true }), [[2, 'key']])
  deepEqual(refused({ messageTimestampBeforeMaxMs: 5 }), [[1, 'timestamp']])
  deepEqual(refused({ messageTimestampBeforeMaxMs: 5, messageTimestampAfterMaxMs: 5, compact: true }), [
    [1, 'timestamp'],
    [2, 'key'],
    [3, 'timestamp'],
  ])
  deepEqual(refused({ messageTimestampBeforeMaxMs: 5, messageTimestampType: 'LogAppendTime' }), [])
  const damaged = changed(found => found.writeInt32BE(9, at.count), bytes)
  deepEqual(
    refusedRecords(damaged, { name: 'flights-0', settings: { ...settingsDefault, compact: true } }, now),
    [],
  )
})
