import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { virtualClock } from './virtual-clock.ts'

test('wall time is whole milliseconds, as the machine tells it; intervals are exact', async () => {
  const clock = virtualClock(1000)
  await clock.advance(1.75)
  equal(clock.now(), 1001)
  equal(clock.monotonic(), 1.75)
})

test('timers run at their time, and in their order', async () => {
  const clock = virtualClock()
  const runs: [string, number][] = []
  for (const [name, ms] of [
    ['later', 20],
    ['first', 10],
    ['second', 10],
  ] as const)
    clock.schedule(ms, () => runs.push([name, clock.monotonic()]))
  await clock.advance(15)
  equal(clock.pending, 1)
  await clock.advance(15)
  deepEqual(runs, [
    ['first', 10],
    ['second', 10],
    ['later', 20],
  ])
})
