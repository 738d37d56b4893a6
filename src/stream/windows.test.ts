import { deepEqual, equal, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { z } from 'zod'
import { isMillraceError } from '../base/index.ts'
import { topic, windowed } from '../schema/index.ts'
import { testApp } from '../testing/test-app.ts'
import { App } from './app.ts'
import type { EmitPolicy } from './operators/emission.ts'
import { hopping, session, tumbling, type AlignedWindows, type SessionWindows } from './windows.ts'

const input = topic('input', { key: z.string(), value: z.int(), watermark: { outOfOrderness: 10 } })
const output = topic('output', { key: windowed(z.string()), value: z.int() })
const lateOutput = topic('late', { key: z.string(), value: z.int() })

type Event = readonly [at: number, value: number, key?: string]

/** Sums values in windows; what came out as [start, end, sum, pane], and what was late. */
function run(
  windows: AlignedWindows | SessionWindows,
  policy: EmitPolicy,
  events: readonly Event[],
  end = true,
) {
  const app = new App('sums')
  const grouped = app.stream(input).groupByKey()
  const add = (sum: number, value: number): number => sum + value
  const sums =
    windows.kind === 'session'
      ? grouped.windowedBy(windows).aggregate(0, add, add)
      : grouped.windowedBy(windows).aggregate(0, add)
  sums.emit(policy).to(output)
  sums.late().to(lateOutput)
  const driver = testApp(app)
  for (const [timestamp, value, key = 'k'] of events) driver.input(input).push({ key, value, timestamp })
  if (end) driver.advanceTime(Number.POSITIVE_INFINITY)
  return {
    results: driver
      .output(output)
      .read()
      .map(({ key, value, pane }) => [key.start, key.end, value, pane]),
    late: driver
      .output(lateOutput)
      .read()
      .map(({ timestamp }) => timestamp),
    driver,
  }
}

test('a tumbling window is final when the watermark passes its end, with what came in any order', () => {
  const { results, late } = run(tumbling(100), 'final', [
    [5, 1],
    [99, 2],
    [95, 4],
    [109, 8],
    [50, 16],
    [110, 32],
    [210, 64],
  ])
  deepEqual(results, [
    [0, 100, 23, 'on-time'],
    [100, 200, 40, 'on-time'],
    [200, 300, 64, 'on-time'],
  ])
  deepEqual(late, [])
})

test('a final result has timestamp end - 1', () => {
  const app = new App('a')
  app.stream(input).groupByKey().windowedBy(tumbling(100)).count().emit('final').to(output)
  const driver = testApp(app)
  driver.input(input).push({ key: 'k', value: 1, timestamp: 7 })
  driver.advanceTime(100)
  deepEqual(driver.output(output).read(), [
    { key: { key: 'k', start: 0, end: 100 }, value: 1, timestamp: 99, pane: 'on-time' },
  ])
})

test('a record after its window closed is late: counted, and in the side output', () => {
  const { results, late, driver } = run(tumbling(100), 'final', [
    [5, 1],
    [110, 2],
    [99, 4],
  ])
  deepEqual(results, [
    [0, 100, 1, 'on-time'],
    [100, 200, 2, 'on-time'],
  ])
  deepEqual(late, [99])
  equal(driver.metrics.dropped.late, 1)
})

test('within the allowed lateness a late record corrects, past it is late', () => {
  const { results, late } = run(tumbling(100, { allowedLateness: 50 }), 'final', [
    [5, 1],
    [110, 2],
    [99, 4],
    [160, 8],
    [98, 16],
  ])
  deepEqual(results, [
    [0, 100, 1, 'on-time'],
    [0, 100, 5, 'late'],
    [100, 200, 10, 'on-time'],
  ])
  deepEqual(late, [98])
})

test('a late record that is the first of its window makes a correction', () => {
  const { results } = run(tumbling(100, { allowedLateness: 500 }), 'final', [
    [310, 1],
    [150, 2],
  ])
  deepEqual(results, [
    [100, 200, 2, 'late'],
    [300, 400, 1, 'on-time'],
  ])
})

test('changes come at once', () => {
  const { results } = run(tumbling(100), 'changes', [
    [5, 1],
    [6, 2],
  ])
  deepEqual(results, [
    [0, 100, 1, 'early'],
    [0, 100, 3, 'early'],
  ])
})

test('a hopping window holds a record in each window it is in, and drops it only if none takes it', () => {
  const { results, late } = run(hopping(100, 50), 'final', [
    [60, 1],
    [115, 2],
    [60, 4],
    [40, 8],
  ])
  deepEqual(results, [
    [0, 100, 1, 'on-time'],
    [50, 150, 7, 'on-time'],
    [100, 200, 2, 'on-time'],
  ])
  deepEqual(late, [40])
})

test('timestamps before 1970 make windows of their own to the left', () => {
  throws(
    () => run(tumbling(100), 'final', [[-1, 1]]),
    (error: unknown) => isMillraceError(error, 'MALFORMED_RECORD'),
  )
})

test('early results come by processing time while the window is open, then one on time', () => {
  const { driver } = run(tumbling(100), { early: 10 }, [[5, 1]], false)
  const read = () =>
    driver
      .output(output)
      .read()
      .map(({ value, pane }) => [value, pane])
  driver.advanceWallClock(10)
  deepEqual(read(), [[1, 'early']])
  driver.advanceWallClock(10)
  deepEqual(read(), [])
  driver.input(input).push({ key: 'k', value: 2, timestamp: 6 })
  driver.advanceWallClock(10)
  deepEqual(read(), [[3, 'early']])
  driver.advanceTime(100)
  deepEqual(read(), [[3, 'on-time']])
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

test('a window downstream must allow at least the lateness upstream', () => {
  const app = new App('a')
  const hourly = app
    .stream(input)
    .groupByKey()
    .windowedBy(tumbling(100, { allowedLateness: 50 }))
    .count()
    .emit('final')
  const regrouped = hourly.toStream(({ key }) => key).groupByKey()
  throws(
    () => regrouped.windowedBy(tumbling(1000)).count(),
    (error: unknown) => isMillraceError(error, 'LATENESS_SHRINKS'),
  )
  regrouped.windowedBy(tumbling(1000, { allowedLateness: 50 })).count()
})

test('two operators with one name', () => {
  const app = new App('a')
  const stream = app.stream(input)
  stream.filter(() => true, { name: 'same' })
  throws(
    () => stream.filter(() => true, { name: 'same' }),
    (error: unknown) => isMillraceError(error, 'DUPLICATE_OPERATOR'),
  )
})

test('a filter on final results takes back what no longer matches, and says nothing of what never did', () => {
  const app = new App('a')
  app
    .stream(input)
    .groupByKey()
    .windowedBy(tumbling(100, { allowedLateness: 1000 }))
    .aggregate(0, (sum, value) => sum + value)
    .emit('final')
    .filter(sum => sum % 2 === 0)
    .to(output)
  const driver = testApp(app)
  for (const [timestamp, value] of [
    [5, 2],
    [300, 1],
    [6, 1],
    [7, 2],
    [8, 1],
  ] as const)
    driver.input(input).push({ key: 'k', value, timestamp })
  deepEqual(
    driver
      .output(output)
      .read()
      .map(({ value, pane }) => [value, pane]),
    [
      [2, 'on-time'],
      [null, 'late'],
      [6, 'late'],
    ],
  )
})
