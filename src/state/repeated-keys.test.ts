import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Live } from './live-values.ts'
import { RepeatedKeys } from './repeated-keys.ts'

function liveOf(namespace: number, key: string, number: number): Live<number> {
  const live = new Live<number>(number)
  live.namespace = namespace
  live.key = key
  return live
}

test('finds the key that was added, or nothing: never another one', () => {
  const keys = new RepeatedKeys<number>()
  const all: Live<number>[] = []
  // Far more than there are slots; long keys differ in one char only.
  for (const namespace of [0, 1, -7, 1_780_000_000_000])
    for (let n = 0; n < 8000; n += 1)
      for (const key of [`${n}`, 'x'.repeat(n % 100) + String.fromCharCode(n & 0xff)])
        all.push(liveOf(namespace, key, all.length))
  for (const live of all) {
    keys.add(live)
    assert.equal(keys.get(live.namespace, live.key!), live)
  }
  for (const { namespace, key } of all) {
    const found = keys.get(namespace, key!)
    if (found) assert.deepEqual([found.namespace, found.key], [namespace, key])
  }
})

test('keeps most keys that fill half of the slots', () => {
  const keys = new RepeatedKeys<number>()
  const all = Array.from({ length: 4096 }, (_, n) => liveOf(n % 8, `${1000 + n}`, n))
  // What was lost while the table grew comes back.
  for (let round = 0; round < 2; round += 1) for (const live of all) keys.add(live)
  const kept = all.filter(live => keys.get(live.namespace, live.key!) === live)
  assert.ok(kept.length > 3000, `${kept.length} of ${all.length}`)
})

test('a key that is removed leaves the one that has taken its slot', () => {
  const keys = new RepeatedKeys<number>()
  const all = Array.from({ length: 100_000 }, (_, n) => liveOf(0, `${n}`, n))
  for (const live of all) keys.add(live)
  const kept = all.filter(live => keys.get(0, live.key!) === live)
  const lost = all.filter(live => keys.get(0, live.key!) !== live)
  assert.ok(lost.length > 0)
  for (const live of lost) keys.remove(live)
  for (const live of kept) assert.equal(keys.get(0, live.key!), live)
  for (const live of kept) keys.remove(live)
  for (const live of all) assert.equal(keys.get(0, live.key!), undefined)
})
