import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { testApp } from '../src/testing/index.ts'
import { alerts, app, failures, limit, requests } from './hourly-counts.ts'

const at = (time: string): number => Date.parse(`2026-03-14T${time}Z`)

/** The app, after so many requests to a service, a second apart. */
function after(count: number, status: number, from = '12:00:00') {
  const run = testApp(app)
  for (let n = 0; n < count; n += 1)
    run.input(requests).push({ key: 'search', value: { status, at: at(from) + n * 1000 } })
  return run
}

test('an alert comes with the failure that reaches the limit, and only once', () => {
  const run = after(limit - 1, 503)
  deepEqual(run.output(alerts).read(), [])
  run.input(requests).push({ key: 'search', value: { status: 500, at: at('12:10:00') } })
  const [first, ...others] = run.output(alerts).read()
  deepEqual(
    [first?.key, first?.value, others.length],
    [
      { key: 'search', start: at('12:00'), end: at('13:00') },
      '100 requests to search have failed within an hour',
      0,
    ],
  )
  run.input(requests).push({ key: 'search', value: { status: 500, at: at('12:11:00') } })
  deepEqual(run.output(alerts).read(), [])
})

test('an hour is counted when it is over, and corrected by what is reported later', () => {
  const run = after(3, 502)
  equal(run.output(failures).read().length, 0)
  run.advanceTime(at('13:00'))
  deepEqual(
    run
      .output(failures)
      .read()
      .map(({ value, pane }) => [value, pane]),
    [[3, 'on-time']],
  )
  run.input(requests).push({ key: 'search', value: { status: 502, at: at('12:30:00') } })
  deepEqual(
    run
      .output(failures)
      .read()
      .map(({ value, pane }) => [value, pane]),
    [[4, 'late']],
  )
})

test('requests that succeed are not counted', () => {
  const run = after(limit * 2, 200)
  run.advanceTime(at('14:00'))
  deepEqual([...run.output(alerts).read(), ...run.output(failures).read()], [])
})
