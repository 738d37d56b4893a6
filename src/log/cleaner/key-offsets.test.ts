import { equal, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { fromUtf8 } from '../../base/index.ts'
import { forSeeds } from '../../../test/for-seeds.ts'
import { KeyOffsets } from './key-offsets.ts'

function set(keys: KeyOffsets, key: Uint8Array, offset: number): void {
  keys.set(key, 0, key.length, offset)
}

function get(keys: KeyOffsets, key: Uint8Array): number {
  return keys.get(key, 0, key.length)
}

test('has the latest offset of each key, as a map does', () =>
  forSeeds(200, random => {
    const keys = new KeyOffsets(KeyOffsets.bytesFor(50))
    const expected = new Map<string, number>()
    for (let offset = 0; offset < 300; offset += 1) {
      const key = `${'long '.repeat(random.int(5))}${random.int(50)}`.slice(0, random.int(40))
      const at = offset * 2 ** random.int(40)
      if (keys.count === keys.keysMax && !expected.has(key)) continue
      set(keys, fromUtf8(key), at)
      expected.set(key, at)
    }
    equal(keys.count, expected.size)
    for (const [key, offset] of expected) equal(get(keys, fromUtf8(key)), offset, key)
    equal(get(keys, fromUtf8('never seen')), -1)
    equal(get(keys, fromUtf8('never seen, and longer than fifteen bytes')), -1)
  }))

test('tells an empty key from zeros, and a short key from a longer one that begins alike', () => {
  const keys = new KeyOffsets(1024)
  const zeros = Array.from({ length: 17 }, (_, length) => new Uint8Array(length))
  for (const [offset, key] of zeros.entries()) set(keys, key, offset)
  for (const [offset, key] of zeros.entries()) equal(get(keys, key), offset)
})

test('stays within its bytes', () => {
  const keys = new KeyOffsets(24 * 100)
  equal(keys.keysMax, 75)
  for (let n = 0; n < 75; n += 1) set(keys, fromUtf8(`${n}`), n)
  throws(() => set(keys, fromUtf8('one more'), 75))
})

test('finds a key anywhere in a batch of bytes', () => {
  const keys = new KeyOffsets(1024)
  const bytes = fromUtf8('<short><a key that is longer than fifteen bytes>')
  keys.set(bytes, 1, 6, 7)
  keys.set(bytes, 8, bytes.length - 1, 8)
  equal(get(keys, fromUtf8('short')), 7)
  equal(get(keys, fromUtf8('a key that is longer than fifteen bytes')), 8)
})
