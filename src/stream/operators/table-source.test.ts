/** A topic or a stream as a table, alone: rows are added, changed and deleted. */
import { check } from './harness.test-support.ts'
import { materialize } from './table-source.ts'

check('the latest value of each key', materialize<string, number>({ name: 'table', label: 'table' }), [
  ['a 1 @1', ['a 1 @1'], ['table 0 a 1']],
  ['a 2 @0', ['a 2←1 @0'], ['table 0 a 2']],
  ['b 3 @2', ['b 3 @2'], ['table 0 a 2', 'table 0 b 3']],
  ['get a', ['2']],
  ['a - @3', ['a -←2 @3'], ['table 0 b 3']],
  ['get a', ['-']],
  // There was no row, so no change is forwarded.
  ['a - @4', []],
  ['- 1 @5', ['dropped null-key']],
  ['W100', []],
])
