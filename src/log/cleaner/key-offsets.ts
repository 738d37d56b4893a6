/**
 * The latest offset of each key of a stretch of the log, in a fixed number of bytes: 24 for each key.
 *
 * ```
 * slot   0-3  the key, or its hash: four words
 *        4-5  offset: high word and 1, low word; 0 in a free slot
 * ```
 * Memory of zeros is all free slots: none is touched before it is used. No look-up of a short key allocates.
 *
 * A key of up to 15 bytes is held as it is, so such keys never collide. A longer one is represented by the
 * first 15 bytes of its SHA-256. Two keys would have to share these 120 bits for the cleaner to take one for
 * the other and remove a record that nothing replaces. Among 10^9 keys the odds of that are 1 in 10^18, and
 * no method is known to make such a pair with less than 2^60 hashes. (Apache Kafka trusts 128 bits of MD5, of
 * which pairs can be made at will.)
 */
import { hash } from 'node:crypto'
import { assert } from '../../base/index.ts'

const slotWords = 6
const slotBytes = slotWords * 4
const keyWords = 4
/** Keys up to this length are held as they are. */
const inlineBytesMax = 15
/** The last byte of the words: the length of the key, or this for a hash. */
const hashed = 0xff
/** The share of the slots that keys may take: a look-up passes some eight of them then. */
const loadFactor = 0.75
const free = 0

export class KeyOffsets {
  readonly #slots: Int32Array
  readonly #slotCount: number
  readonly #keysMax: number
  /** The words of the key that is looked for. */
  readonly #key = new Int32Array(keyWords)
  readonly #keyBytes = Buffer.from(this.#key.buffer)
  #count = 0

  /** Holds as many keys as fit into `bytesMax`. */
  constructor(bytesMax: number) {
    this.#slotCount = Math.max(2, Math.floor(bytesMax / slotBytes))
    this.#keysMax = Math.max(1, Math.floor(this.#slotCount * loadFactor))
    this.#slots = new Int32Array(this.#slotCount * slotWords)
  }

  /** The bytes that hold `keys` keys. */
  static bytesFor(keys: number): number {
    return (Math.ceil(keys / loadFactor) + 1) * slotBytes
  }

  /** Keys so far. */
  get count(): number {
    return this.#count
  }

  /** How many keys it can hold. */
  get keysMax(): number {
    return this.#keysMax
  }

  /** Replaces the offset of the key, which is `bytes` from `start` to `end`. Offsets ascend. */
  set(bytes: Uint8Array, start: number, end: number, offset: number): void {
    const at = this.#find(bytes, start, end)
    const slots = this.#slots
    if (slots[at + keyWords] === free) {
      assert(this.#count < this.#keysMax, 'there is room for the key')
      this.#count += 1
      slots.set(this.#key, at)
    }
    slots[at + keyWords] = Math.floor(offset / 0x1_0000_0000) + 1
    slots[at + keyWords + 1] = offset | 0
  }

  /** The offset of the key, which is `bytes` from `start` to `end`; -1: it is not there. */
  get(bytes: Uint8Array, start: number, end: number): number {
    const at = this.#find(bytes, start, end) + keyWords
    const high = this.#slots[at]!
    return high === free ? -1 : (high - 1) * 0x1_0000_0000 + (this.#slots[at + 1]! >>> 0)
  }

  /** The slot of the key, or the free one where it belongs. */
  #find(bytes: Uint8Array, start: number, end: number): number {
    this.#represent(bytes, start, end)
    const words = this.#key
    const a = words[0]!
    const b = words[1]!
    const c = words[2]!
    const d = words[3]!
    const slots = this.#slots
    const slotCount = this.#slotCount
    for (let slot = scatter(a, b, c, d) % slotCount; ; slot = slot + 1 === slotCount ? 0 : slot + 1) {
      const at = slot * slotWords
      if (slots[at + keyWords] === free) return at
      if (slots[at] === a && slots[at + 1] === b && slots[at + 2] === c && slots[at + 3] === d) return at
    }
  }

  #represent(bytes: Uint8Array, start: number, end: number): void {
    const key = this.#keyBytes
    const length = end - start
    if (length <= inlineBytesMax) {
      for (let n = 0; n < length; n += 1) key[n] = bytes[start + n]!
      for (let n = length; n < inlineBytesMax; n += 1) key[n] = 0
      key[inlineBytesMax] = length
    } else {
      key.set(hash('sha256', bytes.subarray(start, end), 'buffer').subarray(0, inlineBytesMax))
      key[inlineBytesMax] = hashed
    }
  }
}

/** Spreads the four words over the slots: the multipliers are those of murmur3's finisher. */
function scatter(a: number, b: number, c: number, d: number): number {
  let mixed = Math.imul(a ^ (a >>> 16), 0x85eb_ca6b) ^ b
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85eb_ca6b) ^ c
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85eb_ca6b) ^ d
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2_ae35)
  return (mixed ^ (mixed >>> 16)) >>> 0
}
