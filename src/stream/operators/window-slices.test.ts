/** Counts in overlapping windows alone: what is in the slices that they share, and what in their own rows. */
import { cumulative, hopping } from '../dsl/windows.ts'
import { counting } from './aggregation.ts'
import { alignedWindows } from './aligned-windows.ts'
import type { AnyPolicy } from './emit-policy.ts'
import { check, type Step } from './harness.test-support.ts'
import type { AlignedWindows } from './windows.ts'

function counts(name: string, windows: AlignedWindows, policy: AnyPolicy, steps: readonly Step[]): void {
  check(name, alignedWindows('count', windows, counting, [policy]), steps, { outlets: ['out'] })
}

counts(
  'a record is in one slice, and in the own rows of windows if one is complete',
  hopping(10, 5),
  'final',
  [
    ['a 1 @7', [], ['slices 5 a {"value":1,"timestamp":7}']],
    ['a 1 @3', [], ['slices 0 a {"value":1,"timestamp":3}', 'slices 5 a {"value":1,"timestamp":7}']],
    ['W5', ['out: a[-5,5) 1 @4 on-time']],
    [
      'a 1 @4',
      [],
      [
        'windows 0 a {"value":1,"timestamp":4}',
        'slices 0 a {"value":1,"timestamp":3}',
        'slices 5 a {"value":1,"timestamp":7}',
      ],
    ],
    ['W10', ['out: a[0,10) 3 @9 on-time'], ['slices 5 a {"value":1,"timestamp":7}']],
    ['a 1 @4', ['late: a 1 @4']],
    ['W15', ['out: a[5,15) 1 @14 on-time'], []],
  ],
)

counts('keys come in their order, whatever slices they are in', hopping(10, 5), 'final', [
  ['b 1 @1', [], ['slices 0 b {"value":1,"timestamp":1}']],
  ['c 1 @2', [], ['slices 0 b {"value":1,"timestamp":1}', 'slices 0 c {"value":1,"timestamp":2}']],
  [
    'a 1 @6',
    [],
    [
      'slices 0 b {"value":1,"timestamp":1}',
      'slices 0 c {"value":1,"timestamp":2}',
      'slices 5 a {"value":1,"timestamp":6}',
    ],
  ],
  [
    'Winfinity',
    [
      'out: b[-5,5) 1 @4 on-time',
      'out: c[-5,5) 1 @4 on-time',
      'out: a[0,10) 1 @9 on-time',
      'out: b[0,10) 1 @9 on-time',
      'out: c[0,10) 1 @9 on-time',
      'out: a[5,15) 1 @14 on-time',
    ],
    [],
  ],
])

counts('a record is judged by its own watermark, not by the one of the task', hopping(10, 5), 'final', [
  ['W0', []],
  // By its own watermark the first of its windows is complete.
  ['a 1 @3 W5', [], ['windows 0 a {"value":1,"timestamp":3}']],
  ['W5', []],
  ['W10', ['out: a[0,10) 1 @9 on-time'], []],
])

counts('corrections hold what windows share', hopping(10, 5, { allowedLateness: 5 }), 'final', [
  ['a 1 @3', [], ['slices 0 a {"value":1,"timestamp":3}']],
  ['W5', ['out: a[-5,5) 1 @4 on-time']],
  [
    'a 1 @4',
    ['out: a[-5,5) 2←1 @4 late'],
    [
      'windows -5 a {"value":1,"timestamp":4}',
      'windows 0 a {"value":1,"timestamp":4}',
      'slices 0 a {"value":1,"timestamp":3}',
    ],
  ],
  [
    'W10',
    ['out: a[0,10) 2 @9 on-time'],
    ['windows 0 a {"value":1,"timestamp":4}', 'slices 0 a {"value":1,"timestamp":3}'],
  ],
  ['W15', [], []],
])

counts('cumulative windows share their steps', cumulative({ size: 20, step: 10 }), 'final', [
  ['a 1 @3', [], ['slices 0 a {"value":1,"timestamp":3}']],
  ['a 2 @12', [], ['slices 0 a {"value":1,"timestamp":3}', 'slices 10 a {"value":1,"timestamp":12}']],
  ['W10', ['out: a[0,10) 1 @9 on-time']],
  // Late for one of the two.
  [
    'a 4 @5',
    [],
    [
      'windows 10 a {"value":1,"timestamp":5}',
      'slices 0 a {"value":1,"timestamp":3}',
      'slices 10 a {"value":1,"timestamp":12}',
    ],
  ],
  ['W20', ['out: a[0,20) 3 @19 on-time'], []],
  ['a 4 @5', ['late: a 4 @5']],
])

counts('of which each change goes out, windows share nothing', hopping(10, 5), 'changes', [
  [
    'a 1 @7',
    ['out: a[0,10) 1 @7 early', 'out: a[5,15) 1 @7 early'],
    ['windows 0 a {"value":1,"timestamp":7}', 'windows 5 a {"value":1,"timestamp":7}'],
  ],
])
