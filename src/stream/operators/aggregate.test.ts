/** A running aggregate per key: its output, and the rows that it keeps. */
import { aggregate } from './aggregate.ts'
import { counting, folding, reducing } from './aggregation.ts'
import { check } from './harness.test-support.ts'

check('a count has a row for each key', aggregate('count', counting), [
  ['a 5 @1', ['a 1 @1'], ['aggregate 0 a {"value":1,"timestamp":1}']],
  [
    'b 5 @1',
    ['b 1 @1'],
    ['aggregate 0 a {"value":1,"timestamp":1}', 'aggregate 0 b {"value":1,"timestamp":1}'],
  ],
  [
    'a 5 @2',
    ['a 2←1 @2'],
    ['aggregate 0 a {"value":2,"timestamp":2}', 'aggregate 0 b {"value":1,"timestamp":1}'],
  ],
  ['get a', ['2']],
  ['get c', ['-']],
  // A change has the largest timestamp so far, and a watermark has no effect.
  [
    'b 5 @0',
    ['b 2←1 @1'],
    ['aggregate 0 a {"value":2,"timestamp":2}', 'aggregate 0 b {"value":2,"timestamp":1}'],
  ],
  ['W100', []],
])

check('a record without a key or a value is dropped, and counted', aggregate('count', counting), [
  ['- 1 @1', ['dropped null-key']],
  ['a - @1', ['dropped null-value']],
  ['- - @1', ['dropped null-key']],
])

check(
  'a reduction begins with the first value',
  aggregate(
    'reduce',
    reducing<string, number>((sum, value) => sum + value),
  ),
  [
    ['a 3 @1', ['a 3 @1'], ['aggregate 0 a {"value":3,"timestamp":1}']],
    ['a 4 @2', ['a 7←3 @2'], ['aggregate 0 a {"value":7,"timestamp":2}']],
  ],
)

check(
  'an aggregate of null deletes the row, and the next record starts over',
  aggregate(
    'aggregate',
    folding<string, number, number>(10, (sum, value) => (value === 0 ? null : sum + value)),
  ),
  [
    ['a 1 @5', ['a 11 @5'], ['aggregate 0 a {"value":11,"timestamp":5}']],
    ['a 0 @6', ['a -←11 @6'], []],
    // There was no row, so no change is forwarded.
    ['a 0 @7', []],
    ['a 2 @3', ['a 12 @3'], ['aggregate 0 a {"value":12,"timestamp":3}']],
  ],
)

check(
  'several inputs share one aggregate, each with its own function',
  aggregate(
    'cogroup',
    folding<string, number, string>(
      '',
      (all, value) => `${all}a${value}`,
      (all, value) => (value === 0 ? null : `${all}b${value}`),
    ),
  ),
  [
    ['0: k 1 @5', ['k "a1" @5'], ['aggregate 0 k {"value":"a1","timestamp":5}']],
    ['1: k 2 @3', ['k "a1b2"←"a1" @5'], ['aggregate 0 k {"value":"a1b2","timestamp":5}']],
    ['1: k 0 @6', ['k -←"a1b2" @6'], []],
    ['1: k - @6', ['dropped null-value']],
    ['1: k 3 @7', ['k "b3" @7'], ['aggregate 0 k {"value":"b3","timestamp":7}']],
  ],
)
