/** The operators on the rows of a table, alone: both sides of a change, and the row that a join looks up. */
import { check } from './harness.test-support.ts'
import { filterRows, filterRowsNot, mapRows } from './table-rows.ts'

check(
  'a filter deletes rows that no longer match, and ignores rows that never did',
  filterRows<string, number>((n, key) => n > 1 && key === 'a'),
  [
    ['a 1 @1', []],
    ['a 2←1 @2', ['a 2 @2']],
    ['a 3←2 @3', ['a 3←2 @3']],
    ['a 1←3 @4', ['a -←3 @4']],
    ['a -←1 @5', []],
    ['b 2 @6', []],
    ['get a', ['5']],
    ['get b', ['-']],
    ['get c', ['-']],
  ],
  { tables: [{ a: 5, b: 5 }] },
)

check(
  'filterNot deletes rows that match now, and ignores rows that matched before',
  filterRowsNot<string, number>((n, key) => n > 1 && key === 'a'),
  [
    ['a 1 @1', ['a 1 @1']],
    ['a 2←1 @2', ['a -←1 @2']],
    ['a 3←2 @3', []],
    ['a 1←3 @4', ['a 1 @4']],
    ['a -←1 @5', ['a -←1 @5']],
    ['get a', ['-']],
    ['get b', ['5']],
    ['get c', ['-']],
  ],
  { tables: [{ a: 5, b: 5 }] },
)

check(
  'a mapper is not called with null, and deletes a row that it maps to null',
  mapRows<string, number, string | null>((n, key) => (n > 9 ? null : `${key}${n.toFixed()}`)),
  [
    ['a 1 @1', ['a "a1" @1']],
    ['a 10←1 @2', ['a -←"a1" @2']],
    ['a 11←10 @3', []],
    ['a -←11 @4', []],
    ['get a', ['"a5"']],
    ['get b', ['-']],
    ['get c', ['-']],
  ],
  { tables: [{ a: 5, b: 10 }] },
)
