import assert from 'node:assert/strict'
import { test } from 'node:test'
import { InCall, InCallPause } from './in-call.ts'

test('calls are made at once while they are quick, and for a while after slow ones they are not', () => {
  let now = 1000
  const calls = new InCall(new InCallPause(() => now))
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
  const calls = new InCall(new InCallPause(() => now))
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

test('the pause holds for all files of a disk, and slow calls count for each file', () => {
  let now = 0
  const pause = new InCallPause(() => now)
  const call = (file: InCall, tookMs: number): void =>
    file.run(() => {
      now += tookMs
    })
  const [cold, hot, other] = [new InCall(pause), new InCall(pause), new InCall(pause)]
  call(cold, 10)
  call(hot, 1)
  assert.equal(other.allows(1), true)
  call(cold, 10)
  for (const file of [cold, hot, other]) assert.equal(file.allows(1), false)
  now += 500
  for (const file of [cold, hot, other]) assert.equal(file.allows(1), true)
  // One slow call says as little of the next file as before.
  call(other, 10)
  assert.equal(hot.allows(1), true)
})
