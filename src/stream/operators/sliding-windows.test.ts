/** Sliding windows alone: which there are, what each holds, what fires, and when they are forgotten. */
import { sliding } from '../dsl/windows.ts'
import { folding } from './aggregation.ts'
import type { EmitPolicy } from './emit-policy.ts'
import { check, type Step } from './harness.test-support.ts'
import { slidingWindows } from './sliding-windows.ts'
import type { SlidingWindows } from './windows.ts'

/** Sums the values of each window; a value of 0 deletes. */
function sums(name: string, windows: SlidingWindows, policy: EmitPolicy, steps: readonly Step[]): void {
  const sum = folding<string, number, number>(0, (all, value) => (value === 0 ? null : all + value))
  check(name, slidingWindows('sum', windows, sum, [policy]), steps, {
    outlets: ['out'],
    survives: typeof policy === 'string',
  })
}

/** The entries of one key: its windows as `[end, latest timestamp, sum]`, and its timer. */
function kept(
  timer: number,
  ...live: readonly (readonly [end: number, timestamp: number, sum: number | null])[]
): string[] {
  const windows = live.map(([end, timestamp, value]) => ({ end, timestamp, value }))
  return [`windows 0 a ${JSON.stringify({ live: windows, timer })}`, `timers ${timer} a true`]
}

sums('a window ends at each record, and one starts after each that another follows', sliding(10), 'final', [
  ['a 1 @20', [], kept(20, [20, 20, 1])],
  ['a 2 @25', [], kept(20, [20, 20, 1], [25, 25, 3], [31, 25, 2])],
  ['a 4 @31', [], kept(20, [20, 20, 1], [25, 25, 3], [31, 31, 6], [36, 31, 4])],
  ['W21', ['out: a[10,20) 1 @20 on-time'], kept(25, [20, 20, 1], [25, 25, 3], [31, 31, 6], [36, 31, 4])],
  // 11 ms after its latest record no record that is still taken needs a window.
  [
    'W32',
    ['out: a[15,25) 3 @25 on-time', 'out: a[21,31) 6 @31 on-time'],
    kept(36, [25, 25, 3], [31, 31, 6], [36, 31, 4]),
  ],
  ['W43', ['out: a[26,36) 4 @36 on-time'], []],
])

sums('a record out of order changes the windows on both sides of it', sliding(10), 'changes', [
  ['a 1 @20', ['out: a[10,20) 1 @20 early'], kept(20, [20, 20, 1])],
  [
    'a 2 @28',
    ['out: a[18,28) 3 @28 early', 'out: a[21,31) 2 @28 early'],
    kept(20, [20, 20, 1], [28, 28, 3], [31, 28, 2]),
  ],
  [
    'a 4 @24',
    [
      'out: a[14,24) 5 @24 early',
      'out: a[18,28) 7←3 @28 early',
      'out: a[21,31) 6←2 @28 early',
      'out: a[25,35) 2 @28 early',
    ],
    kept(20, [20, 20, 1], [24, 24, 5], [28, 28, 7], [31, 28, 6], [35, 28, 2]),
  ],
  [
    'a 8 @24',
    ['out: a[14,24) 13←5 @24 early', 'out: a[18,28) 15←7 @28 early', 'out: a[21,31) 14←6 @28 early'],
    kept(20, [20, 20, 1], [24, 24, 13], [28, 28, 15], [31, 28, 14], [35, 28, 2]),
  ],
])

sums('records more than the size apart share no window', sliding(10), 'final', [
  ['a 1 @20', [], kept(20, [20, 20, 1])],
  ['a 2 @31', [], kept(20, [20, 20, 1], [31, 31, 2])],
  ['a 4 @42', [], kept(20, [20, 20, 1], [31, 31, 2], [42, 42, 4])],
])

sums('a record is late by its own time, although a window would still take it', sliding(10), 'final', [
  ['a 1 @20', [], kept(20, [20, 20, 1])],
  ['a 2 @14 W15', ['late: a 2 @14 W15']],
  ['a 2 @15 W15', [], kept(15, [15, 15, 2], [20, 20, 3], [26, 20, 1])],
])

sums('late records correct what has fired, and open windows', sliding(10, { allowedLateness: 20 }), 'final', [
  ['a 1 @20', [], kept(20, [20, 20, 1])],
  ['W31', ['out: a[10,20) 1 @20 on-time'], kept(51, [20, 20, 1])],
  [
    'a 2 @15',
    ['out: a[5,15) 2 @15 late', 'out: a[10,20) 3←1 @20 late', 'out: a[16,26) 1 @26 late'],
    kept(46, [15, 15, 2], [20, 20, 3], [26, 20, 1]),
  ],
  ['W52', [], []],
])

sums('an aggregate of null retracts, and the window starts over', sliding(10), 'changes', [
  ['a 1 @20', ['out: a[10,20) 1 @20 early'], kept(20, [20, 20, 1])],
  ['a 0 @20', ['out: a[10,20) -←1 @20 early'], kept(20, [20, 20, null])],
  ['a 0 @20', []],
  [
    'a 2 @22',
    ['out: a[12,22) 2 @22 early', 'out: a[21,31) 2 @22 early'],
    kept(20, [20, 20, null], [22, 22, 2], [31, 22, 2]),
  ],
  ['W34', [], []],
])

sums('early results by event time', sliding(10), { early: 5, time: 'event' }, [
  ['W17', []],
  ['a 1 @27', [], kept(27, [27, 27, 1])],
  ['W19', []],
  ['W21', ['out: a[17,27) 1 @27 early W17'], [...kept(27, [27, 27, 1]), 'early-0 17 a 1']],
  ['W39', ['out: a[17,27) 1←1 @27 on-time'], []],
])

sums('early results are kept in state until the window has fired', sliding(10), { early: 5 }, [
  ['a 1 @20', [], kept(20, [20, 20, 1])],
  ['tick 5', ['out: a[10,20) 1 @20 early'], [...kept(20, [20, 20, 1]), 'early-0 10 a 1']],
  ['a 2 @20', [], [...kept(20, [20, 20, 3]), 'early-0 10 a 1']],
  ['W32', ['out: a[10,20) 3←1 @20 on-time'], []],
])
