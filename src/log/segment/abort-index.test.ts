import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { collectAborted, encodeAborted, parseAborted, type AbortedTransaction } from './abort-index.ts'

function aborted(
  producerId: number,
  firstOffset: number,
  lastOffset: number,
  lastStableOffset: number,
): AbortedTransaction {
  return { producerId, firstOffset, lastOffset, lastStableOffset }
}

/**
 * ```
 *   producer 1      10 ─────── 20
 *   producer 2          15 ────────────── 40
 *   producer 1                     30 ─ 35
 * ```
 */
const some = [aborted(1, 10, 20, 15), aborted(1, 30, 35, 15), aborted(2, 15, 40, 41)]

test('a reader gets what reaches into its range, and learns when it has seen enough', () => {
  const check = (from: number, to: number, firstOffsets: readonly number[], goesOn: boolean): void => {
    const found: AbortedTransaction[] = []
    equal(collectAborted(some, from, to, found), goesOn, `[${from}, ${to}) continues`)
    deepEqual(
      found.map(({ firstOffset }) => firstOffset),
      firstOffsets,
      `[${from}, ${to})`,
    )
  }
  check(0, 10, [], false)
  check(0, 11, [10], false)
  check(10, 16, [10, 15], false)
  check(20, 21, [10, 15], false)
  check(21, 25, [15], false)
  check(21, 31, [30, 15], false)
  check(36, 41, [15], false)
  // Later segments may hold the end of a transaction that began before 60.
  check(36, 60, [15], true)
  check(41, 60, [], true)
})

test('the file gives the same entries again, and nothing where it makes no sense', () => {
  const bytes = Buffer.from(encodeAborted(some))
  equal(bytes.length, 3 * 34)
  deepEqual(parseAborted(bytes), some)
  deepEqual(parseAborted(Buffer.alloc(0)), [])
  const check = (change: (file: Buffer) => Buffer): void =>
    equal(parseAborted(change(Buffer.from(bytes))), undefined)
  check(file => file.subarray(0, 33))
  check(file => file.fill(1, 0, 2))
  // Markers out of order, and a transaction that ends before it began.
  check(file => Buffer.concat([file.subarray(34), file.subarray(0, 34)]))
  check(file => file.fill(0xff, 11, 18))
})
