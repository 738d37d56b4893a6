/** The rows of a table in groups, alone: what each group gets, and what its aggregate becomes. */
import { aggregate } from './aggregate.ts'
import { counting, folding, reducing } from './aggregation.ts'
import { check } from './harness.test-support.ts'
import { type GroupChange, groupRows, subtracting } from './table-groups.ts'

interface Row {
  readonly group: string | null
  readonly n: number | null
}

/** A row, as JSON. */
const row = (group: string | null, n: number | null): string => JSON.stringify({ group, n })
/** What a group gets. */
const change = (removed: unknown, added: unknown): string => JSON.stringify({ removed, added })

check(
  'a row is taken from its old group, then given to its new one; the same group gets one record',
  groupRows<string, Row, string | null, number | null>(({ group, n }) => [group, n]),
  [
    [`a ${row('x', 1)} @1`, [`x ${change(null, 1)} @1`]],
    [`a ${row('x', 2)}←${row('x', 1)} @2 W5`, [`x ${change(1, 2)} @2 W5`]],
    [`a ${row('y', 2)}←${row('x', 2)} @3`, [`x ${change(2, null)} @3`, `y ${change(null, 2)} @3`]],
    [`a -←${row('y', 2)} @4`, [`y ${change(2, null)} @4`]],
    // Without a group or a value there, a row is in no group. It is counted when it comes.
    [`b ${row(null, 1)} @5`, ['dropped null-key']],
    [`b ${row('x', null)}←${row(null, 1)} @6`, ['dropped null-value']],
    [`b ${row('x', 3)}←${row('x', null)} @7`, [`x ${change(null, 3)} @7`]],
    [`b ${row('x', null)}←${row('x', 3)} @8`, ['dropped null-value', `x ${change(3, null)} @8`]],
    [`b -←${row('x', null)} @9`, []],
    // A value of 0, or a group without a letter, is one like any other.
    [`c ${row('', 0)} @10`, [` ${change(null, 0)} @10`]],
    [`c ${row('', 1)}←${row('', 0)} @11`, [` ${change(0, 1)} @11`]],
  ],
)

check(
  'groups that are equal objects are the same group',
  groupRows<string, Row, object, number>(({ n }, key) => [
    key === 'a' && n === 1 ? { x: 1, y: 2 } : { y: 2, x: 1 },
    n ?? 0,
  ]),
  [[`a ${row('x', 2)}←${row('x', 1)} @2`, [`${JSON.stringify({ y: 2, x: 1 })} ${change(1, 2)} @2`]]],
)

const kept = (value: unknown, timestamp: number): string[] => [
  `aggregate 0 x ${JSON.stringify({ value, timestamp })}`,
]

check(
  'a count has a row for each group, also without rows',
  aggregate(
    'count',
    subtracting<unknown, unknown, number>(counting, count => count - 1),
  ),
  [
    [`x ${change(null, 5)} @3`, ['x 1 @3'], kept(1, 3)],
    [`x ${change(5, 6)} @1`, ['x 1←1 @3']],
    [`x ${change(null, 7)} @4`, ['x 2←1 @4'], kept(2, 4)],
    [`x ${change(7, null)} @5`, ['x 1←2 @5'], kept(1, 5)],
    [`x ${change(6, null)} @6`, ['x 0←1 @6'], kept(0, 6)],
    ['get x', ['0']],
    ['W100', []],
  ],
)

const concat = folding<string, number, string | null>('.', (all, n) => `${all ?? ''}+${n}`)
const remove = folding<string, number, string | null>('.', (all, n) =>
  n === 9 ? null : n === 8 && all === '.+8' ? null : `${all ?? ''}-${n}`,
)

check(
  'what is removed is subtracted first; null deletes, and is not subtracted from',
  aggregate<string, GroupChange<number>, string>('aggregate', subtracting(concat, remove.folds[0].add)),
  [
    // There was no aggregate, so nothing is subtracted from it.
    [`x ${change(1, null)} @1`, [], []],
    [`x ${change(1, 2)} @2`, ['x ".+2" @2'], kept('.+2', 2)],
    [`x ${change(2, 3)} @3`, ['x ".+2-2+3"←".+2" @3'], kept('.+2-2+3', 3)],
    // The subtractor deletes it, and what is added starts from the initial value again.
    [`x ${change(9, 8)} @4`, ['x ".+8"←".+2-2+3" @4'], kept('.+8', 4)],
    [`x ${change(8, null)} @5`, ['x -←".+8" @5'], []],
    [`x ${change(8, null)} @6`, [], []],
    [`x ${change(null, 4)} @1`, ['x ".+4" @1'], kept('.+4', 1)],
  ],
)

check(
  'a reduction begins with the first value, and again after it was deleted',
  aggregate(
    'reduce',
    subtracting(
      reducing<string, number>((sum, n) => sum + n),
      reducing<string, number>((sum, n) => (sum === n ? null : sum - n)).folds[0].add,
    ),
  ),
  [
    [`x ${change(null, 3)} @1`, ['x 3 @1'], kept(3, 1)],
    [`x ${change(null, 4)} @2`, ['x 7←3 @2'], kept(7, 2)],
    [`x ${change(3, 5)} @3`, ['x 9←7 @3'], kept(9, 3)],
    [`x ${change(4, null)} @4`, ['x 5←9 @4'], kept(5, 4)],
    [`x ${change(5, 6)} @5`, ['x 6←5 @5'], kept(6, 5)],
    [`x ${change(6, null)} @6`, ['x -←6 @6'], []],
  ],
)
