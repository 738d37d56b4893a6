/** The joins of a stream to a table, alone. The table is the state of another operator. */
import { check } from './harness.test-support.ts'
import { innerJoin, leftJoin } from './stream-table-join.ts'

const tables = [undefined, { a: 10 }]

check(
  'inner: a record without a match has no output',
  innerJoin<string, number, number, string>((n, row, key) => `${key} ${n} ${row}`),
  [
    ['a 1 @1', ['a "a 1 10" @1']],
    ['b 1 @2', []],
    ['- 1 @3', ['dropped null-key']],
    ['a - @4', ['dropped null-value']],
    ['1: a 10 @5', []],
  ],
  { tables },
)

check(
  'left: a record without a match, or without a key, is joined to null',
  leftJoin<string | null, number, number, string>((n, row, key) => `${key} ${n} ${row}`),
  [
    ['a 1 @1', ['a "a 1 10" @1']],
    ['b 1 @2', ['b "b 1 null" @2']],
    ['- 1 @3', ['- "null 1 null" @3']],
    ['a - @4', ['dropped null-value']],
    ['1: a 10 @5', []],
  ],
  { tables },
)
