import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Live, LiveValues } from './live-values.ts'

test('objects of a burst of changes are let go, and their numbers are used again', () => {
  const cleanMax = 10
  const values = new LiveValues<number>(cleanMax)
  for (let burst = 0; burst < 3; burst += 1) {
    const live = Array.from({ length: 1000 }, (_, n) => values.add(1 + n, 0, `${n}`, n))
    for (const each of live) {
      assert.equal(values.get(each.number), each)
      assert.ok(each.number <= 1000 + cleanMax)
    }
    assert.ok(values.count >= 1000)
    // All become clean, and every second one has been deleted before.
    for (const [n, each] of live.entries()) {
      values.queue(each)
      if (n % 2 === 0) values.release(each)
      for (let oldest; (oldest = values.excess());) values.release(oldest)
    }
    assert.ok(values.count <= 3 * cleanMax, `${values.count} objects`)
  }
})

test('an object that was let go is found by no key', () => {
  const values = new LiveValues<number>(1)
  const live: Live<number>[] = []
  for (let n = 0; n < 10; n += 1) {
    values.add(1 + n, 0, `${n}`, n)
    live.push(values.again(1 + n))
  }
  for (const each of live) values.release(each)
  for (let n = 0; n < 10; n += 1) assert.equal(values.find(0, `${n}`), undefined)
})
