import { deepEqual, equal, rejects } from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { systemClock } from './clock.ts'

const day = 86_400_000

/** Timers as Node's: a delay past 2^31 - 1 is a millisecond. */
function mockTimers({ mock }: TestContext): (days: number) => Promise<void> {
  mock.timers.enable({ apis: ['setTimeout'] })
  const set = globalThis.setTimeout
  mock.method(globalThis, 'setTimeout', ((callback: () => void, ms: number) =>
    set(callback, ms > 2 ** 31 - 1 ? 1 : ms)) as typeof setTimeout)
  return async days => {
    for (let n = 0; n < days; n += 1) mock.timers.tick(day)
    await new Promise(resolve => setImmediate(resolve))
  }
}

test('a timer comes after any delay, also one that Node has no timer for', async t => {
  const pass = mockTimers(t)
  const came: string[] = []
  systemClock.schedule(60 * day, () => came.push('scheduled'))
  void systemClock.sleep(62 * day).then(() => came.push('slept'))
  systemClock.schedule(Number.POSITIVE_INFINITY, () => came.push('never'))
  const cancelled = systemClock.schedule(60 * day, () => came.push('cancelled'))
  await pass(59)
  deepEqual(came, [])
  cancelled.cancel()
  await pass(2)
  deepEqual(came, ['scheduled'])
  await pass(100)
  deepEqual(came, ['scheduled', 'slept'])
})

test('a timer that is due already comes at once, without a warning', async () => {
  const warnings: Error[] = []
  const warned = (warning: Error): void => void warnings.push(warning)
  process.on('warning', warned)
  await new Promise<void>(resolve => systemClock.schedule(-0.5, resolve))
  await systemClock.sleep(-3)
  await new Promise(resolve => setImmediate(resolve))
  process.off('warning', warned)
  deepEqual(warnings, [])
})

test('a long sleep ends with its signal', async t => {
  const pass = mockTimers(t)
  const over = new AbortController()
  const sleeping = systemClock.sleep(Number.POSITIVE_INFINITY, over.signal)
  let isOver = false
  const ended = rejects(sleeping, /enough/).then(() => (isOver = true))
  await pass(100)
  equal(isOver, false)
  over.abort(new Error('enough'))
  await ended
})
