import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { compressions, utf8 } from '../base/index.ts'
import { forSeeds } from '../../test/for-seeds.ts'
import { BatchBuilder } from './batch-builder.ts'
import { emptyBatch, keepRecords, rewriteBatch } from './compacted-batch.ts'
import { RecordBatch } from './record-batch.ts'

interface Plain {
  readonly offset: number
  readonly timestamp: number
  readonly value: string | null
  readonly headers: readonly string[]
}

function read(batch: RecordBatch): Plain[] {
  const records: Plain[] = []
  for (const cursor = batch.records(); cursor.next();) {
    const value = cursor.value()
    const headers = cursor.headers().map(({ key }) => key)
    records.push({ offset: cursor.offset, timestamp: cursor.timestamp, value: value && utf8(value), headers })
  }
  return records
}

test('a batch keeps its offsets, times and producer when records or its horizon change', () =>
  forSeeds(300, random => {
    const compression = compressions[random.int(compressions.length)]!
    const builder = new BatchBuilder({ compression, initialBytes: 64 })
    const count = 1 + random.int(20)
    for (let n = 0; n < count; n += 1) {
      const headers = random.int(3) === 0 ? [{ key: 'h', value: null }] : []
      const value = random.int(3) === 0 ? null : 'x'.repeat(random.int(100))
      builder.append(1_700_000_000_000 + random.int(2 ** 40), `k${n}`, value, headers)
    }
    const stamp = { producerId: 7, producerEpoch: 3, baseSequence: 11, transactional: true, baseOffset: 500 }
    const batch = new RecordBatch(builder.build(stamp))
    const before = read(batch)
    const isKept = new Set(before.filter(() => random.int(2) === 0).map(({ offset }) => offset))
    const kept = keepRecords(batch, ({ offset }) => isKept.has(offset))
    equal(kept.count, isKept.size)
    if (kept.count === 0) return
    const horizon = random.int(2) === 0 ? undefined : random.int(2 ** 45)
    let after = new RecordBatch(rewriteBatch(batch, kept, horizon))
    // A second change keeps the horizon of the first.
    if (random.int(2) === 0)
      after = new RecordBatch(
        rewriteBatch(
          after,
          keepRecords(after, () => true),
        ),
      )
    ok(after.isValid())
    equal(after.deleteHorizonMs, horizon)
    const expected = before.filter(({ offset }) => isKept.has(offset))
    deepEqual(read(after), expected)
    equal(after.maxTimestamp, Math.max(...expected.map(({ timestamp }) => timestamp)))
    equal(
      kept.hasTombstone,
      expected.some(({ value }) => value === null),
    )
    for (const field of ['baseOffset', 'lastOffset', 'lastSequence', 'producerId', 'producerEpoch'] as const)
      equal(after[field], batch[field])
    ok(after.isTransactional)
  }))

test('an empty batch has the offsets and the last sequence of its records', () => {
  const builder = new BatchBuilder({ compression: 'gzip' })
  for (let n = 0; n < 50; n += 1) builder.append(n, 'key', 'value'.repeat(10))
  const batch = new RecordBatch(
    builder.build({ producerId: 7, producerEpoch: 3, baseSequence: 100, baseOffset: 40 }),
  )
  const empty = new RecordBatch(emptyBatch(batch))
  ok(empty.isValid())
  deepEqual(read(empty), [])
  deepEqual([empty.count, empty.nextOffset, empty.lastSequence], [0, 90, 149])
  equal(empty.compression, 'none')
})
