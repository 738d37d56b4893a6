/**
 * Windows whose bounds depend on the time alone: when they fire, and which records they take or call late.
 */
import { deepEqual, equal, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { isMillraceError } from '../../base/index.ts'
import { testApp } from '../../testing/test-app.ts'
import { App } from './app.ts'
import { cumulative, global, hopping, session, sliding, tumbling } from './windows.ts'
import { input, output, run } from './windows.test-support.ts'

test('a tumbling window is final when the watermark passes its end, whatever the order of its records', () => {
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
  deepEqual([driver.metrics.dropped.late, driver.metrics.sideOutput.late], [0, 1])
})

test('within the allowed lateness a late record corrects the result; past it, the record is dropped', () => {
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

test('a time before 1970, or later than a Date can hold, is invalid for a record', () => {
  for (const timestamp of [-1, 8_640_000_000_000_001, Number.MAX_SAFE_INTEGER])
    throws(
      () => run(tumbling(100), 'final', [[timestamp, 1]]),
      (error: unknown) => isMillraceError(error, 'MALFORMED_RECORD'),
    )
})

test('the first and the last possible time are in exact windows, also before 1970', () => {
  const last = 8_640_000_000_000_000
  const { results, late } = run(hopping(100, 50, { allowedLateness: 100_000_000_000_000 }), 'final', [
    [0, 1],
    [last, 2],
  ])
  deepEqual(results, [
    [-50, 50, 1, 'on-time'],
    [0, 100, 1, 'on-time'],
    [last - 50, last + 50, 2, 'on-time'],
    [last, last + 100, 2, 'on-time'],
  ])
  const sessions = run(session(100_000_000_000_000), 'final', [
    [0, 1],
    [last, 2],
  ])
  deepEqual(sessions.results, [
    [0, 100_000_000_000_000, 1, 'on-time'],
    [last, last + 100_000_000_000_000, 2, 'on-time'],
  ])
  deepEqual([...late, ...sessions.late], [])
})

test('a record at the end of a window is in the next one', () => {
  deepEqual(
    run(tumbling(100), 'final', [
      [99, 1],
      [100, 2],
    ]).results,
    [
      [0, 100, 1, 'on-time'],
      [100, 200, 2, 'on-time'],
    ],
  )
  deepEqual(
    run(tumbling(100, { offset: 130 }), 'final', [
      [29, 1],
      [30, 2],
      [130, 4],
    ]).results,
    [
      [-70, 30, 1, 'on-time'],
      [30, 130, 2, 'on-time'],
      [130, 230, 4, 'on-time'],
    ],
  )
})

/**
 * Pushes 1 into the window [0, 100), moves the watermark, and pushes 2. Returns the results and the late
 * records.
 */
function around(watermark: number, allowedLateness: number): readonly unknown[] {
  const { results, late } = run(
    tumbling(100, { allowedLateness }),
    'final',
    [
      [5, 1],
      // The watermark is 10 below the largest timestamp.
      [watermark + 10, 0, 'other'],
      [6, 2],
    ],
    false,
  )
  return [
    ...results.map(([, , value, pane]) => `${value} ${pane}`),
    ...late.map(timestamp => `late ${timestamp}`),
  ]
}

test('a window fires at the watermark of its end, takes records up to its allowed lateness, and none at it', () => {
  deepEqual(around(99, 0), [])
  deepEqual(around(100, 0), ['1 on-time', 'late 6'])
  deepEqual(around(99, 50), [])
  deepEqual(around(100, 50), ['1 on-time', '3 late'])
  deepEqual(around(149, 50), ['1 on-time', '3 late'])
  deepEqual(around(150, 50), ['1 on-time', 'late 6'])
})

test('no records give no results, and neither do windows without records', () => {
  for (const windows of [
    tumbling(100),
    hopping(100, 50),
    cumulative({ size: 100, step: 50 }),
    sliding(20),
    session(20),
    global(),
  ])
    for (const policy of ['final', 'changes', { early: 1 }] as const) {
      const { results, driver } = run(windows, policy, [])
      driver.advanceWallClock(10)
      deepEqual([...results, ...driver.output(output).read()], [])
    }
  deepEqual(
    run(tumbling(100), 'final', [
      [5, 1],
      [905, 2],
    ]).results.map(([start]) => start),
    [0, 900],
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

test('a global window takes no options', () => {
  throws(() => global(...([{ allowedLateness: 5 }] as never[])), {
    code: 'INVALID_ARGUMENT',
    message: /global\(\) takes no options/,
  })
})

test('windows over the results of a global window are refused: they may be of any time', () => {
  const totals = new App('a').stream(input).groupByKey().windowedBy(global()).count()
  for (const policy of ['final', 'changes', { everyRecords: 2 }] as const) {
    const regrouped = totals
      .emit(policy)
      .toStream(({ key }) => key)
      .groupByKey()
    throws(() => regrouped.windowedBy(tumbling('1h', { allowedLateness: '30d' })).count(), {
      code: 'LATENESS_SHRINKS',
    })
    regrouped.windowedBy(global()).count()
  }
})

test('windows by processing time go by the wall clock, whatever the times of their records', () => {
  const app = new App('a')
  const counts = app
    .stream(input)
    .groupByKey()
    .windowedBy(tumbling(100, { time: 'processing' }))
    .count()
  counts.emit('final').to(output)
  equal(app.describe().includes('count, tumbling 100ms, by processing time'), true)
  const driver = testApp(app)
  driver.advanceWallClock(30)
  for (const timestamp of [5000, 1, 9000]) driver.input(input).push({ key: 'k', value: 1, timestamp })
  driver.advanceWallClock(70)
  deepEqual(
    driver
      .output(output)
      .read()
      .map(({ key, value, timestamp, pane }) => [key.start, key.end, value, timestamp, pane]),
    [[0, 100, 3, 99, 'on-time']],
  )
  driver.input(input).push({ key: 'k', value: 1, timestamp: 2 })
  driver.advanceTime(Number.POSITIVE_INFINITY)
  deepEqual(
    driver
      .output(output)
      .read()
      .map(({ key, value }) => [key.start, value]),
    [[100, 1]],
  )
})

test('windows by event time over those by processing time are refused', () => {
  const windows = session(100, { time: 'processing' })
  const counts = new App('a').stream(input).groupByKey().windowedBy(windows).count()
  for (const policy of ['final', 'changes', { early: 10 }] as const) {
    const regrouped = counts
      .emit(policy)
      .toStream(({ key }) => key)
      .groupByKey()
    throws(() => regrouped.windowedBy(tumbling(100, { allowedLateness: '1d' })).count(), {
      code: 'LATENESS_SHRINKS',
    })
    regrouped.windowedBy(windows).count()
  }
})

/** Errors of programs without types. */
const slips: readonly (readonly [make: () => unknown, about: RegExp])[] = [
  [() => tumbling('1h', '30m' as never), /options of the tumbling window.*'30m'/],
  [() => tumbling('1h', { lateness: '1h' } as never), /'lateness' of the tumbling window/],
  [() => tumbling('1h', { allowedLatenes: '1h' } as never), /Did you mean 'allowedLateness'/],
  [() => tumbling('1d', { timezone: 'UTC' } as never), /Did you mean 'timeZone'/],
  [() => hopping('1h', '5m', { timeZone: 'UTC' } as never), /'timeZone' of the hopping window/],
  [() => sliding('1h', { offset: '1m' } as never), /'offset' of the sliding window/],
  [() => tumbling('1h', { time: 'wall' } as never), /'time' of the tumbling window.*'processing'/],
  [() => session('1h', { time: 'processing', allowedLateness: 1 }), /cannot allow lateness/],
  [() => sliding('1h', { time: 'processing' } as never), /'time' of the sliding window/],
  [() => cumulative({ size: '1h', step: '7m' }), /multiple of its step/],
  [() => cumulative({ size: '1d', step: 1 }), /at most 10000/],
  [() => session('1h', { offset: '1m' } as never), /'offset' of the session window/],
]
for (const [make, about] of slips)
  test(`an option that a window does not have is refused: ${about.source}`, () => {
    throws(make, { name: 'MillraceError', code: 'INVALID_ARGUMENT', message: about })
  })
