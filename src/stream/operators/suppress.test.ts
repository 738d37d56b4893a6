/** Changes that are held back, alone: what is forwarded, when, and what is left. */
import { valueCodec } from '../../state/index.ts'
import { check } from './harness.test-support.ts'
import { type HoldBack, suppress } from './suppress.ts'

const unbounded: HoldBack = {
  limitMs: 10,
  recordsMax: Number.POSITIVE_INFINITY,
  bytesMax: Number.POSITIVE_INFINITY,
  whenFull: 'emitEarly',
}

/** A held change: its value and the one that it replaces, when it goes out, and its time. */
const held = (
  key: string,
  value: number | null,
  previous: number | null,
  due: number,
  at: number,
  bytes = 0,
) => `held 0 ${key} ${JSON.stringify({ timestamp: at, watermark: 0, value, previous, due, bytes })}`
const size = (records: number, bytes = 0): string => `size 0  ${JSON.stringify({ records, bytes })}`
const timer = (time: number, key: string): string => `due ${time} ${key} true`

check(
  'the last change of a row goes out when the watermark has passed the first time by the limit',
  suppress<string, number>(unbounded, 0),
  [
    ['W0', []],
    ['a 1 @5', [], [held('a', 1, null, 15, 5), size(1), timer(15, 'a')]],
    ['get a', ['-']],
    ['a 2←1 @9', [], [held('a', 2, null, 15, 9), size(1), timer(15, 'a')]],
    [
      'b 7←6 @6',
      [],
      [held('a', 2, null, 15, 9), held('b', 7, 6, 16, 6), size(2), timer(15, 'a'), timer(16, 'b')],
    ],
    ['get b', ['6']],
    ['W15', []],
    ['W16', ['a 2 @9 W0'], [held('b', 7, 6, 16, 6), size(1), timer(16, 'b')]],
    ['get a', ['9']],
    ['W17', ['b 7←6 @6 W0'], []],
  ],
  { tables: [{ a: 9 }] },
)

check(
  'a change with an earlier time brings its row forward; one whose time is over goes out at once',
  suppress<string, number>(unbounded, 0),
  [
    ['W0', []],
    ['a 1 @5', [], [held('a', 1, null, 15, 5), size(1), timer(15, 'a')]],
    ['a 2←1 @3', [], [held('a', 2, null, 13, 3), size(1), timer(13, 'a')]],
    ['W14', ['a 2 @3'], []],
    ['a 3←2 @3 W0', ['a 3←2 @3 W0'], []],
    ['a 4←3 @4 W0', [], [held('a', 4, 3, 14, 4), size(1), timer(14, 'a')]],
    ['W15', ['a 4←3 @4 W0'], []],
  ],
)

check('a row that comes and goes while it is held never was', suppress<string, number>(unbounded, 0), [
  ['W0', []],
  ['a 1 @5', [], [held('a', 1, null, 15, 5), size(1), timer(15, 'a')]],
  ['a -←1 @6', [], [held('a', null, null, 15, 6), size(1), timer(15, 'a')]],
  ['W16', [], []],
  ['a -←1 @20 W0', [], [held('a', null, 1, 30, 20), size(1), timer(30, 'a')]],
  ['W31', ['a -←1 @20 W0'], []],
])

check(
  'over the bound of records, the first one goes out early',
  suppress<string, number>({ ...unbounded, recordsMax: 2 }, 0),
  [
    ['W0', []],
    ['a 1 @5', [], [held('a', 1, null, 15, 5), size(1, 0), timer(15, 'a')]],
    [
      'b 2 @4',
      [],
      [held('a', 1, null, 15, 5), held('b', 2, null, 14, 4), size(2, 0), timer(14, 'b'), timer(15, 'a')],
    ],
    [
      'c 3 @6',
      ['b 2 @4'],
      [held('a', 1, null, 15, 5), held('c', 3, null, 16, 6), size(2, 0), timer(15, 'a'), timer(16, 'c')],
    ],
    // A row that is held already takes no more room.
    [
      'a 4←1 @7',
      [],
      [held('a', 4, null, 15, 7), held('c', 3, null, 16, 6), size(2, 0), timer(15, 'a'), timer(16, 'c')],
    ],
    ['W17', ['a 4 @7', 'c 3 @6'], []],
  ],
)

/** What a change takes: its value, and a key of three bytes. */
const bytes = 3 + valueCodec.encode(1).length

check(
  'over the bound of bytes, the first one goes out early',
  suppress<string, number>({ ...unbounded, bytesMax: 2 * bytes }, 0),
  [
    ['W0', []],
    ['a 1 @5', [], [held('a', 1, null, 15, 5, bytes), size(1, bytes), timer(15, 'a')]],
    [
      'b 2 @6',
      [],
      [
        held('a', 1, null, 15, 5, bytes),
        held('b', 2, null, 16, 6, bytes),
        size(2, 2 * bytes),
        timer(15, 'a'),
        timer(16, 'b'),
      ],
    ],
    [
      'c 3 @7',
      ['a 1 @5'],
      [
        held('b', 2, null, 16, 6, bytes),
        held('c', 3, null, 17, 7, bytes),
        size(2, 2 * bytes),
        timer(16, 'b'),
        timer(17, 'c'),
      ],
    ],
    ['W18', ['b 2 @6', 'c 3 @7'], []],
  ],
)
