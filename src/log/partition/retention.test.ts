import { equal } from 'node:assert/strict'
import { test } from 'node:test'
import { excessSegments, segmentsBelow } from './retention.ts'

/** Four segments of ten records and 100 bytes each; the last is active. */
const segments = [10, 20, 30, 40].map(nextOffset => ({ nextOffset, sizeBytes: 100, unsyncedBytes: 0 }))

test('segments go while the rest holds no less than it should, oldest first', () => {
  const check = (retentionBytes: number, count: number, limitOffset = 40): void =>
    equal(
      excessSegments(segments, retentionBytes, limitOffset, true),
      count,
      `${retentionBytes} bytes below ${limitOffset}`,
    )
  check(-1, 0)
  check(1000, 0)
  check(400, 0)
  check(301, 0)
  check(300, 1)
  check(201, 1)
  check(200, 2)
  // Never the active one.
  check(0, 3)
  // Nothing that is unsafe or undecided.
  check(0, 2, 29)
  check(0, 0, 9)
})

test('bytes that are not synced count as kept only where written is safe', () => {
  const [first, second, third, active] = segments
  const unsynced = [first!, second!, third!, { ...active!, unsyncedBytes: 30 }]
  const check = (isSynced: boolean, retentionBytes: number, count: number): void =>
    equal(excessSegments(unsynced, retentionBytes, 30, isSynced), count)
  check(true, 200, 1)
  check(true, 170, 2)
  check(false, 200, 2)
  check(false, 201, 1)
})

test('only what lies wholly below an offset is below it', () => {
  const check = (offset: number, count: number): void =>
    equal(segmentsBelow(segments, offset), count, `${offset}`)
  check(0, 0)
  check(9, 0)
  check(10, 1)
  check(39, 3)
  check(1000, 3)
})
