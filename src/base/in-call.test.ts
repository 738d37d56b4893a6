import assert from 'node:assert/strict'
import { test } from 'node:test'
import { InCall } from './in-call.ts'

test('calls are made at once while they are quick, and for a while after slow ones they are not', () => {
  let now = 1000
  const calls = new InCall(() => now)
  const call = (tookMs: number): string =>
    calls.run(() => {
      now += tookMs
      return 'done'
    })
  assert.equal(calls.allows(1), true)
  assert.equal(call(2), 'done')
  assert.equal(calls.allows(1), true)
  assert.equal(call(10), 'done')
  assert.equal(calls.allows(1), true)
  call(1)
  call(30)
  assert.equal(calls.allows(1), true)
  call(10)
  assert.equal(calls.allows(1), false)
  now += 499
  assert.equal(calls.allows(1), false)
  now += 1
  assert.equal(calls.allows(1), true)
  // The first call afterwards decides.
  call(3)
  assert.equal(calls.allows(1), false)
  now += 150
  call(1)
  call(3)
  assert.equal(calls.allows(1), true)
})

test('a call that fails slowly counts, and large calls are never made at once', () => {
  let now = 0
  const calls = new InCall(() => now)
  assert.equal(calls.allows(1024 * 1024 + 1), false)
  for (let n = 0; n < 2; n += 1)
    assert.throws(() =>
      calls.run(() => {
        now += 5
        throw new Error('EIO')
      }),
    )
  assert.equal(calls.allows(1), false)
})
