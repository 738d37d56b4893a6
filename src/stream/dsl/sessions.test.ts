/** Sessions: how they grow, merge and end, and which results are retracted. */
import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { z } from 'zod'
import { topic } from '../../schema/index.ts'
import { testApp } from '../../testing/test-app.ts'
import { App } from './app.ts'
import { session } from './windows.ts'
import { type Event, input, output, run } from './windows.test-support.ts'

test('a session fires when the watermark has passed its last instant, and takes records for the allowed lateness after it', () => {
  const of = (watermark: number, allowedLateness: number): readonly unknown[] => {
    const { results, late } = run(
      session(20, { allowedLateness }),
      'final',
      [
        [80, 1],
        [watermark + 10, 0, 'other'],
        [79, 2],
      ],
      false,
    )
    return [...results.map(([start, , value, pane]) => `${start} ${value} ${pane}`), ...late]
  }
  // Its last instant is a gap after its last record: a record at 100 still belongs to it.
  deepEqual(of(100, 0), [])
  deepEqual(of(101, 0), ['80 1 on-time', 79])
  deepEqual(of(150, 50), ['80 1 on-time', '80 null late', '79 3 late'])
  deepEqual(of(151, 50), ['80 1 on-time', 79])
})

test('sessions end a gap after their last record, and a gap of just that length is in one', () => {
  const { results } = run(session(20), 'final', [
    [5, 1],
    [24, 2],
    [44, 4],
    [65, 8],
  ])
  deepEqual(results, [
    [5, 64, 7, 'on-time'],
    [65, 85, 8, 'on-time'],
  ])
})

test('a record between two sessions makes them one, whatever the order', () => {
  const { results } = run(session(20), 'final', [
    [5, 1],
    [34, 4],
    [30, 8],
    [20, 2],
  ])
  deepEqual(results, [[5, 54, 15, 'on-time']])
})

test('a merge retracts the sessions that went out, then announces the new one', () => {
  const { results } = run(session(20, { allowedLateness: 1000 }), 'final', [
    [5, 1],
    [35, 4],
    [100, 32],
    [20, 2],
  ])
  deepEqual(results, [
    [5, 25, 1, 'on-time'],
    [35, 55, 4, 'on-time'],
    [5, 25, null, 'late'],
    [35, 55, null, 'late'],
    [5, 55, 7, 'late'],
    [100, 120, 32, 'on-time'],
  ])
})

test('under changes a merge retracts each old session, and sends the new one, whether or not they had fired', () => {
  const events: Event[] = [
    [5, 1],
    [30, 4],
    [20, 2],
  ]
  deepEqual(run(session(20), 'changes', events).results, [
    [5, 25, 1, 'early'],
    [30, 50, 4, 'early'],
    [5, 25, null, 'early'],
    [30, 50, null, 'early'],
    [5, 50, 7, 'early'],
  ])
  const fired: Event[] = [events[0]!, [45, 0, 'other'], events[1]!, events[2]!]
  deepEqual(
    run(session(20, { allowedLateness: 1000 }), 'changes', fired).results.filter(([, end]) => end !== 65),
    [
      [5, 25, 1, 'early'],
      [30, 50, 4, 'early'],
      [5, 25, null, 'late'],
      [30, 50, null, 'early'],
      [5, 50, 7, 'early'],
    ],
  )
})

test('early results of sessions that merge are retracted, and sessions never shown cause no result', () => {
  const { driver } = run(session(20), { early: 10 }, [[5, 1]], false)
  driver.advanceWallClock(10)
  for (const [timestamp, value] of [
    [30, 4],
    [20, 2],
  ] as const)
    driver.input(input).push({ key: 'k', value, timestamp })
  driver.advanceWallClock(10)
  driver.advanceTime(Number.POSITIVE_INFINITY)
  deepEqual(
    driver
      .output(output)
      .read()
      .map(({ key, value, pane }) => [key.start, key.end, value, pane]),
    [
      [5, 25, 1, 'early'],
      [5, 25, null, 'early'],
      [5, 50, 7, 'early'],
      [5, 50, 7, 'on-time'],
    ],
  )
})

test('a result retracted by a merge is null when grouped by another key: counted, and not aggregated', () => {
  const app = new App('a')
  const sessions = app.stream(input).groupByKey().windowedBy(session(20)).count().emit('changes')
  const perKey = topic('per-key', { key: z.string(), value: z.int() })
  sessions
    .toStream(({ key }) => key)
    .groupByKey()
    .count()
    .to(perKey)
  const driver = testApp(app)
  for (const timestamp of [5, 30, 20]) driver.input(input).push({ key: 'k', value: 1, timestamp })
  deepEqual(
    driver
      .output(perKey)
      .read()
      .map(({ value }) => value),
    [1, 2, 3],
  )
  equal(driver.metrics.dropped['null-value'], 2)
})

test('a late record that a live session takes survives; one that none takes is late', () => {
  // At 60 the watermark is 50: [5, 25) is over, [35, 55) is not.
  const { results, late } = run(session(20), 'final', [
    [5, 1],
    [35, 4],
    [60, 8],
    [21, 2],
    [0, 16],
  ])
  deepEqual(late, [0])
  deepEqual(
    results.map(([, , sum]) => sum),
    [1, 6, 8],
  )
})
