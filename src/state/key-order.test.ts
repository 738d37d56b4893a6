import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { KeyOrder } from './key-order.ts'
import { encodeNamespace } from './namespace.ts'

const limits = { freshMax: 4, goneMin: 2 }

/** An order of keys in namespaces, which counts what is looked up. */
function orderOf() {
  const there = new Set<string>()
  const looked: string[] = []
  const order = new KeyOrder(key => {
    looked.push(key)
    return there.has(key)
  }, limits)
  return {
    order,
    looked,
    come: (namespace: number, key: string): void => {
      there.add(encodeNamespace(namespace) + key)
      order.came(namespace, key)
    },
    go: (namespace: number, key: string): void => {
      there.delete(encodeNamespace(namespace) + key)
      order.went(namespace)
    },
  }
}

test('keys that went with their namespace are forgotten without a look-up', () => {
  const { order, looked, come, go } = orderOf()
  for (const key of 'abcd') come(1, key)
  for (const key of 'abcd') come(2, key)
  deepEqual(order.keysAfter(1, undefined, 9), ['a', 'b', 'c', 'd'])
  for (const key of 'abcd') go(1, key)
  go(2, 'b')
  deepEqual(order.keysAfter(2, undefined, 9), ['a', 'c', 'd'])
  deepEqual(
    looked,
    ['a', 'b', 'c', 'd'].map(key => encodeNamespace(2) + key),
  )
})

test('the first key of the lowest namespace stays, if keys are cleared as it comes', () => {
  const { order, come, go } = orderOf()
  for (const key of 'abcd') come(5, key)
  deepEqual(order.keysAfter(5, undefined, 9), ['a', 'b', 'c', 'd'])
  for (const key of 'efg') come(5, key)
  for (const key of 'abcde') go(5, key)
  come(3, 'a')
  equal(order.firstFrom(0), 3)
  deepEqual(order.keysAfter(3, undefined, 9), ['a'])
  deepEqual(order.keysAfter(5, undefined, 9), ['f', 'g'])
})
