import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { KeyedState } from '../../state/index.ts'
import { restoredFrom } from '../../state/restore-entry.test-support.ts'
import type { Operator } from '../operators/operator.ts'
import { TaskTime } from './task-time.ts'

/**
 * An operator with timers: fires those that are due, `perTurn` of them before it lets the event loop turn.
 */
function timers(fired: number[], due: number[], perTurn: number): Operator {
  return {
    inputs: [],
    deadline: () => Math.min(...due),
    advance(watermark) {
      for (let n = 0; Math.min(...due) <= watermark; n += 1) {
        if (n === perTurn) return false
        fired.push(due.shift() as number)
      }
      return true
    },
  }
}

function timeWith(...operators: Operator[]): {
  readonly time: TaskTime
  readonly input: { watermark: number }
} {
  const time = new TaskTime(Number.NEGATIVE_INFINITY)
  const input = { watermark: Number.NEGATIVE_INFINITY }
  time.addInput(input)
  operators.forEach((operator, n) => time.addOperator(`timers-${n}`, operator))
  return { time, input }
}

test('the watermark is the least of the inputs, and does not go back', () => {
  const { time, input } = timeWith()
  const other = { watermark: 7 }
  time.addInput(other)
  const seen = [5, 9, 3].map(watermark => {
    input.watermark = watermark
    time.advance()
    return time.watermark
  })
  deepEqual(seen, [5, 7, 7])
})

test('the watermark waits for what an operator holds, and a commit keeps that it is behind', () => {
  const state = new KeyedState<unknown>('state')
  const { time, input } = timeWith()
  const hold = { watermark: 4, isActive: true, isFull: false }
  time.hold(hold)
  time.keepIn(state)
  input.watermark = 9
  deepEqual([time.advance(), time.watermark, time.isHeld], [true, 4, true])
  // A restart that began with the inputs would be ahead of what is held.
  equal(time.suspend(9), 4)
  state.committed(0)
  const again = timeWith()
  again.time.hold({ ...hold, watermark: Number.NEGATIVE_INFINITY })
  again.time.keepIn(restoredFrom(state))
  again.input.watermark = 9
  again.time.restored()
  deepEqual([again.time.advance(), again.time.watermark], [true, 4])
  hold.watermark = Number.POSITIVE_INFINITY
  deepEqual([time.isBehind, time.advance(), time.watermark, time.suspend(9)], [true, true, 9, 9])
})

test('due results fire before the watermark passes them', () => {
  const fired: number[] = []
  const { time, input } = timeWith(timers(fired, [3, 6], 10))
  for (const [watermark, expected, deadline] of [
    [2, [], 3],
    [4, [3], 6],
    [9, [3, 6], Number.POSITIVE_INFINITY],
  ] as const) {
    input.watermark = watermark
    deepEqual(
      [time.advance(), [...fired], time.watermark, time.deadline],
      [true, expected, watermark, deadline],
    )
  }
})

test('interrupted firing continues, and the watermark waits for it', () => {
  const fired: number[] = []
  const { time, input } = timeWith(timers(fired, [1, 2, 3], 2), timers(fired, [2.5], 1))
  input.watermark = 5
  deepEqual(
    [time.advance(), fired, time.watermark, time.isFiring],
    [false, [1, 2], Number.NEGATIVE_INFINITY, true],
  )
  deepEqual([time.advance(), fired, time.watermark, time.isFiring], [true, [1, 2, 3, 2.5], 5, false])
})

test('a restart continues firing from the place that a commit kept', () => {
  const kept = new KeyedState<unknown>('timers')
  const before = timeWith(timers([], [1], 5), timers([], [2, 3], 1))
  before.time.keepIn(kept)
  before.input.watermark = 5
  equal(before.time.advance(), false)
  equal(before.time.suspend(5), Number.NEGATIVE_INFINITY)
  kept.committed(1)

  const fired: number[] = []
  const after = timeWith(timers(fired, [9], 5), timers(fired, [3], 5))
  after.time.keepIn(restoredFrom(kept))
  after.input.watermark = 5
  after.time.restored()
  deepEqual([after.time.isFiring, after.time.watermark], [true, Number.NEGATIVE_INFINITY])
  deepEqual([after.time.advance(), fired, after.time.watermark], [true, [3], 5])
  equal(after.time.suspend(5), 5)
})

test('rings an alarm once, when it is due by processing time', () => {
  const { time } = timeWith()
  const calls: boolean[] = []
  const alarm = time.alarm(() => calls.push(time.firesNow))
  alarm.due = 100
  deepEqual([time.tick(50), time.tick(120), calls], [100, Number.POSITIVE_INFINITY, [true]])
  alarm.due = 220
  deepEqual([time.tick(130), time.tick(220), calls], [220, Number.POSITIVE_INFINITY, [true, true]])
  equal(time.firesNow, false)
})
