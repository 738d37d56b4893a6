/**
 * Hashes of stored keys: HalfSipHash-1-3 (Aumasson and Bernstein, 2012), with a random key.
 *
 * Records bring their keys from outside. A sender that can compute hashes can send thousands of keys of one
 * hash, and each look-up then compares with all of them. The random key prevents that. A random start value
 * alone would not: in a plain multiply-and-mix hash, keys that collide for one start value may collide for
 * all. The kernel of Linux hashes its tables in the same way.
 *
 * Hashes are kept nowhere but in memory, so each state has its own random key.
 */
import type { Random } from '../base/index.ts'

/** Rounds without a word, after the last one. */
const finalRounds = 3

export class KeyHash {
  readonly #key0: number
  readonly #key1: number

  constructor(random: Random) {
    const bytes = random.bytes(8)
    const { buffer, byteOffset } = bytes
    const view = new DataView(buffer, byteOffset, bytes.length)
    this.#key0 = view.getInt32(0, true)
    this.#key1 = view.getInt32(4, true)
  }

  /** The hash of a key of `length` bytes from a word on. Its last word is filled up with zeros. */
  of(words: Int32Array, from: number, length: number): number {
    let v0 = this.#key0
    let v1 = this.#key1
    let v2 = v0 ^ 0x6c796765
    let v3 = v1 ^ 0x74656462
    // Full words, then one with the rest of the key and its length.
    const lastAt = from + (length >> 2)
    const last = (length << 24) | ((length & 3) === 0 ? 0 : words[lastAt]!)
    for (let at = from; at <= lastAt; at += 1) {
      const word = at < lastAt ? words[at]! : last
      v3 ^= word
      v0 = (v0 + v1) | 0
      v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0
      v0 = (v0 << 16) | (v0 >>> 16)
      v2 = (v2 + v3) | 0
      v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2
      v0 = (v0 + v3) | 0
      v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0
      v2 = (v2 + v1) | 0
      v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2
      v2 = (v2 << 16) | (v2 >>> 16)
      v0 ^= word
    }
    v2 ^= 0xff
    // The same round once more: one loop for both would take twice the time.
    for (let round = 0; round < finalRounds; round += 1) {
      v0 = (v0 + v1) | 0
      v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0
      v0 = (v0 << 16) | (v0 >>> 16)
      v2 = (v2 + v3) | 0
      v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2
      v0 = (v0 + v3) | 0
      v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0
      v2 = (v2 + v1) | 0
      v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2
      v2 = (v2 << 16) | (v2 >>> 16)
    }
    return v1 ^ v3
  }
}
