/** The records of sessions: in time order, as they came and where a record joins two sessions. */
import { session } from '../dsl/windows.ts'
import { check } from './harness.test-support.ts'
import { inTimeOrder } from './session-records.ts'
import { sessionWindows } from './session-windows.ts'

/** The result of records, each as `[timestamp, value]`. */
const records = (...all: readonly (readonly [timestamp: number, value: number])[]): string =>
  JSON.stringify(all.map(([timestamp, value]) => ({ value, timestamp })))

const sessions = sessionWindows('sessionize', session(10), inTimeOrder<string, number>(), ['changes'])

check(
  'records out of order are put in order; those with one time stay as they came',
  sessions,
  [
    [
      'k 1 @5',
      [`out: k[5,15) ${records([5, 1])} @5 early`],
      [
        `sessions 0 k {"live":[{"start":5,"last":5,"value":${records([5, 1])}}],"timer":15}`,
        'timers 15 k true',
      ],
    ],
    [
      'k 2 @3',
      [`out: k[5,15) -←${records([5, 1])} @5 early`, `out: k[3,15) ${records([3, 2], [5, 1])} @5 early`],
      [
        `sessions 0 k {"live":[{"start":3,"last":5,"value":${records([3, 2], [5, 1])}}],"timer":15}`,
        'timers 15 k true',
      ],
    ],
    [
      'k 3 @5',
      [`out: k[3,15) ${records([3, 2], [5, 1], [5, 3])}←${records([3, 2], [5, 1])} @5 early`],
      [
        `sessions 0 k {"live":[{"start":3,"last":5,"value":${records([3, 2], [5, 1], [5, 3])}}],"timer":15}`,
        'timers 15 k true',
      ],
    ],
    ['W16', [], []],
  ],
  { outlets: ['out'] },
)

check(
  'a record between two sessions is between their records',
  sessions,
  [
    [
      'k 1 @0',
      [`out: k[0,10) ${records([0, 1])} @0 early`],
      [
        `sessions 0 k {"live":[{"start":0,"last":0,"value":${records([0, 1])}}],"timer":10}`,
        'timers 10 k true',
      ],
    ],
    [
      'k 2 @20',
      [`out: k[20,30) ${records([20, 2])} @20 early`],
      [
        `sessions 0 k {"live":[{"start":0,"last":0,"value":${records([0, 1])}},{"start":20,"last":20,"value":${records([20, 2])}}],"timer":10}`,
        'timers 10 k true',
      ],
    ],
    [
      'k 3 @10',
      [
        `out: k[0,10) -←${records([0, 1])} @0 early`,
        `out: k[20,30) -←${records([20, 2])} @20 early`,
        `out: k[0,30) ${records([0, 1], [10, 3], [20, 2])} @20 early`,
      ],
      [
        `sessions 0 k {"live":[{"start":0,"last":20,"value":${records([0, 1], [10, 3], [20, 2])}}],"timer":10}`,
        'timers 10 k true',
      ],
    ],
  ],
  { outlets: ['out'] },
)
