/** Tumbling, hopping and cumulative windows alone: what fires, what corrects, and when rows are forgotten. */
import { cumulative, global, hopping, tumbling } from '../dsl/windows.ts'
import { folding } from './aggregation.ts'
import { alignedWindows } from './aligned-windows.ts'
import type { AnyPolicy } from './emit-policy.ts'
import { check, type Step } from './harness.test-support.ts'
import type { AlignedWindows } from './windows.ts'

/** Sums the values of each window; a value of 0 deletes. */
function sums(name: string, windows: AlignedWindows, policy: AnyPolicy, steps: readonly Step[]): void {
  const sum = folding<string, number, number>(0, (all, value) => (value === 0 ? null : all + value))
  const survives = typeof policy === 'string' || 'everyRecords' in policy
  check(name, alignedWindows('sum', windows, sum, [policy]), steps, { outlets: ['out'], survives })
}

sums(
  'a window fires once, and its row is forgotten with the watermark that closes it',
  tumbling(10),
  'final',
  [
    ['a 1 @3', [], ['windows 0 a {"value":1,"timestamp":3}']],
    ['a 2 @1', [], ['windows 0 a {"value":3,"timestamp":3}']],
    ['W9', []],
    ['W10', ['out: a[0,10) 3 @9 on-time'], []],
    // Too late for its window, which has no state and gets none now.
    ['a 4 @9', ['late: a 4 @9']],
  ],
)

sums('a row is kept as long as it takes corrections', tumbling(10, { allowedLateness: 5 }), 'final', [
  ['a 1 @3', [], ['windows 0 a {"value":1,"timestamp":3}']],
  ['b 1 @4', [], ['windows 0 a {"value":1,"timestamp":3}', 'windows 0 b {"value":1,"timestamp":4}']],
  ['W10', ['out: a[0,10) 1 @9 on-time', 'out: b[0,10) 1 @9 on-time']],
  [
    'a 2 @4 W9',
    ['out: a[0,10) 3←1 @9 late W9'],
    ['windows 0 a {"value":3,"timestamp":4}', 'windows 0 b {"value":1,"timestamp":4}'],
  ],
  ['a 0 @4', ['out: a[0,10) -←3 @9 late'], ['windows 0 b {"value":1,"timestamp":4}']],
  ['W14', []],
  ['W15', [], []],
])

sums('a record is judged by its own watermark, not by the one of the task', tumbling(10), 'final', [
  ['W5', []],
  ['a 1 @3 W20', ['late: a 1 @3 W20']],
  ['a 1 @3 W9', [], ['windows 0 a {"value":1,"timestamp":3}']],
])

sums('a result at every change has the largest timestamp in its window', tumbling(10), 'changes', [
  ['a 1 @3', ['out: a[0,10) 1 @3 early'], ['windows 0 a {"value":1,"timestamp":3}']],
  ['a 2 @7', ['out: a[0,10) 3←1 @7 early'], ['windows 0 a {"value":3,"timestamp":7}']],
  ['a 4 @5', ['out: a[0,10) 7←3 @7 early'], ['windows 0 a {"value":7,"timestamp":7}']],
  ['a 0 @6', ['out: a[0,10) -←7 @7 early'], []],
  ['W10', []],
])

sums('early results are kept in state until the window has fired', tumbling(10), { early: 5 }, [
  ['a 1 @3', [], ['windows 0 a {"value":1,"timestamp":3}']],
  ['tick 5', ['out: a[0,10) 1 @9 early'], ['windows 0 a {"value":1,"timestamp":3}', 'early-0 0 a 1']],
  ['a 2 @4', [], ['windows 0 a {"value":3,"timestamp":4}', 'early-0 0 a 1']],
  ['W10', ['out: a[0,10) 3←1 @9 on-time'], []],
  ['tick 5', []],
])

sums(
  'early results by event time come when the watermark passes the interval',
  tumbling(20),
  { early: 5, time: 'event' },
  [
    ['W1', []],
    ['a 1 @3', [], ['windows 0 a {"value":1,"timestamp":3}']],
    ['W4', []],
    ['tick 100', []],
    ['W6', ['out: a[0,20) 1 @19 early W1'], ['windows 0 a {"value":1,"timestamp":3}', 'early-0 0 a 1']],
    // Nothing has changed.
    ['W12', []],
    ['a 2 @12', [], ['windows 0 a {"value":3,"timestamp":12}', 'early-0 0 a 1']],
    // The window is complete: its result is not early as well.
    ['W20', ['out: a[0,20) 3←1 @19 on-time'], []],
    ['W25', []],
  ],
)

sums('early results come at every so many records', tumbling(10), { everyRecords: 2 }, [
  ['a 1 @3', [], ['windows 0 a {"value":1,"timestamp":3}', 'counted-0 0 a {"records":1,"shown":null}']],
  [
    'a 2 @4',
    ['out: a[0,10) 3 @9 early'],
    ['windows 0 a {"value":3,"timestamp":4}', 'counted-0 0 a {"records":0,"shown":3}'],
  ],
  ['a 4 @4', [], ['windows 0 a {"value":7,"timestamp":4}', 'counted-0 0 a {"records":1,"shown":3}']],
  ['W10', ['out: a[0,10) 7←3 @9 on-time'], []],
])

sums('what came early is taken back with its count', tumbling(10), { everyRecords: 1 }, [
  [
    'a 1 @3',
    ['out: a[0,10) 1 @9 early'],
    ['windows 0 a {"value":1,"timestamp":3}', 'counted-0 0 a {"records":0,"shown":1}'],
  ],
  ['a 0 @4', ['out: a[0,10) -←1 @9 early'], []],
  ['W10', []],
])

sums('a record is in each hopping window around it', hopping(10, 5), 'final', [
  ['a 1 @7', [], ['windows 0 a {"value":1,"timestamp":7}', 'windows 5 a {"value":1,"timestamp":7}']],
  ['W10', ['out: a[0,10) 1 @9 on-time'], ['windows 5 a {"value":1,"timestamp":7}']],
  // Late for one of the two.
  ['a 2 @8', [], ['windows 5 a {"value":3,"timestamp":8}']],
  ['W15', ['out: a[5,15) 3 @14 on-time'], []],
])

sums(
  'a record is in each cumulative window that ends after it',
  cumulative({ size: 20, step: 10 }),
  'final',
  [
    ['a 1 @3', [], ['windows 0 a {"value":1,"timestamp":3}', 'windows 10 a {"value":1,"timestamp":3}']],
    ['a 2 @12', [], ['windows 0 a {"value":1,"timestamp":3}', 'windows 10 a {"value":3,"timestamp":12}']],
    ['W10', ['out: a[0,10) 1 @9 on-time'], ['windows 10 a {"value":3,"timestamp":12}']],
    // Late for one of the two.
    ['a 4 @5', [], ['windows 10 a {"value":7,"timestamp":12}']],
    ['W20', ['out: a[0,20) 7 @19 on-time'], []],
    ['a 4 @5', ['late: a 4 @5']],
  ],
)

sums(
  'cumulative windows start at multiples of their size, moved by the offset',
  cumulative({ size: 20, step: 10, offset: -5, allowedLateness: 10 }),
  'final',
  [
    ['a 1 @15', [], ['windows 15 a {"value":1,"timestamp":15}', 'windows 25 a {"value":1,"timestamp":15}']],
    [
      'W35',
      ['out: a[15,25) 1 @24 on-time', 'out: a[15,35) 1 @34 on-time'],
      ['windows 25 a {"value":1,"timestamp":15}'],
    ],
    ['a 2 @15', ['out: a[15,35) 3←1 @34 late'], ['windows 25 a {"value":3,"timestamp":15}']],
    ['W45', [], []],
  ],
)

sums('early results of cumulative windows are told apart', cumulative({ size: 20, step: 10 }), { early: 5 }, [
  ['a 1 @3', [], ['windows 0 a {"value":1,"timestamp":3}', 'windows 10 a {"value":1,"timestamp":3}']],
  [
    'tick 5',
    ['out: a[0,10) 1 @9 early', 'out: a[0,20) 1 @19 early'],
    [
      'windows 0 a {"value":1,"timestamp":3}',
      'windows 10 a {"value":1,"timestamp":3}',
      'early-0 0 a 1',
      'early-0 10 a 1',
    ],
  ],
  ['W10', ['out: a[0,10) 1←1 @9 on-time'], ['windows 10 a {"value":1,"timestamp":3}', 'early-0 10 a 1']],
  ['W20', ['out: a[0,20) 1←1 @19 on-time'], []],
])

sums('a record between windows that take a sample is in none', hopping(5, 20), 'final', [
  ['a 1 @7', ['dropped not-sampled']],
  ['W10', []],
  ['a 1 @7', ['late: a 1 @7']],
  ['- 1 @20', ['dropped null-key']],
  ['a - @20', ['dropped null-value']],
])

check(
  'several inputs share the windows of a key, and each has its late records',
  alignedWindows(
    'cogroup',
    tumbling(10),
    folding<string, number, string>(
      '',
      (all, value) => `${all}a${value}`,
      (all, value) => `${all}b${value}`,
    ),
    ['final'],
  ),
  [
    ['0: k 1 @3', [], ['windows 0 k {"value":"a1","timestamp":3}']],
    ['1: k 2 @1', [], ['windows 0 k {"value":"a1b2","timestamp":3}']],
    ['1: k 3 @1 W20', ['late: k 3 @1 W20']],
    ['W10', ['out: k[0,10) "a1b2" @9 on-time'], []],
  ],
  { outlets: ['out'] },
)

const allTime = '[0,8640000000000001)'

sums(
  'a global window holds all records, however late, and is complete at the end of time',
  global(),
  'final',
  [
    ['a 1 @3', [], ['windows 0 a {"value":1,"timestamp":3}']],
    ['W1000', []],
    ['a 2 @1', [], ['windows 0 a {"value":3,"timestamp":3}']],
    [
      'b 4 @8640000000000000',
      [],
      ['windows 0 a {"value":3,"timestamp":3}', 'windows 0 b {"value":4,"timestamp":8640000000000000}'],
    ],
    ['W8640000000000000', []],
    ['Winfinity', [`out: a${allTime} 3 @3 on-time`, `out: b${allTime} 4 @8640000000000000 on-time`], []],
  ],
)

sums('a global window gives early results with the largest timestamp in it', global(), { everyRecords: 2 }, [
  ['a 1 @3', [], ['windows 0 a {"value":1,"timestamp":3}', 'counted-0 0 a {"records":1,"shown":null}']],
  [
    'a 2 @1',
    [`out: a${allTime} 3 @3 early`],
    ['windows 0 a {"value":3,"timestamp":3}', 'counted-0 0 a {"records":0,"shown":3}'],
  ],
  ['a 4 @9', [], ['windows 0 a {"value":7,"timestamp":9}', 'counted-0 0 a {"records":1,"shown":3}']],
  ['Winfinity', [`out: a${allTime} 7←3 @9 on-time`], []],
])

sums('a global window gives early results by event time', global(), { early: 5, time: 'event' }, [
  ['W1', []],
  ['a 1 @3', [], ['windows 0 a {"value":1,"timestamp":3}']],
  ['W6', [`out: a${allTime} 1 @3 early`], ['windows 0 a {"value":1,"timestamp":3}', 'early-0 0 a 1']],
  ['W60', []],
  ['Winfinity', [`out: a${allTime} 1←1 @3 on-time`], []],
])

sums(
  'discarded panes at every so many records',
  tumbling(10, { allowedLateness: 5 }),
  { everyRecords: 2, panes: 'discarding' },
  [
    ['a 1 @3', [], ['windows 0 a {"value":1,"timestamp":3}', 'counted-0 0 a {"records":1,"shown":null}']],
    ['a 2 @4', ['out: a[0,10) 3 @9 early'], []],
    ['a 4 @4', [], ['windows 0 a {"value":4,"timestamp":4}', 'counted-0 0 a {"records":1,"shown":null}']],
    ['W10', ['out: a[0,10) 4 @9 on-time'], []],
    ['a 8 @5 W9', ['out: a[0,10) 8 @9 late W9'], []],
    ['W15', []],
  ],
)

sums(
  'discarded panes by processing time; a window that is empty has no result on time',
  tumbling(10),
  { early: 5, panes: 'discarding' },
  [
    ['a 1 @3', [], ['windows 0 a {"value":1,"timestamp":3}']],
    ['tick 5', ['out: a[0,10) 1 @9 early'], []],
    ['W10', []],
  ],
)

sums('what the program deletes is in no pane', global(), { everyRecords: 3, panes: 'discarding' }, [
  ['a 1 @3', [], ['windows 0 a {"value":1,"timestamp":3}', 'counted-0 0 a {"records":1,"shown":null}']],
  ['a 0 @4', [], []],
  ['a 2 @4', [], ['windows 0 a {"value":2,"timestamp":4}', 'counted-0 0 a {"records":1,"shown":null}']],
  ['Winfinity', [`out: a${allTime} 2 @4 on-time`], []],
])
