/** Two streams in windows, alone: how their values are collected, and which pairs a result gives. */
import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { storable } from '../../state/index.ts'
import { check, type Step } from './harness.test-support.ts'
import { alignedWindows } from './aligned-windows.ts'
import type { JoinKind } from './join-bounds.ts'
import { neverLate, noHeaders, StreamRecord } from './record.ts'
import { bySide, hasPairs, windowPairs } from './window-pairs.ts'

/** Both sides of a window: `12/3` has two values of the left stream, and one of the right. */
const sides = (text: string): string => {
  const [left, right] = text.split('/').map(side => Array.from(side, Number))
  return JSON.stringify({ left, right })
}

const window = (key: string, value: string, timestamp: number): string =>
  `windows 0 ${key} {"value":${value},"timestamp":${timestamp}}`

check(
  'the values of two inputs are collected by side, in the order in which they come',
  alignedWindows(
    'co-group',
    { kind: 'tumbling', sizeMs: 10, advanceMs: 10, offsetMs: 0, time: 'event', allowedLatenessMs: 5 },
    bySide<string, number, number>(),
    ['final'],
  ),
  [
    ['a 1 @2', [], [window('a', sides('1/'), 2)]],
    ['1: a 2 @1', [], [window('a', sides('1/2'), 2)]],
    ['a 3 @1', [], [window('a', sides('13/2'), 2)]],
    ['1: b 4 @3', [], [window('a', sides('13/2'), 2), window('b', sides('/4'), 3)]],
    ['W10', [`final: a[0,10) ${sides('13/2')} @9 on-time`, `final: b[0,10) ${sides('/4')} @9 on-time`]],
    [
      '1: a 5 @9',
      [`final: a[0,10) ${sides('13/25')}←${sides('13/2')} @9 late`],
      [window('a', sides('13/25'), 9), window('b', sides('/4'), 3)],
    ],
    ['W15', [], []],
  ],
  { outlets: ['final'] },
)

const lone = [window('a', sides('1/'), 2), window('b', sides('/2'), 2)]

for (const [kind, wanted] of [
  ['join', ['c']],
  ['leftJoin', ['a', 'c']],
  ['outerJoin', ['a', 'b', 'c']],
] as const)
  check(
    `${kind}: gets the windows that have something for it, and their corrections`,
    alignedWindows(
      'co-group',
      { kind: 'tumbling', sizeMs: 10, advanceMs: 10, offsetMs: 0, time: 'event', allowedLatenessMs: 5 },
      bySide<string, number, number>(),
      [{ finalIf: hasPairs[kind] }],
    ),
    [
      ['a 1 @2', [], [window('a', sides('1/'), 2)]],
      ['1: b 2 @2', [], lone],
      ['c 3 @2', [], [...lone, window('c', sides('3/'), 2)]],
      ['1: c 4 @2', [], [...lone, window('c', sides('3/4'), 2)]],
      [
        'W10',
        [
          `final: a[0,10) ${sides('1/')} @9 on-time`,
          `final: b[0,10) ${sides('/2')} @9 on-time`,
          `final: c[0,10) ${sides('3/4')} @9 on-time`,
        ].filter((_, n) => (wanted as readonly string[]).includes('abc'[n]!)),
      ],
      [
        'b 5 @3',
        [`final: b[0,10) ${sides('5/2')}←${sides('/2')} @9 late`],
        [lone[0]!, window('b', sides('5/2'), 3), window('c', sides('3/4'), 2)],
      ],
    ],
    { outlets: ['final'] },
  )

const many = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, n) => from + n)

for (const [input, side] of ['left', 'right'].entries()) {
  /** A window as JSON, with values on this side and on the other one. */
  const one = (values: readonly number[], others: readonly number[] = [], rest = {}): string =>
    JSON.stringify(
      side === 'left' ? { left: values, right: others, ...rest } : { left: others, right: values, ...rest },
    )
  /** Entries with the values below `end`: 32 on a page. */
  const entries = (end: number, others: readonly number[], timestamp: number): string[] => {
    const pages = Math.ceil(end / 32) - 1
    const full = { left: 0, right: 0, [side]: pages }
    return [
      window('a', one(many(pages * 32, end), others, pages > 0 ? { full } : {}), timestamp),
      ...many(0, pages).map(n => `pages 0 ${side}.${n + 1}:"a" ${JSON.stringify(many(n * 32, n * 32 + 32))}`),
    ]
  }
  check(
    `full pages of the ${side} side are entries by themselves, and corrections read the window as it was`,
    alignedWindows(
      'co-group',
      { kind: 'tumbling', sizeMs: 10, advanceMs: 10, offsetMs: 0, time: 'event', allowedLatenessMs: 5 },
      bySide<string, number, number>(),
      ['final', 'changes'],
    ),
    [
      ...many(0, 65).map((value): Step => {
        const before = value > 0 ? `←${one(many(0, value))}` : ''
        return [
          `${input}: a ${value} @1`,
          [`changes: a[0,10) ${one(many(0, value + 1))}${before} @1 early`],
          entries(value + 1, [], 1),
        ]
      }),
      ['W10', [`final: a[0,10) ${one(many(0, 65))} @9 on-time`]],
      [
        `${1 - input}: a 7 @2`,
        [
          `final: a[0,10) ${one(many(0, 65), [7])}←${one(many(0, 65))} @9 late`,
          `changes: a[0,10) ${one(many(0, 65), [7])}←${one(many(0, 65))} @2 late`,
        ],
        entries(65, [7], 2),
      ],
      ['W15', [], []],
    ],
    { outlets: ['final', 'changes'] },
  )
}

test('the values of two sessions are put together', () => {
  const { merge } = bySide<string, number, number>()
  deepEqual(merge({ left: [1], right: [] }, { left: [2], right: [3] }, 'a'), { left: [1, 2], right: [3] })
})

const pairs = (kind: JoinKind) =>
  windowPairs<string, number, number, string>(kind, (left, right) => `${left}${right}`)

for (const [kind, alone, added] of [
  ['join', [], []],
  ['leftJoin', ['1null', '2null'], []],
  ['outerJoin', ['1null', '2null'], ['null6']],
] as const) {
  const rows = (...found: readonly string[]): string[] => found.map(row => `a "${row}" @9`)
  check(`${kind}: the pairs of a window, and of a correction those that it adds`, pairs(kind), [
    [`a ${sides('12/345')} @9`, rows('13', '14', '15', '23', '24', '25')],
    [`a ${sides('12/34')}←${sides('12/3')} @9`, rows('14', '24')],
    [`a ${sides('12/3')}←${sides('1/3')} @9`, rows('23')],
    [`a ${sides('12/')} @9`, rows(...alone)],
    [`a ${sides('12/')}←${sides('1/')} @9`, rows(...alone.slice(1))],
    [`a ${sides('12/3')}←${sides('12/')} @9`, rows('13', '23')],
    [`a ${sides('/56')}←${sides('/5')} @9`, rows(...added)],
    [`a -←${sides('1/5')} @9`, []],
  ])
}

test('a joiner that changes bytes leaves the window as it was', () => {
  const bytes = storable(Uint8Array.of(1), 'a')
  const operator = windowPairs<string, Uint8Array, Uint8Array, number>('join', (left, right) => {
    right!.fill(2)
    return left!.fill(2).length
  })
  const { inputs } = operator.make(undefined as never, [() => {}])
  const key = { key: 'a', start: 0, end: 10 }
  const held = { left: [bytes], right: [bytes] }
  inputs[0](new StreamRecord(key, held, null, 9, neverLate, false, noHeaders, 'on-time', undefined))
  deepEqual(bytes, Uint8Array.of(1))
})
