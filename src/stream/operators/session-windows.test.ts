/** Sessions alone: how they grow and merge, what fires, and when sessions and timers are forgotten. */
import { session } from '../dsl/windows.ts'
import { folding, merging } from './aggregation.ts'
import type { AnyPolicy } from './emit-policy.ts'
import { check, type Step } from './harness.test-support.ts'
import { sessionWindows } from './session-windows.ts'
import type { DynamicSessionWindows, SessionWindows } from './windows.ts'

function sums(
  name: string,
  windows: SessionWindows | DynamicSessionWindows,
  steps: readonly Step[],
  acrossPartitions = false,
  policy: AnyPolicy = 'final',
): void {
  const sum = merging(
    folding<string, number, number>(0, (all, value) => (value === 0 ? null : all + value)),
    (left, right) => left + right,
  )
  check(name, sessionWindows('sum', windows, sum, [policy]), steps, { outlets: ['out'], acrossPartitions })
}

/** The entries of one key: its sessions as `[start, last, sum]`, and its timer. */
function kept(
  timer: number,
  ...live: readonly (readonly [start: number, last: number, sum: number | null])[]
): string[] {
  const sessions = live.map(([start, last, value]) => ({ start, last, value }))
  return [`sessions 0 a ${JSON.stringify({ live: sessions, timer })}`, `timers ${timer} a true`]
}

sums('a session grows, fires once, and is forgotten with its timer', session(10), [
  ['a 1 @3', [], kept(13, [3, 3, 1])],
  // The timer is earlier: it will find the session as it is then.
  ['a 2 @9', [], kept(13, [3, 9, 3])],
  ['W14', [], kept(19, [3, 9, 3])],
  ['W19', []],
  ['W20', ['out: a[3,19) 3 @19 on-time'], []],
])

sums('a record joins two sessions into one', session(10), [
  ['a 1 @0', [], kept(10, [0, 0, 1])],
  ['a 2 @20', [], kept(10, [0, 0, 1], [20, 20, 2])],
  ['a 4 @10', [], kept(10, [0, 20, 7])],
  ['W31', ['out: a[0,30) 7 @30 on-time'], []],
])

sums(
  'a session that has fired is retracted when a late record moves its bounds',
  session(10, { allowedLateness: 20 }),
  [
    ['a 1 @0', [], kept(10, [0, 0, 1])],
    ['W11', ['out: a[0,10) 1 @10 on-time'], kept(30, [0, 0, 1])],
    [
      'a 2 @8',
      ['out: a[0,10) -←1 @10 late'],
      ['sessions 0 a {"live":[{"start":0,"last":8,"value":3}],"timer":18}', 'timers 18 a true'],
    ],
    ['W19', ['out: a[0,18) 3 @18 on-time'], kept(38, [0, 8, 3])],
    // Its bounds stay: the old value is replaced, not retracted.
    ['a 4 @4', ['out: a[0,18) 7←3 @18 late'], kept(38, [0, 8, 7])],
    ['W38', []],
    ['W39', [], []],
  ],
)

/** A session of a key whose records have their own gaps, ten times their values: with its end. */
function ending(
  timer: number,
  ...live: readonly (readonly [start: number, last: number, end: number, sum: number | null])[]
): string[] {
  const sessions = live.map(([start, last, end, value]) => ({ start, last, end, value }))
  return [`sessions 0 a ${JSON.stringify({ live: sessions, timer })}`, `timers ${timer} a true`]
}

const byValue = session((value: number) => 10 * value, { allowedLateness: 5 })

sums('a session with gaps of its records ends at the latest of them', byValue, [
  ['a 3 @0', [], ending(30, [0, 0, 30, 3])],
  ['a 1 @5', [], ending(30, [0, 5, 30, 4])],
  // It begins within the gap of the session, and reaches further.
  ['a 2 @30', [], ending(30, [0, 30, 50, 6])],
  ['W50', [], ending(50, [0, 30, 50, 6])],
  ['W51', ['out: a[0,50) 6 @50 on-time'], ending(55, [0, 30, 50, 6])],
  // Its end stays, so it is replaced and not retracted.
  ['a 1 @40', ['out: a[0,50) 7←6 @50 late'], ending(55, [0, 40, 50, 7])],
  ['a 1 @35 W56', ['late: a 1 @35 W56']],
  ['W56', [], []],
])

sums('a record joins what begins within its own gap', byValue, [
  ['a 1 @40', [], ending(50, [40, 40, 50, 1])],
  ['a 1 @60', [], ending(50, [40, 40, 50, 1], [60, 60, 70, 1])],
  ['a 3 @10', [], ending(50, [10, 40, 50, 4], [60, 60, 70, 1])],
  ['a 1 @0 W0', [], ending(50, [0, 40, 50, 5], [60, 60, 70, 1])],
  ['W76', ['out: a[0,50) 5 @50 on-time', 'out: a[60,70) 1 @70 on-time'], []],
])

sums('an aggregate of null deletes the session', session(10), [
  ['a 0 @1', []],
  ['a 1 @3', [], kept(13, [3, 3, 1])],
  ['a 0 @4', [], []],
  ['W20', []],
])

sums('a record meets no session that its own watermark has passed', session(10), [
  ['a 1 @0', [], kept(10, [0, 0, 1])],
  ['a 2 @5 W11', [], kept(10, [0, 0, 1], [5, 5, 2])],
  ['a 4 @5 W16', ['late: a 4 @5 W16']],
  ['W16', ['out: a[0,10) 1 @10 on-time', 'out: a[5,15) 2 @15 on-time'], []],
])

sums(
  'if keys span partitions, a record is late by its own time',
  session(10),
  [
    ['a 1 @5 W6', ['late: a 1 @5 W6']],
    ['a 1 @5 W5', [], kept(15, [5, 5, 1])],
  ],
  true,
)

/** What is counted of a session, since its last result. */
const counted = (start: number, records: number, shown: number | null = null): string =>
  `counted-0 ${start} a ${JSON.stringify({ records, shown })}`

check(
  'a session counts the records of those that join in it',
  sessionWindows(
    'sum',
    session(10),
    merging(
      folding<string, number, number>(0, (all, value) => all + value),
      (left, right) => left + right,
    ),
    [{ everyRecords: 4 }],
  ),
  [
    ['a 1 @0', [], [...kept(10, [0, 0, 1]), counted(0, 1)]],
    ['a 1 @20', [], [...kept(10, [0, 0, 1], [20, 20, 1]), counted(0, 1), counted(20, 1)]],
    ['a 1 @22', [], [...kept(10, [0, 0, 1], [20, 22, 2]), counted(0, 1), counted(20, 2)]],
    ['a 1 @10', ['out: a[0,32) 4 @32 early'], [...kept(10, [0, 22, 4]), counted(0, 0, 4)]],
    ['W33', ['out: a[0,32) 4←4 @32 on-time'], []],
  ],
  { outlets: ['out'] },
)

check(
  'a merger of null deletes both sessions, and the record that joined them starts over',
  sessionWindows(
    'sum',
    session(10),
    merging(
      folding<string, number, number>(100, (all, value) => all + value),
      () => null,
    ),
    ['final'],
  ),
  [
    ['a 1 @0', [], kept(10, [0, 0, 101])],
    ['a 2 @20', [], kept(10, [0, 0, 101], [20, 20, 102])],
    ['a 4 @10', [], kept(10, [0, 20, 104])],
  ],
  { outlets: ['out'] },
)

check(
  'several inputs share the sessions of a key: a record is late by its own time',
  sessionWindows(
    'cogroup',
    session(10),
    merging(
      folding<string, number, string>(
        '',
        (all, value) => `${all}a${value}`,
        (all, value) => `${all}b${value}`,
      ),
      (left, right) => `${left}|${right}`,
    ),
    ['final'],
  ),
  [
    [
      '0: k 1 @20',
      [],
      ['sessions 0 k {"live":[{"start":20,"last":20,"value":"a1"}],"timer":30}', 'timers 30 k true'],
    ],
    // Its session is not complete at W16. But a record of another partition may find it forgotten.
    ['1: k 2 @15 W16', ['late: k 2 @15 W16']],
    [
      '1: k 3 @15 W15',
      [],
      ['sessions 0 k {"live":[{"start":15,"last":20,"value":"a1b3"}],"timer":30}', 'timers 30 k true'],
    ],
    ['W31', ['out: k[15,30) "a1b3" @30 on-time'], []],
  ],
  { outlets: ['out'] },
)

/** The entry of a session that has had one record since its last result. */
const countedOne = (start: number): string => `counted-0 ${start} a {"records":1,"shown":null}`

sums(
  'a session that discards keeps its bounds, and its results replace nothing',
  session(10, { allowedLateness: 20 }),
  [
    ['a 1 @0', [], [...kept(10, [0, 0, 1]), countedOne(0)]],
    ['W11', ['out: a[0,10) 1 @10 on-time'], kept(30, [0, 0, null])],
    ['a 2 @8', [], [...kept(18, [0, 8, 2]), countedOne(0)]],
    ['W19', ['out: a[0,18) 2 @18 on-time'], kept(38, [0, 8, null])],
    ['a 4 @4', ['out: a[0,18) 4 @18 late'], kept(38, [0, 8, null])],
    ['a 8 @29', [], [...kept(38, [0, 8, null], [29, 29, 8]), countedOne(29)]],
    // What the program deletes is in no result.
    ['a 0 @30', [], kept(38, [0, 8, null])],
    // It joins an empty session.
    ['a 16 @18 W19', [], [...kept(28, [0, 18, 16]), countedOne(0)]],
    ['a 32 @17 W19', ['out: a[0,28) 48 @28 early'], kept(28, [0, 18, null])],
    ['W39', [], kept(48, [0, 18, null])],
    ['Winfinity', [], []],
  ],
  false,
  { everyRecords: 2, panes: 'discarding' },
)

sums(
  'a session that discards leaves the earlier one with its start alone',
  byValue,
  [
    ['a 1 @0', [], [...ending(10, [0, 0, 10, 1]), countedOne(10)]],
    // By its own watermark the earlier session is over, so it begins another one.
    ['a 3 @0 W20', [], [...ending(10, [0, 0, 10, 1], [0, 0, 30, 3]), countedOne(10), countedOne(30)]],
    [
      'a 2 @1 W20',
      ['out: a[0,30) 5 @30 early W20'],
      [...ending(10, [0, 0, 10, 1], [0, 1, 30, null]), countedOne(10)],
    ],
    ['W31', ['out: a[0,10) 1 @10 on-time'], ending(35, [0, 1, 30, null])],
    ['W36', [], []],
  ],
  false,
  { everyRecords: 2, panes: 'discarding' },
)
