import assert from 'node:assert/strict'
import { test } from 'node:test'
import { forSeeds } from '../../test/for-seeds.ts'
import { type Random, seededRandom } from '../base/index.ts'
import { KeyBytes } from './key-bytes.ts'
import { KeyHash } from './key-hash.ts'
import { encodeNamespace } from './namespace.ts'

const hashesOf = (random: Random, keys: readonly string[]): number[] => {
  const bytes = new KeyBytes(new KeyHash(random))
  return keys.map(key => {
    bytes.set(0, key)
    return bytes.hash
  })
}

test('a key has one hash, wherever it is and however it was given', () =>
  forSeeds(100, random => {
    const keyHash = new KeyHash(random)
    const bytes = new KeyBytes(keyHash)
    const namespace = random.int(2 ** 32) - 2 ** 31
    const key = Buffer.from(random.bytes(random.int(20))).latin1Slice()
    bytes.set(namespace, key)
    const { hash, length } = bytes
    const joined = encodeNamespace(namespace) + key
    bytes.set(1, 'x'.repeat(100))
    bytes.setJoined(joined)
    assert.equal(bytes.hash, hash)
    bytes.setBytes(Buffer.from(`-${joined}-`, 'latin1'), 1, 1 + length)
    assert.equal(bytes.hash, hash)
    // Something else follows the key.
    const words = Int32Array.from({ length: 10 }, () => random.int(2 ** 32))
    words.set(bytes.words.subarray(0, (length + 3) >> 2), 3)
    assert.equal(keyHash.of(words, 3, length), hash)
  }))

test('keys of one hash in one state have different ones in another', () => {
  const seed = 7
  const many = Array.from({ length: 300_000 }, (_, n) => `${n}`)
  const byHash = new Map<number, string>()
  const pairs: [string, string][] = []
  for (const [n, hash] of hashesOf(seededRandom(seed), many).entries()) {
    const other = byHash.get(hash)
    if (other === undefined) byHash.set(hash, many[n]!)
    else pairs.push([other, many[n]!])
  }
  // About 300,000² ÷ 2³³.
  assert.ok(pairs.length > 2 && pairs.length < 30, `${pairs.length} pairs`)
  for (const pair of pairs) {
    const [one, other] = hashesOf(seededRandom(seed + 1), pair)
    assert.notEqual(one, other)
  }
})

test('every bit of a key changes about half of the bits of its hash', () =>
  forSeeds(20, random => {
    const keyHash = new KeyHash(random)
    const words = new Int32Array(4)
    const before = keyHash.of(words, 0, 16)
    for (let bit = 0; bit < 128; bit += 1) {
      words.fill(0)
      words[bit >> 5] = 1 << (bit & 31)
      const changed = (before ^ keyHash.of(words, 0, 16)) >>> 0
      const count = changed.toString(2).replaceAll('0', '').length
      assert.ok(count >= 3 && count <= 29, `bit ${bit} changes ${count} bits`)
    }
  }))
