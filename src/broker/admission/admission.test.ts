import { deepEqual, equal, ok, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { compressions, isMillraceError, type ErrorCode } from '../../base/index.ts'
import { settingsDefault, type Partition, type PartitionSettings } from '../../log/index.ts'
import { batchOf, openDirectory } from '../../log/log.test-support.ts'
import { SimulatedDisk } from '../../testing/simulated-disk.ts'
import { virtualClock } from '../../testing/virtual-clock.ts'
import { BatchBuilder, controlBatch, RecordBatch } from '../../wire/index.ts'
import { admitted, at, changed, now, refuses, three } from './admission.test-support.ts'
import { buildAdmitted } from './admission.ts'
import { refusedRecords } from './refused-records.ts'
import { PlainWriter, type WriterContext } from '../writer.ts'

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
