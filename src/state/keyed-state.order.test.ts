/** The order of keys, which a state has for scans. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { forSeeds } from '../../test/for-seeds.ts'
import { fromLatin1 } from '../base/index.ts'
import { KeyedState } from './keyed-state.ts'
import { encodeNamespace } from './namespace.ts'
import { restoreEntry } from './restore-entry.test-support.ts'
import { valueCodec } from './value-codec.ts'

const everything = [-Infinity, Infinity] as const

test('the first namespace is right while rows come and go, asked for early or late', () =>
  forSeeds(50, random => {
    for (const isScanned of [true, false]) {
      const state = new KeyedState<number>('s', { isScanned })
      const rows = new Set<number>()
      for (let step = 0; step < 60; step += 1) {
        const namespace = random.int(20) - 10
        for (const key of ['a', 'b']) {
          if (random.int(2) === 0) continue
          if (rows.has(namespace)) state.delete(namespace, key)
          else state.put(namespace, key, step)
        }
        if (random.int(4) === 0) state.committed(step)
        if (step < 30 && !isScanned) continue
        rows.clear()
        for (const each of state.scan(...everything)) rows.add(each.namespace)
        assert.equal(state.firstNamespace(), rows.size === 0 ? undefined : Math.min(...rows))
      }
    }
  }))

test('a timer that moves with each record stays in the order of a state that is scanned', () => {
  const cases = [
    { limits: {}, records: 33_000, asked: 16_384 },
    { limits: { freshMax: 1, goneMin: 0 }, records: 200, asked: 2 },
    { limits: { freshMax: 7, goneMin: 3 }, records: 1000, asked: 20 },
  ]
  for (const { limits, records, asked } of cases) {
    const state = new KeyedState<boolean>('timers', { isScanned: true, limits })
    state.put(0, 'k', true)
    assert.equal([...state.scan(...everything)].length, 1)
    // Each put may be the one that clears the runs of timers that are gone.
    for (let time = 1; time <= records; time += 1) {
      state.put(time, 'k', true)
      state.delete(time - 1, 'k')
      if (time % asked > 1) continue
      assert.equal(state.firstNamespace(), time)
      assert.deepEqual([...state.scan(...everything)], [{ namespace: time, key: 'k', value: true }])
    }
  }
})

test('a state that was scanned keeps the order of what is restored, while its runs are cleared', () => {
  const state = new KeyedState<number>('s', { isScanned: true, limits: { freshMax: 1, goneMin: 0 } })
  assert.deepEqual([...state.scan(...everything)], [])
  const value = valueCodec.encode(1)
  for (let n = 0; n < 100; n += 1) {
    restoreEntry(state, fromLatin1(encodeNamespace(n) + 'k'), value)
    if (n > 0) restoreEntry(state, fromLatin1(encodeNamespace(n - 1) + 'k'), undefined)
    assert.deepEqual([...state.scan(...everything)], [{ namespace: n, key: 'k', value: 1 }])
  }
})

test('many keys of one namespace are in order, whether they are new, stored, deleted or added again', () =>
  forSeeds(10, random => {
    const state = new KeyedState<number>('s', { isScanned: random.int(2) === 0 })
    const model = new Map<string, number>()
    // As texts: thousands of entries are compared many times.
    const seen = (): string => Array.from(state.scan(0, 1), ({ key, value }) => `${key}=${value}`).join()
    const expected = (): string =>
      Array.from([...model.keys()].sort(), key => `${key}=${model.get(key)}`).join()
    for (let commit = 1; commit <= 3; commit += 1) {
      // Few keys are stored before many new ones are put between them.
      for (const count of commit === 1 ? [300] : [4096, 1, 700, 5000]) {
        for (let n = 0; n < count; n += 1) {
          const key = String(random.int(60_000)).padStart(5, '0')
          state.put(0, key, n)
          model.set(key, n)
          if (n % 5 > 0) continue
          const gone = String(random.int(60_000)).padStart(5, '0')
          state.delete(0, gone)
          model.delete(gone)
        }
        assert.ok(seen() === expected())
        // From the middle on, as a firing that was interrupted.
        const { value: after } = state.scan(0, 1, '30000').next()
        assert.equal(
          after?.key,
          [...model.keys()].sort().find(key => key > '30000'),
        )
      }
      state.changes()
      // Keys that are put while a commit is in flight belong to the next one.
      for (const key of ['00000x', '30000x', '99999x']) {
        state.put(0, key, commit)
        model.set(key, commit)
      }
      state.committed(commit)
      assert.ok(seen() === expected())
    }
  }))
