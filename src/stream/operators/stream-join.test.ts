/** The joins of two streams, alone: which records meet, which go out alone and when, and what is kept. */
import { check } from './harness.test-support.ts'
import type { JoinBounds, JoinKind } from './join-bounds.ts'
import { streamJoin } from './stream-join.ts'

const join = (kind: JoinKind, bounds: Partial<JoinBounds> = {}) =>
  streamJoin<string | null, string | number, string | number, string>(
    kind,
    { beforeMs: 10, afterMs: 10, allowedLatenessMs: 0, ...bounds },
    (left, right, key, { timestamp }) => `${key} ${left}${right} ${timestamp}`,
  )

/** The page of a key, with records that came when the watermark was 0. */
const page = (
  side: 'left' | 'right',
  piece: number,
  key: string,
  ...records: [at: number, value: unknown][]
) => {
  const kept = records.map(([timestamp, value]) => ({ timestamp, watermark: 0, value }))
  return `${side} ${piece} ${key} ${JSON.stringify({ full: 0, records: kept })}`
}

const leftPage = page('left', 64, 'a', [100, 1], [100, 2])
const rightPage = page('right', 64, 'a', [90, 3])

check('inner: a record meets those of the other side within the time, bounds included', join('join'), [
  ['W0', []],
  ['a 1 @100', [], [page('left', 64, 'a', [100, 1])]],
  ['a 2 @100', [], [leftPage]],
  // Of the right side, ten before and ten after.
  ['1: a 3 @90', ['joined: a "a 13 100" @100', 'joined: a "a 23 100" @100'], [leftPage, rightPage]],
  ['1: b 9 @100', [], [leftPage, rightPage, page('right', 64, 'b', [100, 9])]],
  [
    '1: a 4 @110',
    ['joined: a "a 14 110" @110', 'joined: a "a 24 110" @110'],
    [leftPage, page('right', 64, 'a', [90, 3], [110, 4]), page('right', 64, 'b', [100, 9])],
  ],
  [
    '1: a 5 @89',
    [],
    [leftPage, page('right', 64, 'a', [90, 3], [110, 4], [89, 5]), page('right', 64, 'b', [100, 9])],
  ],
  [
    'a 6 @80',
    ['joined: a "a 65 89" @89', 'joined: a "a 63 90" @90'],
    [
      page('left', 64, 'a', [100, 1], [100, 2], [80, 6]),
      page('right', 64, 'a', [90, 3], [110, 4], [89, 5]),
      page('right', 64, 'b', [100, 9]),
    ],
  ],
  // The piece [64, 128) is over when no record can come that is within the time of its last.
  ['W137', []],
  ['W138', [], []],
])

const waits = (side: '<' | '>', time: number, key: string) => `unmatched ${time} ${side}"${key}" true`

check('left: a record without a match goes out once none can come any more', join('leftJoin'), [
  ['W0', []],
  ['a 1 @100', [], [page('left', 64, 'a', [100, 1]), waits('<', 110, 'a')]],
  ['a 2 @100', [], [leftPage, waits('<', 110, 'a')]],
  ['1: b 9 @100', [], [leftPage, page('right', 64, 'b', [100, 9]), waits('<', 110, 'a')]],
  ['W110', []],
  // A match may have the time of the watermark.
  [
    'W111',
    ['joined: a "a 1null 100" @100 W-Infinity', 'joined: a "a 2null 100" @100 W-Infinity'],
    [leftPage, page('right', 64, 'b', [100, 9])],
  ],
  ['W138', [], []],
])

check('left: a match in time cancels the wait of all records with one time', join('leftJoin'), [
  ['W0', []],
  ['a 1 @100', [], [page('left', 64, 'a', [100, 1]), waits('<', 110, 'a')]],
  ['a 2 @100', [], [leftPage, waits('<', 110, 'a')]],
  [
    '1: a 3 @110 W0',
    ['joined: a "a 13 110" @110', 'joined: a "a 23 110" @110'],
    [leftPage, page('right', 64, 'a', [110, 3])],
  ],
  ['W1000', [], []],
])

check('outer: either side goes out alone, in the order in which the waits end', join('outerJoin'), [
  ['W0', []],
  ['1: b 1 @101', [], [page('right', 64, 'b', [101, 1]), waits('>', 111, 'b')]],
  [
    'a 2 @100',
    [],
    [
      page('left', 64, 'a', [100, 2]),
      page('right', 64, 'b', [101, 1]),
      waits('<', 110, 'a'),
      waits('>', 111, 'b'),
    ],
  ],
  [
    'W112',
    ['joined: a "a 2null 100" @100 W-Infinity', 'joined: b "b null1 101" @101 W-Infinity'],
    [page('left', 64, 'a', [100, 2]), page('right', 64, 'b', [101, 1])],
  ],
  ['W138', [], []],
])

check('outer: a match cancels the wait of the right side', join('outerJoin'), [
  ['W0', []],
  ['1: a 1 @101', [], [page('right', 64, 'a', [101, 1]), waits('>', 111, 'a')]],
  [
    'a 2 @100',
    ['joined: a "a 21 101" @101'],
    [page('left', 64, 'a', [100, 2]), page('right', 64, 'a', [101, 1])],
  ],
  ['W1000', [], []],
])

check(
  'a pair has the lesser watermark of its two records, whichever comes first',
  join('join', { allowedLatenessMs: 100 }),
  [
    ['a 1 @5 W3', [], ['left 0 a {"full":0,"records":[{"timestamp":5,"watermark":3,"value":1}]}']],
    [
      '1: a 2 @5 W4',
      ['joined: a "a 12 5" @5 W3'],
      [
        'left 0 a {"full":0,"records":[{"timestamp":5,"watermark":3,"value":1}]}',
        'right 0 a {"full":0,"records":[{"timestamp":5,"watermark":4,"value":2}]}',
      ],
    ],
    [
      'a 3 @5 W6',
      ['joined: a "a 32 5" @5 W4'],
      [
        'left 0 a {"full":0,"records":[{"timestamp":5,"watermark":3,"value":1},{"timestamp":5,"watermark":6,"value":3}]}',
        'right 0 a {"full":0,"records":[{"timestamp":5,"watermark":4,"value":2}]}',
      ],
    ],
    ['W173', []],
    ['W174', [], []],
  ],
)

check(
  'a record is late by its own time, and goes to the side output of its side',
  join('leftJoin', { allowedLatenessMs: 5 }),
  [
    ['a 1 @100 W106', ['late-left: a 1 @100 W106']],
    ['1: a 1 @100 W106', ['late-right: a 1 @100 W106']],
    ['W0', []],
    ['a 1 @100', [], [page('left', 64, 'a', [100, 1]), waits('<', 115, 'a')]],
    // What is not late finds all that it can meet, and what it meets has not gone out alone.
    ['W115', []],
    [
      '1: a 2 @110 W115',
      ['joined: a "a 12 110" @110 W0'],
      [
        page('left', 64, 'a', [100, 1]),
        'right 64 a {"full":0,"records":[{"timestamp":110,"watermark":115,"value":2}]}',
      ],
    ],
    ['W143', [], []],
  ],
)

check(
  'the times before and after may differ, and one may be negative',
  // The right record comes 10 to 30 before the left one.
  join('outerJoin', { beforeMs: 30, afterMs: -10 }),
  [
    ['W0', []],
    ['1: a 1 @70', [], [page('right', 64, 'a', [70, 1]), waits('>', 100, 'a')]],
    [
      'a 2 @79',
      [],
      [
        page('left', 64, 'a', [79, 2]),
        page('right', 64, 'a', [70, 1]),
        waits('<', 69, 'a'),
        waits('>', 100, 'a'),
      ],
    ],
    // All that 79 could meet has come.
    [
      'W70',
      ['joined: a "a 2null 79" @79 W-Infinity'],
      [page('left', 64, 'a', [79, 2]), page('right', 64, 'a', [70, 1]), waits('>', 100, 'a')],
    ],
    [
      'a 3 @80 W0',
      ['joined: a "a 31 80" @80 W0'],
      [page('left', 64, 'a', [79, 2], [80, 3]), page('right', 64, 'a', [70, 1])],
    ],
    [
      'a 4 @101 W0',
      [],
      [
        page('left', 64, 'a', [79, 2], [80, 3], [101, 4]),
        page('right', 64, 'a', [70, 1]),
        waits('<', 91, 'a'),
      ],
    ],
    [
      '1: a 5 @91 W0',
      ['joined: a "a 45 101" @101 W0'],
      [page('left', 64, 'a', [79, 2], [80, 3], [101, 4]), page('right', 64, 'a', [70, 1], [91, 5])],
    ],
    ['W95', []],
    // What can have no match by now goes out at once, and is not kept.
    ['a 6 @104', ['joined: a "a 65 104" @104 W0']],
    ['b 7 @104', ['joined: b "b 7null 104" @104 W-Infinity']],
    ['W118', [], [page('right', 64, 'a', [70, 1], [91, 5])]],
    ['W158', [], []],
  ],
)

const keyless = [
  ['- 1 @5', '- "null 1null 5" @5', '- "null 1null 5" @5'],
  ['1: - 1 @5', undefined, '- "null null1 5" @5'],
] as const

for (const [n, kind] of (['join', 'leftJoin', 'outerJoin'] as const).entries())
  check(`${kind}: a record without a key goes out at once if its side is preserved`, join(kind), [
    ['W3', []],
    ...keyless.map(([step, ...found]) => {
      const alone = n === 0 ? undefined : found[n - 1]
      return [step, [alone === undefined ? 'dropped null-key' : `joined: ${alone}`]] as const
    }),
    ['a - @5', ['dropped null-value']],
    ['1: a - @5', ['dropped null-value']],
    ['1: - - @5', [n === 2 ? 'dropped null-value' : 'dropped null-key']],
  ])

check('a stream joined to itself: each record meets itself once', join('join'), [
  ['W0', []],
  ['a 1 @64', [], [page('left', 64, 'a', [64, 1])]],
  [
    '1: a 1 @64',
    ['joined: a "a 11 64" @64'],
    [page('left', 64, 'a', [64, 1]), page('right', 64, 'a', [64, 1])],
  ],
])
