/** Joins of a stream to a table with history, alone. The table is the state of another operator. */
import { innerAsOfJoin, leftAsOfJoin } from './as-of-join.ts'
import { check } from './harness.test-support.ts'

const histories = [undefined, { a: [[10, 'ten'] as const, [20, 'twenty'] as const] }]
const history = { historyMs: 100, allowedLatenessMs: 5, joins: { heldMs: 0 } }

/** The records of key a that wait until the watermark has passed their time by 5, in state. */
const waits = (timestamp: number, ...values: number[]): string =>
  `waiting ${timestamp + 5} a ${JSON.stringify(values.map(value => ({ timestamp, watermark: 0, value })))}`

check(
  'inner: a record waits until no change of its row can come, and finds the row of its time',
  innerAsOfJoin<string, number, string, string>(history, 0, (n, row, key) => `${key}${n} ${row}`),
  [
    ['W0', []],
    ['a 1 @19', [], [waits(19, 1), 'due 24 a true']],
    ['a 2 @19', [], [waits(19, 1, 2), 'due 24 a true']],
    ['a 3 @9', [], [waits(9, 3), waits(19, 1, 2), 'due 14 a true', 'due 24 a true']],
    ['W24', [], [waits(19, 1, 2), 'due 24 a true']],
    ['W25', ['joined: a "a1 ten" @19 W0', 'joined: a "a2 ten" @19 W0'], []],
    // The watermark has passed it: it is answered at once, as long as the table remembers by its watermark.
    ['a 4 @19 W20', ['joined: a "a4 ten" @19 W20']],
    ['a 5 @10 W115', ['joined: a "a5 ten" @10 W115']],
    ['a 6 @10 W116', ['late: a 6 @10 W116']],
    ['a 7 @9 W20', []],
    ['b 1 @10 W20', []],
    ['- 1 @10 W20', ['dropped null-key']],
    ['a - @10 W20', ['dropped null-value']],
    ['1: a "x" @10', []],
  ],
  { histories },
)

check(
  'left: a record without a row, or without a key, is joined to null',
  leftAsOfJoin<string | null, number, string, string>(history, 0, (n, row, key) => `${key}${n} ${row}`),
  [
    ['W0', []],
    ['a 1 @9', [], [waits(9, 1), 'due 14 a true']],
    ['- 2 @9', ['- "null2 null" @9']],
    ['W16', ['a "a1 null" @9'], []],
    ['a 3 @10 W116', ['a "a3 null" @10 W116']],
    ['a - @10', ['dropped null-value']],
  ],
  { histories },
)
