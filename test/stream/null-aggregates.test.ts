/**
 * Aggregates that become null at random. The final results are those of a naive model, whenever windows
 * fired, merged and were retracted.
 */
import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import type { Random } from '../../src/base/index.ts'
import { json, text, topic, windowed } from '../../src/schema/index.ts'
import { App, type EmitPolicy, session, tumbling } from '../../src/stream/index.ts'
import { testApp } from '../../src/testing/index.ts'
import { forSeeds } from '../for-seeds.ts'

const input = topic('input', { key: text(), value: json<number>(), watermark: { outOfOrderness: 30 } })
const output = topic('output', { key: windowed(text()), value: json<number>() })
const policies: readonly EmitPolicy[] = [
  'final',
  'changes',
  { early: 10 },
  { early: 10, time: 'event' },
  { everyRecords: 2 },
]
/** No record is too late: the model includes all of them. */
const allowedLateness = '1d'

/** A value of 0 deletes the aggregate. */
const add = (sum: number | null, value: number): number | null => (value === 0 ? null : (sum ?? 0) + value)

interface Window {
  readonly key: string
  readonly start: number
  /** The timestamp of the last record. */
  readonly last: number
  readonly sum: number
}

/** Adds a record to the windows that it touches, which become one window. */
function take(windows: readonly Window[], record: Omit<Window, 'sum'>, value: number, gap: number): Window[] {
  const touched = windows.filter(
    each => each.key === record.key && each.last + gap >= record.start && each.start <= record.last + gap,
  )
  const sum = add(touched.length > 0 ? touched.reduce((all, each) => all + each.sum, 0) : null, value)
  const others = windows.filter(each => !touched.includes(each))
  if (sum === null) return others
  const start = Math.min(record.start, ...touched.map(each => each.start))
  const last = Math.max(record.last, ...touched.map(each => each.last))
  return [...others, { key: record.key, start, last, sum }]
}

function oneCase(random: Random): void {
  const length = 1 + random.int(30)
  const isSession = random.int(2) === 0
  const app = new App('sums')
  const grouped = app.stream(input).groupByKey()
  const sums = isSession
    ? grouped
        .windowedBy(session(length, { allowedLateness }))
        .aggregate<number | null>(null, add, (a, b) => (a ?? 0) + (b ?? 0))
    : grouped.windowedBy(tumbling(length, { allowedLateness })).aggregate<number | null>(null, add)
  sums.emit(policies[random.int(policies.length)]!).to(output)
  const run = testApp(app)

  let windows: Window[] = []
  for (let n = 0; n < 30; n += 1) {
    const key = 'ab'[random.int(2)]!
    const value = random.int(4)
    const timestamp = Math.max(0, n * 6 + random.int(80) - 40)
    run.input(input).push({ key, value, timestamp })
    if (random.int(5) === 0) run.advanceWallClock(10)
    const start = isSession ? timestamp : timestamp - (timestamp % length)
    windows = take(
      windows,
      { key, start, last: isSession ? timestamp : start },
      value,
      isSession ? length : 0,
    )
  }
  run.advanceTime(Infinity)

  const found = new Map<string, number>()
  for (const { key, value } of run.output(output).read()) {
    const row = `${key.key} ${key.start} ${key.end}`
    if (value === null) found.delete(row)
    else found.set(row, value)
  }
  const expected = windows.map(
    ({ key, start, last, sum }) => [`${key} ${start} ${last + length}`, sum] as const,
  )
  deepEqual(found, new Map(expected))
}

test('windows and sessions whose aggregates become null continue as in a naive model', () =>
  forSeeds(4000, oneCase))
