/** process, alone: its states, its timers, and what is left of both. */
import type { ListState, MapState, ValueState } from './kept-values.ts'
import { check } from './harness.test-support.ts'
import { process, type ProcessContext, type Processing } from './process.ts'

type Context<States, Names extends string> = ProcessContext<States, Record<'out' | 'other', unknown>, Names>

/** A specification with functions whose types only its test knows. */
function processOf<States, Names extends string = never>(
  onRecord: (value: number | null, key: string, context: Context<States, Names>) => void,
  parts: Partial<Pick<Processing, 'states' | 'timers'>> = {},
): ReturnType<typeof process> {
  return process({
    states: {},
    timers: {},
    broadcast: [],
    outlets: ['out', 'other'],
    ...parts,
    onRecord: [onRecord],
  })
}

const lasting = { ttlMs: undefined, time: 'event' } as const

check(
  'each key has a value, a map and a list',
  processOf<{ last: ValueState<number>; seen: MapState<string, number>; all: ListState<number> }>(
    (value, _key, { state: { last, seen, all }, emit }) => {
      if (value === null) for (const one of [last, seen, all]) one.clear()
      else {
        emit.out([last.get() ?? 'none', seen.get(`n${value}`) ?? 0, all.values()])
        last.set(value)
        seen.set(`n${value}`, (seen.get(`n${value}`) ?? 0) + 1)
        all.push(value, -value)
        if (value === 9) seen.delete('n9')
        emit.other(seen.entries(), 77)
      }
    },
    {
      states: {
        last: { kind: 'value', ...lasting },
        seen: { kind: 'map', ...lasting },
        all: { kind: 'list', ...lasting },
      },
    },
  ),
  [
    [
      'a 1 @5',
      ['out: a ["none",0,[]] @5', 'other: a [["n1",1]] @77'],
      [
        'state-last 0 a 1',
        'state-seen 0 3:"a""n1" 1',
        'state-all 0 3:"a" 2',
        'state-all 0 3:"a"00000000000 1',
        'state-all 0 3:"a"00000000001 -1',
      ],
    ],
    ['a - @5', [], []],
    ['- 1 @5', ['dropped null-key']],
    [
      'b 1 @5',
      ['out: b ["none",0,[]] @5', 'other: b [["n1",1]] @77'],
      [
        'state-last 0 b 1',
        'state-seen 0 3:"b""n1" 1',
        'state-all 0 3:"b" 2',
        'state-all 0 3:"b"00000000000 1',
        'state-all 0 3:"b"00000000001 -1',
      ],
    ],
    [
      'b 9 @6',
      ['out: b [1,0,[1,-1]] @6', 'other: b [["n1",1]] @77'],
      [
        'state-last 0 b 9',
        'state-seen 0 3:"b""n1" 1',
        'state-all 0 3:"b" 4',
        'state-all 0 3:"b"00000000000 1',
        'state-all 0 3:"b"00000000001 -1',
        'state-all 0 3:"b"00000000002 9',
        'state-all 0 3:"b"00000000003 -9',
      ],
    ],
    ['b - @6', [], []],
  ],
)

check(
  'what outlives its time is not read, and forgotten',
  processOf<{ last: ValueState<number> }>(
    (value, _key, { state: { last }, emit }) => {
      emit.out(last.get() ?? 'none')
      if (value !== null && value > 0) last.set(value)
      if (value === 0) last.clear()
    },
    { states: { last: { kind: 'value', ttlMs: 10, time: 'event' } } },
  ),
  [
    [
      'a 1 @5',
      ['out: a "none" @5'],
      ['expiry 15 last:"a" true', 'state-last 0 a {"value":1,"until":15,"timer":15}'],
    ],
    ['a - @14 W15', ['out: a 1 @14 W15']],
    // By the watermark of the record that reads.
    ['a - @14 W16', ['out: a "none" @14 W16']],
    // Written again: the timer stays.
    [
      'a 2 @9',
      ['out: a 1 @9'],
      ['expiry 15 last:"a" true', 'state-last 0 a {"value":2,"until":19,"timer":15}'],
    ],
    // An earlier record does not shorten its life.
    [
      'a 3 @2',
      ['out: a 2 @2'],
      ['expiry 15 last:"a" true', 'state-last 0 a {"value":3,"until":19,"timer":15}'],
    ],
    ['W16', [], ['expiry 19 last:"a" true', 'state-last 0 a {"value":3,"until":19,"timer":19}']],
    ['a - @16', ['out: a 3 @16']],
    ['W19', []],
    ['W20', [], []],
    [
      'a 4 @20',
      ['out: a "none" @20'],
      ['expiry 30 last:"a" true', 'state-last 0 a {"value":4,"until":30,"timer":30}'],
    ],
    ['a 0 @20', ['out: a 4 @20'], []],
  ],
)

check(
  'a time to live by the clock',
  processOf<{ all: ListState<number> }>(
    (value, _key, { state: { all }, emit }) => {
      if (value !== null) all.push(value)
      emit.out(all.values())
    },
    { states: { all: { kind: 'list', ttlMs: 10, time: 'processing' } } },
  ),
  [
    ['tick 0', []],
    [
      'a 1 @900',
      ['out: a [1] @900'],
      [
        'clock-expiry 10 all:3:"a" true',
        'clock-expiry 10 all:3:"a"00000000000 true',
        'state-all 0 3:"a" {"value":1,"until":10,"timer":10}',
        'state-all 0 3:"a"00000000000 {"value":1,"until":10,"timer":10}',
      ],
    ],
    ['tick 6', []],
    [
      'a 2 @900',
      ['out: a [1,2] @900'],
      [
        'clock-expiry 10 all:3:"a" true',
        'clock-expiry 10 all:3:"a"00000000000 true',
        'clock-expiry 16 all:3:"a"00000000001 true',
        'state-all 0 3:"a" {"value":2,"until":16,"timer":10}',
        'state-all 0 3:"a"00000000000 {"value":1,"until":10,"timer":10}',
        'state-all 0 3:"a"00000000001 {"value":2,"until":16,"timer":16}',
      ],
    ],
    [
      'tick 4',
      [],
      [
        'clock-expiry 16 all:3:"a" true',
        'clock-expiry 16 all:3:"a"00000000001 true',
        'state-all 0 3:"a" {"value":2,"until":16,"timer":16}',
        'state-all 0 3:"a"00000000001 {"value":2,"until":16,"timer":16}',
      ],
    ],
    ['a - @900', ['out: a [2] @900']],
    ['tick 6', [], []],
  ],
)

/** A value above 0 sets a timer for it, 0 cancels the timer, null asks for it. It sets itself 10 later. */
const alarm = processOf<unknown, 'ring'>(
  (value, _key, { timers: { ring }, emit, watermark }) => {
    if (value === null) emit.out([ring.time ?? 'not set', watermark])
    else if (value === 0) ring.cancel()
    else ring.set(value)
  },
  {
    timers: {
      ring: {
        time: 'event',
        fire: (key: string, { timers: { ring }, emit, watermark, timestamp }: Context<unknown, 'ring'>) => {
          emit.out([key, ring.time ?? 'not set', watermark])
          if (timestamp < 100) ring.set(timestamp + 10)
        },
      },
    },
  },
)

check('a timer fires once the watermark has passed it, ahead of the watermark', alarm, [
  ['a 30 @5', [], ['set 0 ring:"a" 30', 'timers 30 ring:"a" true']],
  // Moved: one for each key and name.
  ['a 95 @5', [], ['set 0 ring:"a" 95', 'timers 95 ring:"a" true']],
  ['W50', []],
  ['a - @50', ['out: a [95,50] @50']],
  ['W96', ['out: a ["a","not set",96] @95 W-Infinity'], ['set 0 ring:"a" 105', 'timers 105 ring:"a" true']],
  ['W200', ['out: a ["a","not set",106] @105 W-Infinity'], []],
])

check('a timer sets others that are due, too', alarm, [
  ['a 80 @5', [], ['set 0 ring:"a" 80', 'timers 80 ring:"a" true']],
  [
    'b 85 @5',
    [],
    ['set 0 ring:"a" 80', 'set 0 ring:"b" 85', 'timers 80 ring:"a" true', 'timers 85 ring:"b" true'],
  ],
  [
    'W95',
    ['out: a ["a","not set",81] @80', 'out: b ["b","not set",86] @85', 'out: a ["a","not set",91] @90'],
    ['set 0 ring:"a" 100', 'set 0 ring:"b" 95', 'timers 95 ring:"b" true', 'timers 100 ring:"a" true'],
  ],
  ['a 0 @95', [], ['set 0 ring:"b" 95', 'timers 95 ring:"b" true']],
  ['b 0 @95', [], []],
])

check('timers of a key fire before a record whose watermark has passed them', alarm, [
  ['a 95 @5', [], ['set 0 ring:"a" 95', 'timers 95 ring:"a" true']],
  [
    'b 95 @5',
    [],
    ['set 0 ring:"a" 95', 'set 0 ring:"b" 95', 'timers 95 ring:"a" true', 'timers 95 ring:"b" true'],
  ],
  ['a - @97 W95', ['out: a [95,95] @97 W95']],
  ['a 0 @97 W96', ['out: a ["a","not set",96] @95'], ['set 0 ring:"b" 95', 'timers 95 ring:"b" true']],
  ['b 0 @97', [], []],
])

check('a time before 1970 counts as 1970: results have the time of their timer', alarm, [
  ['a -3 @5', [], ['set 0 ring:"a" 0', 'timers 0 ring:"a" true']],
  ['W1', ['out: a ["a","not set",1] @0'], ['set 0 ring:"a" 10', 'timers 10 ring:"a" true']],
])

check('a time that the watermark has passed counts as the watermark', alarm, [
  ['W50', []],
  ['a 20 @60', [], ['set 0 ring:"a" 50', 'timers 50 ring:"a" true']],
  [
    'a 20 @60 W55',
    ['out: a ["a","not set",51] @50 W-Infinity'],
    ['set 0 ring:"a" 55', 'timers 55 ring:"a" true'],
  ],
])
