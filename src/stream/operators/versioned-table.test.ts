/** A table with history, alone: versions in any order, and how long they are remembered. */
import { check } from './harness.test-support.ts'
import { materializeVersions } from './versioned-table.ts'

const called = { name: 'table', label: 'table' }
const forever = Number.MAX_SAFE_INTEGER
const never = Number.MIN_SAFE_INTEGER + 1

/** A version in state: until when, since when, and the value. */
const version = (until: number, since: number, value: number | null): string =>
  `versions ${until} a ${JSON.stringify({ since, value })}`

check(
  'versions end where the next ones begin; older changes are not forwarded',
  materializeVersions<string, number>(called, { historyMs: 10, allowedLatenessMs: 5, joins: { heldMs: 0 } }),
  [
    ['a 1 @10', ['changes: a 1 @10'], [version(10, never, null), version(forever, 10, 1)]],
    [
      'a 3 @30',
      ['changes: a 3←1 @30'],
      [version(10, never, null), version(30, 10, 1), version(forever, 30, 3)],
    ],
    [
      'a 2 @20',
      [],
      [version(10, never, null), version(20, 10, 1), version(30, 20, 2), version(forever, 30, 3)],
    ],
    ['get a', ['3']],
    ['get a @9', ['-']],
    ['get a @10', ['1']],
    ['get a @19', ['1']],
    ['get a @20', ['2']],
    ['get a @99', ['3']],
    // The same time again: the change that comes later counts.
    [
      'a 4 @30',
      ['changes: a 4←3 @30'],
      [version(10, never, null), version(20, 10, 1), version(30, 20, 2), version(forever, 30, 4)],
    ],
    [
      'a - @20',
      [],
      [version(10, never, null), version(20, 10, 1), version(30, 20, null), version(forever, 30, 4)],
    ],
    ['get a @25', ['-']],
    ['- 1 @40', ['dropped null-key']],
    [
      'a 9 @20 W25',
      [],
      [version(10, never, null), version(20, 10, 1), version(30, 20, 9), version(forever, 30, 4)],
    ],
    ['a 8 @20 W26', ['late: a 8 @20 W26']],
    // What fires at a watermark may look back: what is forgotten by it goes with the next one.
    ['W35', []],
    ['W36', [], [version(20, 10, 1), version(30, 20, 9), version(forever, 30, 4)]],
    ['get a @10', ['1']],
    ['W37', [], [version(30, 20, 9), version(forever, 30, 4)]],
    ['get a @10', ['-']],
    ['W46', []],
    ['get a @29', ['9']],
    ['W47', [], [version(forever, 30, 4)]],
    ['get a @30', ['4']],
  ],
)

check(
  'a deletion is remembered, and then nothing is left',
  materializeVersions<string, number>(called, { historyMs: 10, allowedLatenessMs: 5, joins: { heldMs: 0 } }),
  [
    ['a 1 @10', ['changes: a 1 @10'], [version(10, never, null), version(forever, 10, 1)]],
    [
      'a - @20',
      ['changes: a -←1 @20'],
      [version(10, never, null), version(20, 10, 1), version(forever, 20, null)],
    ],
    ['get a', ['-']],
    ['get a @19', ['1']],
    // A row that comes between: the deletion after it holds.
    [
      'a 2 @15',
      [],
      [version(10, never, null), version(15, 10, 1), version(20, 15, 2), version(forever, 20, null)],
    ],
    ['W35', []],
    ['W36', [], [version(20, 15, 2), version(forever, 20, null)]],
    ['W37', [], []],
  ],
)

check(
  'the deletion of a row that never was ends a row that comes late',
  materializeVersions<string, number>(called, { historyMs: 10, allowedLatenessMs: 5, joins: { heldMs: 0 } }),
  [
    ['a - @20', [], [version(20, never, null), version(forever, 20, null)]],
    ['a 1 @18', [], [version(18, never, null), version(20, 18, 1), version(forever, 20, null)]],
    ['get a', ['-']],
    ['get a @19', ['1']],
    ['W35', []],
    ['W36', [], [version(20, 18, 1), version(forever, 20, null)]],
    ['W37', [], []],
  ],
)

check(
  'a version is remembered for records that were held back, too',
  materializeVersions<string, number>(called, { historyMs: 10, allowedLatenessMs: 5, joins: { heldMs: 7 } }),
  [
    ['a 1 @10', ['changes: a 1 @10'], [version(10, never, null), version(forever, 10, 1)]],
    [
      'a 2 @20',
      ['changes: a 2←1 @20'],
      [version(10, never, null), version(20, 10, 1), version(forever, 20, 2)],
    ],
    ['W42', []],
    ['W43', [], [version(20, 10, 1), version(forever, 20, 2)]],
    ['get a @19', ['1']],
    ['W44', [], [version(forever, 20, 2)]],
    ['get a @19', ['-']],
  ],
)
