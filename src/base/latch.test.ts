import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { Latch } from './latch.ts'

test('a latch calls its listeners once, but for those that were withdrawn', () => {
  const latch = new Latch()
  const called: string[] = []
  latch.whenOpen(() => called.push('first'))
  latch.whenOpen(() => called.push('withdrawn'))()
  // One that withdraws another, or adds one, while all are called.
  const withdraw = latch.whenOpen(() => latch.whenOpen(() => called.push('added')))
  equal(latch.isOpen, false)
  latch.open()
  withdraw()
  latch.open()
  deepEqual(called, ['first', 'added'])
  equal(latch.isOpen, true)
})

test('a latch that is open calls at once', () => {
  const latch = new Latch()
  latch.open()
  let calls = 0
  latch.whenOpen(() => (calls += 1))()
  equal(calls, 1)
})
