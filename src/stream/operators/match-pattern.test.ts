/** match, alone: what it keeps, and that nothing is left when its time is over. */
import { matchPattern, type PatternSpec } from './match-pattern.ts'
import { check } from './harness.test-support.ts'
import type { Contiguity, Step } from './pattern-machine.ts'

const step = (name: string, contiguity: Contiguity, from: number, max = 1): Step => ({
  contiguity,
  takes: { name, when: event => Number(event) >= from },
  min: 1,
  max,
  isOptional: false,
  isGreedy: false,
  inner: 'followedBy',
  until: undefined,
  notFollowedBy: [],
  notNext: [],
})

const specOf = (...steps: readonly Step[]): PatternSpec => ({
  steps,
  ending: { notFollowedBy: [], notNext: [] },
  withinMs: 10,
  names: ['a', 'b'],
  words: 'a b',
})
const pair = specOf(step('a', 'followedBy', 5), step('b', 'followedBy', 7))

check(
  'events wait for the watermark, and are taken in the order of their times',
  matchPattern(pair, 'noSkip'),
  [
    ['k 8 @3', [], ['waiting 3 k [8]', 'timers 3 e"k" true']],
    ['k 5 @2', [], ['waiting 2 k [5]', 'waiting 3 k [8]', 'timers 2 e"k" true', 'timers 3 e"k" true']],
    [
      'W3',
      [],
      [
        'runs 0 k {"next":2,"live":[{"last":1,"first":0,"since":2,"state":2}],"matched":[]}',
        'links 0 1:"k" {"name":"a","event":0,"before":null,"uses":1}',
        'events 0 0:"k" {"value":5,"uses":1}',
        'waiting 3 k [8]',
        'timers 3 e"k" true',
        'timers 11 r"k" true',
      ],
    ],
    [
      'W4',
      ['matches: k {"a":[5],"b":[8]} @3 W-Infinity'],
      [
        'runs 0 k {"next":5,"live":[{"last":4,"first":2,"since":3,"state":2}],"matched":[]}',
        'links 0 4:"k" {"name":"a","event":2,"before":null,"uses":1}',
        'events 0 2:"k" {"value":8,"uses":1}',
        'timers 11 r"k" true',
        'timers 12 r"k" true',
      ],
    ],
    // By its own watermark.
    ['k 9 @2 W3', ['late: k 9 @2 W3']],
    [
      'W12',
      [],
      [
        'runs 0 k {"next":5,"live":[{"last":4,"first":2,"since":3,"state":2}],"matched":[]}',
        'links 0 4:"k" {"name":"a","event":2,"before":null,"uses":1}',
        'events 0 2:"k" {"value":8,"uses":1}',
        'timers 12 r"k" true',
      ],
    ],
    ['W13', ['timedOut: k {"a":[8],"b":[]} @12 W-Infinity'], []],
    ['- 9 @13', ['dropped null-key']],
    ['k - @13', ['dropped null-value']],
  ],
)

const loop = specOf(step('a', 'followedBy', 5), step('b', 'next', 7, Number.POSITIVE_INFINITY))
check(
  'runs share the events that they have taken, and what they have taken before they part',
  matchPattern(loop, 'noSkip'),
  [
    ['k 5 @1', [], ['waiting 1 k [5]', 'timers 1 e"k" true']],
    ['k 7 @1', [], ['waiting 1 k [5,7]', 'timers 1 e"k" true']],
    [
      'W2',
      ['matches: k {"a":[5],"b":[7]} @1'],
      [
        'runs 0 k {"next":5,"live":[{"last":3,"first":0,"since":1,"state":3},{"last":4,"first":2,"since":1,"state":2}],"matched":[]}',
        'links 0 1:"k" {"name":"a","event":0,"before":null,"uses":1}',
        'links 0 3:"k" {"name":"b","event":2,"before":1,"uses":1}',
        'links 0 4:"k" {"name":"a","event":2,"before":null,"uses":1}',
        'events 0 0:"k" {"value":5,"uses":1}',
        'events 0 2:"k" {"value":7,"uses":2}',
        'timers 10 r"k" true',
      ],
    ],
    ['W10', []],
    [
      'W11',
      ['timedOut: k {"a":[5],"b":[7]} @10 W-Infinity', 'timedOut: k {"a":[7],"b":[]} @10 W-Infinity'],
      [],
    ],
  ],
)
