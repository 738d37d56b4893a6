/** When the results of windows come, and what each replaces: the policies of emit. */
import { deepEqual, equal, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { z } from 'zod'
import { topic, windowed } from '../../schema/index.ts'
import { testApp } from '../../testing/test-app.ts'
import { App } from './app.ts'
import { sliding, tumbling } from './windows.ts'
import { input, output, run } from './windows.test-support.ts'

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

test('several outlets of one window: each by its own policy, over one state', () => {
  const app = new App('a')
  const counts = app
    .stream(input)
    .groupByKey()
    .windowedBy(tumbling(100, { allowedLateness: 1000 }))
    .count()
  const topics = ['final', 'changes', 'early'].map(name =>
    topic(name, { key: windowed(z.string()), value: z.int() }),
  )
  counts.emit('final').to(topics[0]!)
  counts.emit('changes').to(topics[1]!)
  counts.emit({ early: 10 }).to(topics[2]!)
  const driver = testApp(app)
  const push = (timestamp: number): void => driver.input(input).push({ key: 'k', value: 1, timestamp })
  push(5)
  push(6)
  driver.advanceWallClock(10)
  driver.advanceTime(100)
  push(7)
  deepEqual(
    topics.map(each =>
      driver
        .output(each)
        .read()
        .map(({ value, timestamp, pane }) => `${value} @${timestamp} ${pane}`),
    ),
    [
      ['2 @99 on-time', '3 @99 late'],
      ['1 @5 early', '2 @6 early', '3 @7 late'],
      ['2 @99 early', '2 @99 on-time', '3 @99 late'],
    ],
  )
})

test('discarded panes hold what came since the one before, as a stream', () => {
  const app = new App('a')
  const counts = app.stream(input).groupByKey().windowedBy(tumbling(100)).count()
  counts.emit({ everyRecords: 2, panes: 'discarding' }).to(output)
  equal(app.describe().includes('count, tumbling 100ms, discarding'), true)
  const driver = testApp(app)
  for (const timestamp of [1, 2, 3, 300]) driver.input(input).push({ key: 'k', value: 1, timestamp })
  deepEqual(
    driver
      .output(output)
      .read()
      .map(({ value, pane }) => `${value} ${pane}`),
    ['2 early', '1 on-time'],
  )
})

test('windows that are emptied have no other emit', () => {
  const grouped = new App('a').stream(input).groupByKey()
  const discarding = { everyRecords: 2, panes: 'discarding' } as const
  const code = 'INVALID_TOPOLOGY'
  const emptied = grouped.windowedBy(tumbling(100)).count()
  emptied.emit(discarding)
  throws(() => emptied.emit('final'), { code })
  const kept = grouped.windowedBy(tumbling(100)).count()
  kept.emit('final')
  throws(() => kept.emit(discarding), { code })
  throws(() => grouped.windowedBy(sliding(100)).count().emit(discarding), { code: 'INVALID_ARGUMENT' })
})

test('a filter on final results retracts those that no longer match, and ignores those that never did', () => {
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
