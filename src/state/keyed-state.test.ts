import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fromLatin1, isMillraceError, latin1 } from '../base/index.ts'
import { KeyedState } from './keyed-state.ts'
import { restoredFrom, restoreEntry } from './restore-entry.test-support.ts'

const everything = [-Infinity, Infinity] as const
const textOf = (storeKey: Uint8Array): string => latin1(storeKey, 8)

test('an entry that was created and deleted between two commits leaves no trace', () => {
  const state = new KeyedState<number>('s')
  state.put(0, 'a', 1)
  state.delete(0, 'a')
  state.delete(0, 'never there')
  state.put(1, 'b', 1)
  state.put(1, 'c', 1)
  for (const _ of state.deleteInTurns(...everything, () => 100));
  assert.deepEqual(state.changes(), [])
  assert.equal(state.firstNamespace(), undefined)
})

test('entries that come and go between two commits take no memory', () => {
  const limits = { chunkBytesMax: 1024, chunksMax: 16 }
  const state = new KeyedState<number>('s', { isScanned: true, limits })
  const stays = new KeyedState<number>('t')
  for (let namespace = 0; namespace < 100; namespace += 1) {
    for (let n = 0; n < 100; n += 1) state.put(namespace, `${n}`, n)
    // All but the first, in another order than they came.
    for (let n = 1; n < 100; n += 1) state.delete(namespace, `${(7 * n) % 100}`)
    stays.put(namespace, '0', 0)
    assert.equal(state.dirtyBytes, stays.dirtyBytes)
  }
  assert.deepEqual(state.changes(), stays.changes())
})

test('without changes no commit is needed; the next call returns later changes', () => {
  const state = new KeyedState<number>('s')
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
    state.changes().map(([key, value]) => [textOf(key), value === undefined]),
    [
      ['b', false],
      ['a', true],
    ],
  )
})

test('an empty commit leaves changes made meanwhile to the next one', () => {
  const state = new KeyedState<number>('s')
  assert.deepEqual(state.changes(), [])
  state.put(0, 'a', 1)
  state.committed(1)
  assert.equal(state.storedCount, 0)
  assert.equal(state.changes().length, 1)
})

test('deleting a stored entry writes one tombstone, whether or not it is cached', () => {
  for (const cleanEntries of [0, 100]) {
    const state = new KeyedState<number>('s', { cleanEntries })
    for (const key of ['a', 'b', 'c']) state.put(7, key, 1)
    state.committed(3)
    state.delete(7, 'a')
    for (const _ of state.deleteInTurns(7, 8, () => 100));
    const tombstones = state.changes().filter(([, value]) => value === undefined)
    assert.deepEqual(new Set(tombstones.map(([key]) => textOf(key))), new Set(['a', 'b', 'c']))
    assert.equal(state.changes().length, 3)
    state.committed(6)
    assert.deepEqual([...state.scan(...everything)], [])
  }
})

test('a bounded number of clean values stays live, and all dirty ones', () => {
  const state = new KeyedState<{ n: number }>('s', { cleanEntries: 10 })
  const at = (n: number): { n: number } | undefined => state.get(0, `${n}`)
  const put = Array.from({ length: 100 }, (_, n) => ({ n }))
  for (const [n, value] of put.entries()) state.put(0, `${n}`, value)
  state.committed(100)
  for (let n = 90; n < 100; n++) assert.equal(at(n), put[n], 'the same object: the youngest are live')
  for (let n = 0; n < 50; n++) {
    const value = at(n)
    assert.notEqual(value, put[n])
    assert.deepEqual(value, put[n])
    assert.equal(at(n), value, 'live from now on')
  }
  for (let n = 0; n < 50; n++) state.put(0, `${n}`, put[n + 50]!)
  for (let n = 50; n < 100; n++) at(n)
  for (let n = 0; n < 50; n++) assert.equal(at(n), put[n + 50])
})

test('keys that are looked up again and again keep their values, however many there are', () => {
  const state = new KeyedState<number>('s', { cleanEntries: 3 })
  const namespaces = [0, 1, 2]
  const keys = Array.from({ length: 4000 }, (_, n) => `${n}`)
  for (let round = 0; round < 4; round += 1) {
    for (const namespace of namespaces)
      for (const key of keys) {
        const before = state.get(namespace, key)
        assert.equal(before, round === 0 ? undefined : round * (1 + namespace))
        state.put(namespace, key, (before ?? 0) + 1 + namespace)
      }
    // In between, the values leave memory, or stay because they are dirty.
    if (round % 2 === 0) state.committed(round)
  }
  assert.equal(state.storedCount, 12_000)
})

test('a value that was looked up last stays the one of its key', () => {
  const state = new KeyedState<number>('s', { cleanEntries: 1 })
  for (const key of ['a', 'b']) state.put(0, key, 1)
  state.committed(1)
  assert.equal(state.get(0, 'none'), undefined)
  state.put(0, 'none', 5)
  assert.equal(state.get(0, 'none'), 5)
  assert.equal(state.get(1, 'none'), undefined, 'of another namespace')
  state.delete(0, 'none')
  assert.equal(state.get(0, 'none'), undefined)
  assert.equal(state.get(0, 'a'), 1)
  assert.equal(state.get(0, 'b'), 1, 'takes the place of a')
  assert.equal(state.get(0, 'a'), 1)
  state.delete(0, 'a')
  state.committed(2)
  assert.equal(state.get(0, 'a'), undefined)
  state.put(0, 'a', 2)
  assert.equal(state.get(0, 'a'), 2)
  assert.equal(state.storedCount, 1)
})

test('entries of the commit in flight are not evicted either', () => {
  const state = new KeyedState<number>('s', { cleanEntries: 1 })
  state.put(0, 'a', 1)
  state.committed(1)
  state.put(0, 'a', 2)
  state.changes()
  for (let i = 0; i < 5; i++) state.get(0, `${i}`)
  assert.equal(state.get(0, 'a'), 2)
})

test('a scan goes through stored and fresh keys in order, in parts, while commits pass and entries change', () => {
  const state = new KeyedState<number>('s', { cleanEntries: 300 })
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
  const state = new KeyedState<unknown>('s')
  assert.equal(state.dirtyBytes, 0)
  for (let i = 0; i < 100; i++) state.put(0, `${i}`, 'x'.repeat(1000))
  assert.ok(state.dirtyBytes > 100_000)
  const before = state.dirtyBytes
  state.put(0, '0', 'x')
  assert.equal(state.dirtyBytes, before - 999)
  state.changes()
  state.put(0, '1', 1)
  assert.ok(state.dirtyBytes > 0 && state.dirtyBytes < 500, 'what comes after belongs to the next commit')
  state.committed(2)
  assert.equal(state.dirtyBytes > 0, true)
  state.committed(3)
  assert.equal(state.dirtyBytes, 0)
})

test('one large value does not make the entries after it large', () => {
  const cases = [
    { large: 'x'.repeat(100_000), small: 'short', chunksMax: 40 },
    { large: 'x'.repeat(100_000), small: 7, chunksMax: 30 },
    { large: ['x'.repeat(100_000)], small: [1], chunksMax: 1000 },
  ]
  for (const { large, small, chunksMax } of cases) {
    const state = new KeyedState<unknown>('s', { limits: { chunkBytesMax: 4096, chunksMax } })
    state.put(0, 'large', large)
    state.committed(1)
    for (let n = 0; n < 2000; n += 1) state.put(0, `${n}`, small)
    state.committed(2)
    assert.equal(state.storedCount, 2001)
    assert.deepEqual([...restoredFrom(state).scan(...everything)].at(-1)?.value, large)
  }
})

test('a full state refuses another key, keeps what it has, and has room again after deletions', () => {
  const state = new KeyedState<string>('texts', { limits: { chunkBytesMax: 512, chunksMax: 8 } })
  let count = 0
  assert.throws(
    () => {
      for (; count < 1000; count += 1) state.put(0, `${count}`, 'x'.repeat(60))
    },
    error => isMillraceError(error, 'LIMIT_EXCEEDED') && error.message.includes("'texts'"),
  )
  assert.equal(state.get(0, `${count}`), undefined)
  assert.equal(state.changes().length, count)
  state.committed(1)
  assert.equal(state.storedCount, count)
  assert.equal([...state.scan(...everything)].length, count)
  // Of each chunk something is left, which must move.
  const isLeft = (n: number): boolean => n % 4 === 0
  for (let n = 0; n < count; n += 1) if (!isLeft(n)) state.delete(0, `${n}`)
  state.committed(2)
  assert.deepEqual(
    Array.from(state.scan(...everything), ({ key }) => Number(key)).toSorted((a, b) => a - b),
    [...Array(count).keys()].filter(isLeft),
  )
  for (let n = 0; n < count; n += 1) if (!isLeft(n)) state.put(0, `${n}`, 'x'.repeat(60))
  state.committed(3)
  assert.equal(state.storedCount, count)
})

test('a value that cannot be written names the state, and can be replaced', () => {
  const state = new KeyedState<unknown>('sums')
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
  const state = new KeyedState<unknown>('sums')
  restoreEntry(state, fromLatin1('\x80\0\0\0\0\0\0\0a'), Buffer.from('not a state value'))
  assert.throws(
    () => state.get(0, 'a'),
    error => isMillraceError(error, 'STATE_INCOMPATIBLE'),
  )
})

test('values that were stored are frozen when they are read', () => {
  const state = new KeyedState<{ n: number }>('state')
  state.put(0, 'a', { n: 1 })
  state.committed(1)
  const value = restoredFrom(state).get(0, 'a')
  assert.deepEqual(value, { n: 1 })
  assert(Object.isFrozen(value))
})

test('a commit that moves what is left of many chunks is made in steps', () => {
  const state = new KeyedState<string>('s', { cleanEntries: 0 })
  const count = 20_000
  for (let n = 0; n < count; n += 1) state.put(0, `${n}`, 'x'.repeat(1000))
  state.committed(1)
  // Half of each chunk of about 1000 entries is free. Then one entry more of each is, and all are sparse.
  for (let n = 0; n < count; n += 2) state.delete(0, `${n}`)
  state.committed(2)
  for (let n = 1; n < count; n += 20) state.delete(0, `${n}`)
  state.changes()
  let steps = 0
  for (const _ of state.committedInSteps(3)) steps += 1
  // The deletions alone are less than one step. A chunk has half a MiB left, and a step takes 1 MiB.
  assert.ok(steps >= 2, `${steps} steps`)
  assert.equal(state.storedCount, count / 2 - count / 20)
  assert.equal([...state.scan(...everything)].length, count / 2 - count / 20)
})

test('a namespace that is not an integer is refused by every call', () => {
  const state = new KeyedState<number>('s')
  state.put(0, 'k', 1)
  for (const namespace of [0.5, 2 ** 64, NaN]) {
    assert.throws(() => state.get(namespace, 'k'), /safe integer/)
    assert.throws(() => state.put(namespace, 'k', 2), /safe integer/)
    assert.throws(() => state.delete(namespace, 'k'), /safe integer/)
  }
  assert.equal(state.get(0, 'k'), 1)
})

test('a commit of many entries, or of large ones, is made in steps', () => {
  const cases = [
    { entries: 20_000, value: 1, steps: 20_000 / 4096 },
    { entries: 30, value: 'x'.repeat(200_000), steps: (30 * 200_000) / (1 << 20) },
  ]
  for (const { entries, value, steps } of cases) {
    const state = new KeyedState<unknown>('s')
    for (let n = 0; n < entries; n += 1) state.put(n % 3, `${n}`, value)
    const count = (generator: Iterator<void>): number => {
      let turns = 0
      while (!generator.next().done) turns += 1
      return turns
    }
    const made = count(state.changesInSteps())
    assert.ok(made > steps * 0.8 && made < steps * 3 + 2, `${made} steps for about ${steps}`)
    const stored = count(state.committedInSteps(7))
    assert.ok(stored >= Math.floor(entries / 4096), `${stored} steps store ${entries} entries`)
    assert.equal(state.position, 7)
    assert.equal([...state.scan(...everything)].length, entries)
  }
})
