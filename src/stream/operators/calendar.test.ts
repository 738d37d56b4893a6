/** Days of a time zone: compared with Intl, instant by instant, around the changes of clocks. */
import { deepEqual, equal, ok, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { isMillraceError } from '../../base/index.ts'
import { Calendar, checkTimeZone } from './calendar.ts'
import { run } from '../dsl/windows.test-support.ts'
import { hopping, tumbling } from '../dsl/windows.ts'

const hour = 3_600_000
const day = 24 * hour

/** The local date and time at an instant, as text that sorts. */
function localAt(timeZone: string, instant: number): string {
  const parts = new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'medium' })
  return parts.format(instant)
}

/** How many hours the day has, and when it starts in local time. */
for (const [timeZone, date, hours, start] of [
  ['Europe/Berlin', '2026-03-29', 23, '00:00:00'],
  ['Europe/Berlin', '2026-10-25', 25, '00:00:00'],
  ['Europe/Berlin', '2026-07-01', 24, '00:00:00'],
  ['America/New_York', '2026-03-08', 23, '00:00:00'],
  ['America/New_York', '2026-11-01', 25, '00:00:00'],
  // The clocks skip midnight.
  ['America/Sao_Paulo', '2018-11-04', 23, '01:00:00'],
  ['Africa/Cairo', '2024-04-26', 23, '01:00:00'],
  // They turn back at midnight, to the evening before.
  ['America/Sao_Paulo', '2018-02-17', 25, '00:00:00'],
  ['Africa/Cairo', '2023-10-26', 25, '00:00:00'],
  // Midnight comes twice.
  ['America/Havana', '2026-11-01', 25, '00:00:00'],
  // They turned back a minute after midnight, to 23:01 the day before.
  ['America/St_Johns', '2005-10-30', 24 + 59 / 60 + 1 / 60, '00:00:00'],
  ['Australia/Lord_Howe', '2026-10-04', 23.5, '00:00:00'],
  ['Asia/Kathmandu', '2026-05-01', 24, '00:00:00'],
  ['Pacific/Kiritimati', '2026-05-01', 24, '00:00:00'],
  ['UTC', '1970-01-01', 24, '00:00:00'],
] as const)
  test(`${timeZone}, ${date}: ${hours} hours from ${start}`, () => {
    const calendar = new Calendar(timeZone, day, 0)
    const index = Date.parse(`${date}T00:00:00Z`) / day
    const from = calendar.start(index)
    equal(localAt(timeZone, from), `${date} ${start}`)
    ok(localAt(timeZone, from - 1) < `${date} ${start}`)
    equal((calendar.start(index + 1) - from) / hour, hours)
    for (const instant of [from, from + 1, from + 12 * hour, calendar.start(index + 1) - 1])
      equal(new Calendar(timeZone, day, 0).indexOf(instant), index)
  })

for (const timeZone of [
  'Europe/Berlin',
  'America/Sao_Paulo',
  'Africa/Cairo',
  'America/St_Johns',
  'Pacific/Apia',
  'Africa/Monrovia',
  'America/Havana',
])
  test(`days of ${timeZone} have no gaps, and each instant is in one`, () => {
    const calendar = new Calendar(timeZone, day, 0)
    for (const from of ['1970-01-01', '1987-04-01', '2005-04-01', '2011-12-20', '2018-02-01', '2023-10-01']) {
      const begin = Date.parse(from)
      for (let instant = begin; instant < begin + 60 * day; instant += 7 * hour + 60_001) {
        const index = calendar.indexOf(instant)
        ok(calendar.start(index) <= instant && instant < calendar.start(index + 1))
      }
    }
  })

test('a day that a zone has skipped is empty', () => {
  const calendar = new Calendar('Pacific/Apia', day, 0)
  const skipped = Date.parse('2011-12-30') / day
  equal(calendar.start(skipped), calendar.start(skipped + 1))
  equal(calendar.start(skipped), Date.parse('2011-12-30T10:00:00Z'))
})

test('the first and the last possible time are in days', () => {
  for (const timeZone of ['Pacific/Kiritimati', 'America/New_York', 'UTC'])
    for (const instant of [0, 8_640_000_000_000_000]) {
      const calendar = new Calendar(timeZone, day, 0)
      const index = calendar.indexOf(instant)
      ok(calendar.start(index) <= instant && instant < calendar.start(index + 1))
    }
})

test('windows are days of the zone, in any order of records, and fire at their midnight', () => {
  const at = (text: string): number => Date.parse(text)
  const { results, late } = run(
    tumbling('1d', { timeZone: 'Europe/Berlin', allowedLateness: '1h' }),
    'final',
    [
      // 2026-03-29 begins at 23:00 UTC, and ends at 22:00 UTC.
      [at('2026-03-28T22:59:59.999Z'), 1],
      [at('2026-03-28T23:00:00Z'), 2],
      [at('2026-03-29T21:59:59.999Z'), 4],
      [at('2026-03-29T22:00:00Z'), 8],
      // The watermark is 10 ms below the largest timestamp: within the lateness of the day before, and past
      // that of the one before it.
      [at('2026-03-29T22:30:00Z'), 16],
      [at('2026-03-29T01:00:00Z'), 32],
      [at('2026-03-28T01:00:00Z'), 64],
    ],
  )
  deepEqual(
    results.map(([start, end, sum, pane]) => [
      new Date(start).toISOString(),
      (end - start) / hour,
      sum,
      pane,
    ]),
    [
      ['2026-03-27T23:00:00.000Z', 24, 1, 'on-time'],
      ['2026-03-28T23:00:00.000Z', 23, 6, 'on-time'],
      ['2026-03-28T23:00:00.000Z', 23, 38, 'late'],
      ['2026-03-29T22:00:00.000Z', 24, 24, 'on-time'],
    ],
  )
  deepEqual(late, [at('2026-03-28T01:00:00Z')])
})

test('weeks from Monday, and business days from six in the morning', () => {
  const monday = run(tumbling('7d', { timeZone: 'America/New_York', offset: '4d' }), 'final', [
    [Date.parse('2026-03-09T04:00:00Z'), 1],
  ])
  deepEqual(
    monday.results.map(([start, end]) => [new Date(start).toISOString(), new Date(end).toISOString()]),
    [['2026-03-09T04:00:00.000Z', '2026-03-16T04:00:00.000Z']],
  )
  const business = run(tumbling('1d', { timeZone: 'Europe/Berlin', offset: '-18h' }), 'final', [
    [Date.parse('2026-07-01T03:59:00Z'), 1],
  ])
  deepEqual(
    business.results.map(([start, end]) => [new Date(start).toISOString(), new Date(end).toISOString()]),
    [['2026-06-30T04:00:00.000Z', '2026-07-01T04:00:00.000Z']],
  )
})

test('a negative offset moves windows back, as the positive offset with the same starts does', () => {
  deepEqual(tumbling('1d', { offset: '-8h' }), tumbling('1d', { offset: '16h' }))
  deepEqual(tumbling(100, { offset: -130 }).offsetMs, 70)
  deepEqual(tumbling(100, { offset: -100 }).offsetMs, 0)
  deepEqual(hopping('1h', '15m', { offset: '-20m' }).offsetMs, 10 * 60_000)
})

for (const [name, code, words, declare] of [
  [
    'an unknown zone',
    'INVALID_ARGUMENT',
    /'Europe\/Atlantis'.*IANA/,
    () => tumbling('1d', { timeZone: 'Europe/Atlantis' }),
  ],
  [
    'a zone for windows of hours',
    'INVALID_ARGUMENT',
    /6h.*whole days.*offset/,
    () => tumbling('6h', { timeZone: 'Europe/Berlin' }),
  ],
  ['text for options', 'INVALID_ARGUMENT', /tumbling window.*'30m'/, () => tumbling('1h', '30m' as never)],
  [
    'an unknown option',
    'INVALID_ARGUMENT',
    /Unknown option 'lateness' of the tumbling window.*allowedLateness/,
    () => tumbling('1h', { lateness: '1h' } as never),
  ],
  [
    'a zone for hopping windows',
    'INVALID_ARGUMENT',
    /'timeZone' of the hopping window/,
    () => hopping('2d', '1d', { timeZone: 'UTC' } as never),
  ],
  ['an offset that is none', 'INVALID_DURATION', /'x'/, () => tumbling('1d', { offset: '-x' as never })],
] as const)
  test(`refuses ${name}`, () => {
    throws(declare, error => isMillraceError(error, code) && words.test(error.message))
  })

test('a zone that the runtime knows passes, also without a slash', () => {
  for (const zone of ['Europe/Berlin', 'UTC', 'Asia/Kolkata']) checkTimeZone(zone)
})
