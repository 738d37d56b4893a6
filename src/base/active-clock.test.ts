import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ActiveClock, lateStepsMax } from './active-clock.ts'
import type { Timer } from './clock.ts'

/** A machine whose event loop can stall: timers due meanwhile come all at once, late. */
function machine() {
  let nowMs = 0
  const timers = new Set<{ atMs: number; callback: () => void }>()
  const fire = (): void => {
    for (const timer of [...timers].sort((a, b) => a.atMs - b.atMs))
      if (timer.atMs <= nowMs && timers.delete(timer)) timer.callback()
  }
  return {
    pending: () => timers.size,
    monotonic: () => nowMs,
    schedule(delayMs: number, callback: () => void): Timer {
      const timer = { atMs: nowMs + delayMs, callback }
      timers.add(timer)
      return { cancel: () => void timers.delete(timer) }
    },
    run(ms: number) {
      for (let n = 0; n < ms; n += 1) {
        nowMs += 1
        fire()
      }
    },
    stall(ms: number) {
      nowMs += ms
      fire()
    },
  }
}

test('a timer comes after its time when the loop turns, and not before', () => {
  for (const delayMs of [0, 1, 99, 100, 101, 1000, 60_000]) {
    const loop = machine()
    const clock = new ActiveClock(loop, 100)
    let at: number | undefined
    clock.schedule(delayMs, () => {
      at = loop.monotonic()
    })
    loop.run(delayMs + 1)
    assert.equal(at, Math.max(delayMs, 1))
    assert.equal(loop.pending(), 0)
  }
})

test('a stall counts as two steps, however long it is', () => {
  for (const stallMs of [201, 5000, 90_000, 86_400_000]) {
    const loop = machine()
    const clock = new ActiveClock(loop, 100)
    let fired = false
    clock.schedule(1000, () => {
      fired = true
    })
    loop.run(500)
    loop.stall(stallMs)
    assert.equal(clock.monotonic(), 500 + lateStepsMax * 100)
    loop.run(299)
    assert.equal(fired, false)
    loop.run(1)
    assert.equal(fired, true)
  }
})

test('time never goes backwards, and runs while the clock is held', () => {
  const loop = machine()
  const clock = new ActiveClock(loop, 100)
  const held = clock.hold()
  let last = clock.monotonic()
  for (const [kind, ms] of [
    ['run', 350],
    ['stall', 70],
    ['run', 5],
    ['stall', 900],
    ['run', 1],
    ['run', 400],
  ] as const) {
    loop[kind](ms)
    assert(clock.monotonic() >= last)
    last = clock.monotonic()
  }
  // The 5 ms and the stall of 900 lie between the same two ticks.
  assert.equal(last, 350 + 70 + 200 + 1 + 400)
  held.cancel()
  held.cancel()
  loop.run(1000)
  assert.equal(loop.pending(), 0, 'does not tick while no caller waits for it')
  const stopped = clock.monotonic()
  loop.run(1000)
  assert.equal(clock.monotonic(), stopped)
})

test('calls timers in their order, and a timer may cancel or set another', () => {
  const loop = machine()
  const clock = new ActiveClock(loop, 100)
  const seen: string[] = []
  const third = clock.schedule(30, () => seen.push('third'))
  clock.schedule(20, () => {
    seen.push('second')
    third.cancel()
    clock.schedule(5, () => seen.push('set later'))
  })
  clock.schedule(10, () => seen.push('first'))
  loop.stall(150)
  loop.run(10)
  assert.deepEqual(seen, ['first', 'second', 'set later'])
})
