import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LentMemory, poisonLentMemory } from './lent-memory.ts'

const kib = 1024
const memory = (keptBytesMax = 64 * kib, lentBytesMax = 16 * kib): LentMemory =>
  new LentMemory({ keptBytesMax, lentBytesMax })

test('a buffer that was given back is lent again, for any size that it holds', () => {
  const pool = memory()
  const first = pool.lend(5 * kib)
  assert.equal(first.length, 8 * kib)
  assert.deepEqual([pool.lentBytes, pool.keptBytes], [8 * kib, 0])
  pool.giveBack(first)
  assert.deepEqual([pool.lentBytes, pool.keptBytes], [0, 8 * kib])
  assert.notEqual(pool.lend(4 * kib), first)
  assert.equal(pool.lend(8 * kib), first)
  assert.notEqual(pool.lend(8 * kib), first)
})

for (const [bytes, size] of [
  [0, 4 * kib],
  [4 * kib + 1, 8 * kib],
  [512 * kib, 512 * kib],
  [16 * kib * kib + 1, 16 * kib * kib + 1],
] as const)
  test(`${bytes} bytes are lent as ${size}`, () => assert.equal(memory().lend(bytes).length, size))

test('what is kept is bounded, and what is lent says when it is scarce', () => {
  const pool = memory(12 * kib)
  const lent = [pool.lend(8 * kib), pool.lend(4 * kib), pool.lend(4 * kib)]
  assert(pool.isScarce)
  for (const buffer of lent.toReversed()) pool.giveBack(buffer)
  assert.deepEqual([pool.lentBytes, pool.keptBytes, pool.isScarce], [0, 12 * kib, false])
})

test('buffers of sizes that nobody asks for any more make room for those that come back', () => {
  const pool = memory(64 * kib)
  const small = Array.from({ length: 16 }, () => pool.lend(4 * kib))
  for (const buffer of small) pool.giveBack(buffer)
  assert.equal(pool.keptBytes, 64 * kib)
  // A larger one takes the place of eight of them, and is lent again from then on.
  const large = pool.lend(32 * kib)
  pool.giveBack(large)
  assert.equal(pool.keptBytes, 64 * kib)
  assert(pool.lend(32 * kib) === large)
  pool.giveBack(large)
  // The size that came back longest ago goes first, and never the one that comes back.
  pool.giveBack(pool.lend(4 * kib))
  const middle = pool.lend(16 * kib)
  pool.giveBack(middle)
  assert(pool.lend(16 * kib) === middle)
  assert(pool.lend(32 * kib) !== large)
  // What does not fit at all takes nothing away.
  const { keptBytes } = pool
  pool.giveBack(pool.lend(128 * kib))
  assert.equal(pool.keptBytes, keptBytes)
})

test('a buffer comes back once', () => {
  const pool = memory()
  const buffer = pool.lend(1)
  const other = pool.lend(1)
  pool.giveBack(buffer)
  assert.throws(() => pool.giveBack(buffer), /given back once/)
  assert.throws(() => pool.giveBack(other.subarray(1)), /as it was lent/)
  pool.forget(other)
  assert.deepEqual([pool.lentBytes, pool.keptBytes], [0, 4 * kib])
})

test('in tests the content of a buffer is overwritten when it is given back', () => {
  poisonLentMemory()
  const pool = memory()
  const buffer = pool.lend(16)
  buffer.write('stale')
  pool.giveBack(buffer)
  assert.notEqual(buffer.toString('latin1', 0, 5), 'stale')
})
