/** The joins of two tables, alone: changes of both sides, what they replace, and the rows that are kept. */
import { check } from './harness.test-support.ts'
import { innerJoinTables, leftJoinTables, outerJoinTables } from './table-table-join.ts'

/** The entry of key a. */
const kept = (left: string, right: string): string[] => [`rows 0 a {"left":${left},"right":${right}}`]
const row = (value: number, timestamp: number): string => JSON.stringify({ value, timestamp })

check(
  'inner: a row as long as both sides have one',
  innerJoinTables<string, number, number, string>((left, right, key) => `${key}${left}${right}`),
  [
    ['a 1 @5', [], kept(row(1, 5), 'null')],
    ['get a', ['-']],
    // The larger timestamp of the two, whichever side it is of.
    ['1: a 2 @3', ['a "a12" @5'], kept(row(1, 5), row(2, 3))],
    ['get a', ['"a12"']],
    ['1: a 3←2 @9', ['a "a13"←"a12" @9'], kept(row(1, 5), row(3, 9))],
    ['a 4←1 @6 W2', ['a "a43"←"a13" @9 W2'], kept(row(4, 6), row(3, 9))],
    ['W100', []],
    ['a -←4 @7', ['a -←"a43" @9'], kept('null', row(3, 9))],
    ['get a', ['-']],
    // There was no row, so no change is forwarded.
    ['1: a 5←3 @10', [], kept('null', row(5, 10))],
    ['1: a -←5 @11', [], []],
    ['b -←1 @12', []],
    // What a side held before it was deleted has no effect on the time of later rows.
    ['a 1 @1', [], kept(row(1, 1), 'null')],
    ['1: a 2 @2', ['a "a12" @2'], kept(row(1, 1), row(2, 2))],
  ],
)

check(
  'left: a row as long as the left side has one',
  leftJoinTables<string, number, number, string>((left, right, key) => `${key}${left}${right}`),
  [
    ['1: a 2 @9', [], kept('null', row(2, 9))],
    ['1: a -←2 @9', [], []],
    ['a 1 @5', ['a "a1null" @5'], kept(row(1, 5), 'null')],
    ['1: a 2 @3', ['a "a12"←"a1null" @5'], kept(row(1, 5), row(2, 3))],
    ['get a', ['"a12"']],
    ['1: a -←2 @8', ['a "a1null"←"a12" @8'], kept(row(1, 5), 'null')],
    ['get a', ['"a1null"']],
    ['1: a 2 @3', ['a "a12"←"a1null" @5'], kept(row(1, 5), row(2, 3))],
    ['a -←1 @2', ['a -←"a12" @3'], kept('null', row(2, 3))],
    ['a -←1 @2', []],
  ],
)

check(
  'outer: a row as long as either side has one',
  outerJoinTables<string, number, number, string>((left, right, key) => `${key}${left}${right}`),
  [
    ['1: a 2 @9', ['a "anull2" @9'], kept('null', row(2, 9))],
    ['a 1 @5', ['a "a12"←"anull2" @9'], kept(row(1, 5), row(2, 9))],
    ['get a', ['"a12"']],
    ['1: a -←2 @8', ['a "a1null"←"a12" @8'], kept(row(1, 5), 'null')],
    ['a -←1 @6', ['a -←"a1null" @6'], []],
    ['a -←1 @7', []],
    ['get a', ['-']],
  ],
)

check(
  'a result of null deletes the row, and counts as none before',
  outerJoinTables<string, number, number, number | null>((left, right) =>
    (left ?? 0) + (right ?? 0) > 9 ? null : (left ?? 0) + (right ?? 0),
  ),
  [
    ['a 10 @1', [], kept(row(10, 1), 'null')],
    ['1: a 1 @2', [], kept(row(10, 1), row(1, 2))],
    ['get a', ['-']],
    ['a 2←10 @3', ['a 3 @3'], kept(row(2, 3), row(1, 2))],
    ['1: a 8←1 @4', ['a -←3 @4'], kept(row(2, 3), row(8, 4))],
    ['1: a -←8 @5', ['a 2 @5'], kept(row(2, 3), 'null')],
  ],
)
