import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { FrameMemory } from './frame-memory.ts'

const kibibyte = 1024

test('past the bound one borrower at a time borrows, in the order in which they came', async () => {
  const memory = new FrameMemory(8 * kibibyte, 0)
  const [a, b, c] = [{ name: 'a' }, { name: 'b' }, { name: 'c' }]
  equal(memory.room(a), undefined)
  const first = memory.lend(8 * kibibyte)
  ok(memory.isScarce)
  // The first that asks may pass the bound, again and again.
  equal(memory.room(a), undefined)
  equal(memory.room(a), undefined)
  const woken: string[] = []
  for (const borrower of [b, c]) void memory.room(borrower)!.then(() => woken.push(borrower.name))
  await setImmediate()
  deepEqual(woken, [])
  // Its frame is handled, but its memory may still be in use: the next one may pass.
  memory.done(a)
  await setImmediate()
  deepEqual(woken, ['b', 'c'])
  equal(memory.room(b), undefined)
  const waiting = memory.room(c)
  ok(waiting)
  memory.giveBack(first)
  await waiting
  equal(memory.room(c), undefined)
  equal(memory.lentBytes, 0)
})

test('a borrower that is gone does not wait, nor keep others waiting', async () => {
  const memory = new FrameMemory(4 * kibibyte, 0)
  const [a, b, c] = [{}, {}, {}]
  const held = memory.lend(4 * kibibyte)
  equal(memory.room(a), undefined)
  const gone = memory.room(b)
  const waiting = memory.room(c)
  memory.done(b)
  await gone
  memory.done(a)
  await waiting
  equal(memory.room(c), undefined)
  memory.forget(held)
  equal(memory.lentBytes, 0)
})
