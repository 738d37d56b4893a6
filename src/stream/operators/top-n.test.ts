/** The largest values of a key: running, and of two sessions that a record joins. */
import { session } from '../dsl/windows.ts'
import { aggregate } from './aggregate.ts'
import { check } from './harness.test-support.ts'
import { sessionWindows } from './session-windows.ts'
import { largest } from './top-n.ts'

type Pair = readonly [name: string, n: number]
const topTwo = largest<string, Pair>(2, ([, n]) => n)

check(
  'the largest values come first; of equal ones, the one that came first stays',
  aggregate('top-2', topTwo),
  [
    ['k ["a",1] @1', ['k [["a",1]] @1'], ['aggregate 0 k {"value":[["a",1]],"timestamp":1}']],
    [
      'k ["b",2] @2',
      ['k [["b",2],["a",1]]←[["a",1]] @2'],
      ['aggregate 0 k {"value":[["b",2],["a",1]],"timestamp":2}'],
    ],
    [
      'k ["c",1] @3',
      ['k [["b",2],["a",1]]←[["b",2],["a",1]] @3'],
      ['aggregate 0 k {"value":[["b",2],["a",1]],"timestamp":3}'],
    ],
    [
      'k ["d",2] @4',
      ['k [["b",2],["d",2]]←[["b",2],["a",1]] @4'],
      ['aggregate 0 k {"value":[["b",2],["d",2]],"timestamp":4}'],
    ],
  ],
)

check(
  'the largest of two sessions are those of both',
  sessionWindows('top-2', session(10), topTwo, ['final']),
  [
    [
      'k ["a",1] @0',
      [],
      ['sessions 0 k {"live":[{"start":0,"last":0,"value":[["a",1]]}],"timer":10}', 'timers 10 k true'],
    ],
    [
      'k ["b",2] @20',
      [],
      [
        'sessions 0 k {"live":[{"start":0,"last":0,"value":[["a",1]]},{"start":20,"last":20,"value":[["b",2]]}],"timer":10}',
        'timers 10 k true',
      ],
    ],
    [
      'k ["c",3] @10',
      [],
      [
        'sessions 0 k {"live":[{"start":0,"last":20,"value":[["c",3],["b",2]]}],"timer":10}',
        'timers 10 k true',
      ],
    ],
    ['W31', ['out: k[0,30) [["c",3],["b",2]] @30 on-time'], []],
  ],
  { outlets: ['out'] },
)
