/** forEach, alone: it gets each record, and has no output. */
import { deepEqual } from 'node:assert/strict'
import { after } from 'node:test'
import { forEach } from './for-each.ts'
import { check } from './harness.test-support.ts'

const seen: unknown[] = []
check(
  'each record is passed to the function once',
  forEach<string, number>((value, key) => seen.push([key, value])),
  [
    ['a 1 @1', []],
    ['- - @2', []],
  ],
)

// The case runs three times: as it is, and with restarts.
after(() =>
  deepEqual(
    seen,
    [1, 2, 3].flatMap(() => [
      ['a', 1],
      [null, null],
    ]),
  ),
)
