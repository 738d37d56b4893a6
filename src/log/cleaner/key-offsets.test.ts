import { equal, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { fromUtf8 } from '../../base/index.ts'
import { forSeeds } from '../../../test/for-seeds.ts'
import { KeyOffsets } from './key-offsets.ts'

test('has the latest offset of each key, as a map does', () =>
  forSeeds(200, random => {
    const keys = new KeyOffsets(KeyOffsets.bytesFor(50))
    const expected = new Map<string, number>()
    for (let offset = 0; offset < 300; offset += 1) {
      const key = `${'long '.repeat(random.int(5))}${random.int(50)}`.slice(0, random.int(40))
      const at = offset * 2 ** random.int(40)
      if (keys.count === keys.keysMax && !expected.has(key)) continue
      keys.set(fromUtf8(key), at)
      expected.set(key, at)
    }
    equal(keys.count, expected.size)
    for (const [key, offset] of expected) equal(keys.get(fromUtf8(key)), offset, key)
    equal(keys.get(fromUtf8('never seen')), -1)
    equal(keys.get(fromUtf8('never seen, and longer than fifteen bytes')), -1)
  }))

test('tells an empty key from zeros, and a short key from a longer one that begins alike', () => {
  const keys = new KeyOffsets(1024)
  const zeros = Array.from({ length: 17 }, (_, length) => new Uint8Array(length))
  for (const [offset, key] of zeros.entries()) keys.set(key, offset)
  for (const [offset, key] of zeros.entries()) equal(keys.get(key), offset)
})

test('stays within its bytes', () => {
  const keys = new KeyOffsets(24 * 100)
  equal(keys.keysMax, 75)
  for (let n = 0; n < 75; n += 1) keys.set(fromUtf8(`${n}`), n)
  throws(() => keys.set(fromUtf8('one more'), 75))
})
