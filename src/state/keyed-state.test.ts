import assert from 'node:assert/strict'
import { test } from 'node:test'
import { forSeeds } from '../../test/for-seeds.ts'
import { isMillraceError } from '../base/index.ts'
import { KeyedState } from './keyed-state.ts'
import { memoryStore } from './memory-store.ts'
import type { StateStore } from './state-store.ts'

/** A store that counts its reads. */
function counting(): StateStore & { gets: number } {
  const store = memoryStore()
  const counted: StateStore & { gets: number } = Object.create(store)
  counted.gets = 0
  counted.get = key => (counted.gets++, store.get(key))
  return counted
}

const everything = [-Infinity, Infinity] as const

test('an entry that was created and deleted between two commits leaves no trace', () => {
  const state = new KeyedState<number>('s', memoryStore())
  state.put(0, 'a', 1)
  state.delete(0, 'a')
  state.delete(0, 'never there')
  state.put(1, 'b', 1)
  state.put(1, 'c', 1)
  for (const _ of state.deleteInTurns(...everything, () => 100));
  assert.deepEqual(state.changes(), [])
  assert.equal(state.firstNamespace(), undefined)
})

test('without changes no commit is needed; the next call returns later changes', () => {
  const state = new KeyedState<number>('s', memoryStore())
  assert.deepEqual(state.changes(), [])
  state.put(0, 'a', 1)
  assert.equal(state.changes().length, 1)
  state.committed(1)
  state.put(0, 'b', 1)
  state.delete(0, 'b')
  assert.deepEqual(state.changes(), [])
  state.put(0, 'b', 2)
  state.delete(0, 'a')
  assert.deepEqual(
    state.changes().map(([key, value]) => [key.slice(8), value === undefined]),
    [
      ['b', false],
      ['a', true],
    ],
  )
})

test('an empty commit leaves changes made meanwhile to the next one', () => {
  const store = memoryStore()
  const state = new KeyedState<number>('s', store)
  assert.deepEqual(state.changes(), [])
  state.put(0, 'a', 1)
  state.committed(1)
  assert.equal(store.size, 0)
  assert.equal(state.changes().length, 1)
})

test('deleting a stored entry writes one tombstone, whether or not it is cached', () => {
  for (const cleanEntries of [0, 100]) {
    const state = new KeyedState<number>('s', memoryStore(), { cleanEntries })
    for (const key of ['a', 'b', 'c']) state.put(7, key, 1)
    state.committed(3)
    state.delete(7, 'a')
    for (const _ of state.deleteInTurns(7, 8, () => 100));
    const tombstones = state.changes().filter(([, value]) => value === undefined)
    assert.deepEqual(new Set(tombstones.map(([key]) => key.slice(8))), new Set(['a', 'b', 'c']))
    assert.equal(state.changes().length, 3)
    state.committed(6)
    assert.deepEqual([...state.scan(...everything)], [])
  }
})

test('a hot entry is read from the store once, and so is a missing one', () => {
  const store = counting()
  const state = new KeyedState<number>('s', store)
  for (let i = 0; i < 5; i++) {
    assert.equal(state.get(0, 'none'), undefined)
    state.put(0, 'none but once', (state.get(0, 'none but once') ?? 0) + 1)
  }
  assert.equal(store.gets, 2)
})

test('the cache of clean entries is bounded, and dirty ones are never evicted', () => {
  const store = counting()
  const state = new KeyedState<number>('s', store, { cleanEntries: 10 })
  for (let i = 0; i < 100; i++) state.put(0, `${i}`, i)
  state.committed(100)
  for (let i = 90; i < 100; i++) assert.equal(state.get(0, `${i}`), i)
  assert.equal(store.gets, 0, 'the youngest are cached')
  for (let i = 0; i < 50; i++) assert.equal(state.get(0, `${i}`), i)
  assert.equal(store.gets, 50)
  for (let i = 0; i < 50; i++) state.put(0, `${i}`, -1)
  for (let i = 50; i < 100; i++) state.get(0, `${i}`)
  for (let i = 0; i < 50; i++) assert.equal(state.get(0, `${i}`), -1)
})

test('entries of the commit in flight are not evicted either', () => {
  const state = new KeyedState<number>('s', memoryStore(), { cleanEntries: 1 })
  state.put(0, 'a', 1)
  state.committed(1)
  state.put(0, 'a', 2)
  state.changes()
  for (let i = 0; i < 5; i++) state.get(0, `${i}`)
  assert.equal(state.get(0, 'a'), 2)
})

test('a scan goes through stored and fresh keys in order, in parts, while commits pass and entries change', () => {
  const state = new KeyedState<number>('s', memoryStore(), { cleanEntries: 300 })
  const key = (i: number): string => String(i).padStart(5, '0')
  for (let i = 0; i < 4000; i += 2) state.put(0, key(i), i)
  state.committed(1)
  for (let i = 1; i < 4000; i += 2) state.put(0, key(i), i)
  for (let i = 0; i < 4000; i += 10) state.delete(0, key(i))
  state.put(5, 'z', 0)
  const expected = Array.from({ length: 4000 }, (_, i) => i).filter(i => i % 10 !== 0)
  const seen: number[] = []
  let position = 1
  for (const { namespace, key: at, value } of state.scan(...everything)) {
    if (namespace === 5) continue
    seen.push(value)
    if (value % 3 === 0) state.delete(namespace, at)
    else if (value % 7 === 0) state.put(namespace, at, value + 10_000)
    if (value % 500 === 1) state.committed(++position)
  }
  assert.deepEqual(seen, expected)
  const left = expected.filter(i => i % 3 !== 0).map(i => (i % 7 === 0 ? i + 10_000 : i))
  assert.deepEqual(
    [...state.scan(0, 1)].map(({ value }) => value),
    left,
  )
})

test('dirty bytes grow with each put, and start again from 0 with a commit', () => {
  const state = new KeyedState<unknown>('s', memoryStore())
  assert.equal(state.dirtyBytes, 0)
  for (let i = 0; i < 100; i++) state.put(0, `${i}`, 'x'.repeat(1000))
  assert.ok(state.dirtyBytes > 100_000)
  const before = state.dirtyBytes
  state.put(0, '0', 'x')
  assert.equal(state.dirtyBytes, before - 999)
  state.changes()
  state.put(0, '1', 1)
  assert.ok(state.dirtyBytes > 0 && state.dirtyBytes < 500, 'what comes after belongs to the next commit')
  state.discard()
  assert.equal(state.dirtyBytes, 0)
})

test('a value that cannot be written names the state, and can be replaced', () => {
  const state = new KeyedState<unknown>('sums', memoryStore())
  state.put(0, 'a', 1)
  state.put(0, 'b', () => 1)
  assert.throws(
    () => state.changes(),
    error => isMillraceError(error, 'INVALID_ARGUMENT') && error.message.includes("'sums'"),
  )
  state.put(0, 'b', 2)
  assert.equal(state.changes().length, 2)
})

test('a stored value that cannot be read is incompatible state', () => {
  const store = memoryStore()
  const key = '\x80\0\0\0\0\0\0\0a'
  store.apply([[key, Buffer.from('not a state value')]], 1)
  const state = new KeyedState<number>('sums', store)
  assert.throws(
    () => state.get(0, 'a'),
    error => isMillraceError(error, 'STATE_INCOMPATIBLE'),
  )
})

test('values that are read from the store are frozen', () => {
  const state = new KeyedState<{ n: number }>('state', memoryStore())
  state.put(0, 'a', { n: 1 })
  state.changes()
  state.committed(1)
  state.discard()
  const value = state.get(0, 'a')
  assert.deepEqual(value, { n: 1 })
  assert(Object.isFrozen(value))
})

test('finding the first row passes each deleted, uncommitted row once', () => {
  const rows = 1000
  const store = memoryStore()
  let passed = 0
  const counted: StateStore = Object.create(store)
  counted.keys = function* (from, to) {
    for (const key of store.keys(from, to)) {
      passed += 1
      yield key
    }
  }
  const state = new KeyedState<number>('s', counted)
  for (let n = 0; n < rows; n++) state.put(n, 'a', n)
  state.committed(1)
  // As an operator does: from a namespace that is below all rows, but not the lowest possible one.
  const from = Number.MIN_SAFE_INTEGER + 1
  for (let n = 0; n < rows; n++) {
    const [first] = state.scan(from, Infinity)
    assert.equal(first?.namespace, n)
    state.delete(n, 'a')
  }
  assert.deepEqual([...state.scan(from, Infinity)], [])
  assert.ok(passed <= 10 * rows, `${passed} keys were passed`)
})

test('many keys of one namespace are in order, whether they are new, stored, deleted or added again', () =>
  forSeeds(10, random => {
    const store = memoryStore()
    const state = new KeyedState<number>('s', store)
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

test('a commit of many entries, or of large ones, is made in steps', () => {
  const cases = [
    { entries: 20_000, value: 1, steps: 20_000 / 4096 },
    { entries: 30, value: 'x'.repeat(200_000), steps: (30 * 200_000) / (1 << 20) },
  ]
  for (const { entries, value, steps } of cases) {
    const applied: number[] = []
    const store = memoryStore()
    const inSteps: StateStore = Object.assign(Object.create(store) as StateStore, {
      apply: (writes: [string, Uint8Array][], position: number | undefined) => {
        applied.push(writes.length)
        store.apply(writes, position)
      },
    })
    const state = new KeyedState<unknown>('s', inSteps)
    for (let n = 0; n < entries; n += 1) state.put(n % 3, `${n}`, value)
    const count = (generator: Iterator<void>): number => {
      let turns = 0
      while (!generator.next().done) turns += 1
      return turns
    }
    const made = count(state.changesInSteps())
    assert.ok(made > steps * 0.8 && made < steps * 3 + 2, `${made} steps for about ${steps}`)
    count(state.committedInSteps(7))
    assert.ok(Math.max(...applied) <= 4096)
    assert.equal(
      applied.reduce((sum, each) => sum + each, 0),
      entries,
    )
    assert.equal(store.position, 7)
    assert.equal([...state.scan(...everything)].length, entries)
  }
})
