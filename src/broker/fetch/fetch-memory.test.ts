import { equal } from 'node:assert/strict'
import { test } from 'node:test'
import { FetchMemory } from './fetch-memory.ts'

const bytes = 8 * 1024

test('memory is scarce past its bound, and exhausted at twice as much; who waits is told once', () => {
  const memory = new FetchMemory(bytes, 0)
  const first = memory.lend(bytes)
  equal(memory.isScarce, true)
  equal(memory.isExhausted, false)
  const second = memory.lend(bytes)
  const third = memory.lend(bytes)
  equal(memory.isExhausted, true)
  let told = 0
  let withdrawn = 0
  memory.whenBack(() => (told += 1))
  memory.whenBack(() => (withdrawn += 1))()
  memory.giveBack(first)
  equal(told, 0)
  memory.forget(second)
  equal(told, 1)
  memory.giveBack(third)
  equal(told, 1)
  equal(withdrawn, 0)
  equal(memory.lentBytes, 0)
})
