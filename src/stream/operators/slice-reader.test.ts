/** The rows of slices that are complete: all of them in order, and those of short slices once. */
import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { KeyedState } from '../../state/index.ts'
import { type Cursor, rowsKept, sliceReader } from './slice-reader.ts'

const valuesOf = (cursor: Cursor<number>): number[] => {
  const values: number[] = []
  for (; cursor.head; cursor.next()) values.push(cursor.head.value)
  return values
}

const keyOf = (number: number): string => `${number}`.padStart(6, '0')

/** Rows of two slices, at 0 and at 10. */
function rowsOf(first: number, second: number): KeyedState<number> {
  const rows = new KeyedState<number>('slices', { isScanned: true })
  for (let n = 0; n < first; n += 1) rows.put(0, keyOf(n), n)
  for (let n = 0; n < second; n += 1) rows.put(10, keyOf(n), n)
  return rows
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, n) => n)

for (const count of [0, 1, rowsKept - 1, rowsKept, rowsKept + 1, 2 * rowsKept + 5])
  test(`reads all of ${count} rows, as often as it is asked`, () => {
    const reader = sliceReader(rowsOf(count, 3))
    for (const _ of [1, 2]) {
      deepEqual(valuesOf(reader.read(0)), upTo(count))
      deepEqual(valuesOf(reader.read(10)), upTo(3))
    }
  })

test('reads what comes after a key, and keeps no part of a slice for the whole', () => {
  const reader = sliceReader(rowsOf(4, 0))
  for (const _ of [1, 2]) {
    deepEqual(valuesOf(reader.read(0, keyOf(1))), [2, 3])
    deepEqual(valuesOf(reader.read(0)), [0, 1, 2, 3])
  }
})

test('reads a short slice once, and again only when it was forgotten', () => {
  const rows = rowsOf(2, 2)
  const reader = sliceReader(rows)
  valuesOf(reader.read(0))
  valuesOf(reader.read(10))
  // As a mark of the read; an owner does not change what it has read.
  rows.put(0, keyOf(0), 7)
  rows.put(10, keyOf(0), 7)
  deepEqual(valuesOf(reader.read(0)), [0, 1])
  reader.forgetBefore(10)
  deepEqual(valuesOf(reader.read(0)), [7, 1])
  deepEqual(valuesOf(reader.read(10)), [0, 1])
})

test('keeps no slice of many rows in memory', () => {
  const rows = rowsOf(rowsKept, 0)
  const reader = sliceReader(rows)
  valuesOf(reader.read(0))
  rows.put(0, keyOf(0), 7)
  deepEqual(valuesOf(reader.read(0)), [7, ...upTo(rowsKept).slice(1)])
})
