/** Shared values cannot be changed: they are frozen if that is possible, and copied if not. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { frozen, given } from './frozen.ts'
import { valueCodec } from './value-codec.ts'

/** A value, and a change that must not reach the others that share it. */
const changes: readonly [
  name: string,
  make: () => unknown,
  change: (value: ReturnType<typeof JSON.parse>) => void,
][] = [
  ['a field', () => ({ n: 1 }), value => (value.n = 2)],
  ['a new field', () => ({}), value => (value.n = 2)],
  ['a field further down', () => ({ a: { b: [{ n: 1 }] } }), value => (value.a.b[0].n = 2)],
  ['an array', () => [1], value => value.push(2)],
  ['an array in an object', () => ({ list: [] }), value => value.list.push(2)],
  [
    'an array in an object frozen before',
    () => Object.freeze({ list: [] as number[] }),
    value => value.list.push(2),
  ],
  ['a Map', () => new Map([['a', 1]]), value => value.set('a', 2)],
  ['a Map, cleared', () => ({ map: new Map([['a', 1]]) }), value => value.map.clear()],
  ['an object in a Map', () => new Map([['a', { n: 1 }]]), value => (value.get('a').n = 2)],
  ['a Set', () => new Set([1]), value => value.add(2)],
  ['a Date', () => new Date(5), value => value.setTime(6)],
  ['bytes', () => Uint8Array.of(1), value => (value[0] = 2)],
  ['bytes further down', () => ({ a: [Uint8Array.of(1)] }), value => (value.a[0][0] = 2)],
  ['a buffer', () => ({ b: Uint8Array.of(1).buffer }), value => (new Uint8Array(value.b)[0] = 2)],
]

for (const [name, make, change] of changes)
  test(`${name}: a change fails, or reaches a copy only`, () => {
    const kept = frozen(make())
    const before = valueCodec.encode(kept).slice()
    try {
      change(given(kept))
    } catch (error) {
      assert(error instanceof TypeError, String(error))
    }
    assert.deepEqual(valueCodec.encode(kept).slice(), before)
    assert.deepEqual(valueCodec.encode(make()).slice(), before, 'a state keeps it as it was')
  })

test('a value that refers to itself can be frozen', () => {
  const value: { self?: unknown } = {}
  value.self = value
  assert(Object.isFrozen(frozen(value)))
})

test('primitive values are given as they are', () => {
  for (const value of [undefined, null, 1, 'a', true, 1n]) assert.equal(given(frozen(value)), value)
})
