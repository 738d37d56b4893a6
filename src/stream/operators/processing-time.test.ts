/** Windows whose time is the wall clock: what fires when it ticks, and that nothing is left. */
import { hopping, session, tumbling } from '../dsl/windows.ts'
import { folding, merging } from './aggregation.ts'
import { alignedWindows } from './aligned-windows.ts'
import { check } from './harness.test-support.ts'
import { byProcessingTime } from './processing-time.ts'
import { sessionWindows } from './session-windows.ts'

const sum = folding<string, number, number>(0, (all, value) => all + value)
const outlets = ['out']

check(
  'a window fires when the clock has reached its end, whatever the times of its records',
  byProcessingTime(alignedWindows('sum', tumbling(100), sum, ['final'])),
  [
    ['tick 5', []],
    ['a 1 @7000', [], ['windows 0 a {"value":1,"timestamp":5}']],
    ['tick 90', []],
    ['b 2 @3 W8000', [], ['windows 0 a {"value":1,"timestamp":5}', 'windows 0 b {"value":2,"timestamp":95}']],
    // The next window begins before the one before has fired.
    ['tick 5', ['out: a[0,100) 1 @99 on-time', 'out: b[0,100) 2 @99 on-time'], []],
    ['a 4 @1', [], ['windows 100 a {"value":4,"timestamp":100}']],
    ['W9000', []],
    ['tick 100', ['out: a[100,200) 4 @199 on-time'], []],
  ],
  { outlets },
)

check(
  'the end of the input fires what is left',
  byProcessingTime(alignedWindows('sum', hopping(20, 10), sum, ['final'])),
  [
    ['tick 15', []],
    ['a 1 @0', [], ['windows 0 a {"value":1,"timestamp":15}', 'windows 10 a {"value":1,"timestamp":15}']],
    ['Winfinity', ['out: a[0,20) 1 @19 on-time', 'out: a[10,30) 1 @29 on-time'], []],
  ],
  { outlets },
)

check(
  'a session ends when the clock has passed its gap',
  byProcessingTime(
    sessionWindows(
      'sum',
      session(100),
      merging(sum, (a, b) => a + b),
      ['final'],
    ),
  ),
  [
    ['tick 50', []],
    [
      'a 1 @9',
      [],
      ['sessions 0 a {"live":[{"start":50,"last":50,"value":1}],"timer":150}', 'timers 150 a true'],
    ],
    ['tick 60', []],
    [
      'a 2 @9',
      [],
      ['sessions 0 a {"live":[{"start":50,"last":110,"value":3}],"timer":150}', 'timers 150 a true'],
    ],
    [
      'tick 100',
      [],
      ['sessions 0 a {"live":[{"start":50,"last":110,"value":3}],"timer":210}', 'timers 210 a true'],
    ],
    ['tick 10', ['out: a[50,210) 3 @210 on-time'], []],
  ],
  { outlets },
)
