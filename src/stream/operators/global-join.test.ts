/** Joins to a global table, alone. */
import { innerJoinGlobal, leftJoinGlobal } from './global-join.ts'
import { check } from './harness.test-support.ts'

interface Order {
  readonly of: string | null
}

const globals = { cities: { x: 10 } }
const of = (value: Order): string | null => value.of

check(
  'inner: a record without a row has no result; any key, and none, may be that of the stream',
  innerJoinGlobal<string | null, Order, string, number, string>(
    'cities',
    of,
    (_, row, key) => `${key} ${row}`,
  ),
  [
    ['a {"of":"x"} @1 W0', ['a "a 10" @1 W0']],
    ['- {"of":"x"} @2', ['- "null 10" @2']],
    ['a {"of":"y"} @3', []],
    ['a {"of":null} @4', ['dropped null-key']],
    ['a - @5', ['dropped null-value']],
  ],
  { globals },
)

check(
  'left: a record without a row, or without a key for it, is joined to null',
  leftJoinGlobal<string | null, Order, string, number, string>(
    'cities',
    of,
    (_, row, key) => `${key} ${row}`,
  ),
  [
    ['a {"of":"x"} @1', ['a "a 10" @1']],
    ['a {"of":"y"} @2', ['a "a null" @2']],
    ['a {"of":null} @3', ['a "a null" @3']],
    ['a - @4', ['dropped null-value']],
  ],
  { globals },
)
