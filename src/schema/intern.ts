/**
 * Short strings that keep coming back, as keys do, without making them anew.
 *
 * A direct-mapped table of strings, found by a hash of their bytes. It saves the allocation, and the string that it gives has its hash computed
 * already, which the next Map lookup uses. Measured with 1,000 keys and a Map update each: 8.8M/s against 5.3M/s.
 */
import { textOf } from './json.ts'
import type { Malformed } from './serde.ts'

/** Strings kept; a power of two. */
const slots = 4096
/** Leaves as many of a hash's upper bits as number the slots. */
const slotShift = 32 - Math.log2(slots)
/** Longer ones are not kept: hashing their bytes costs more than it saves, and the table's size stays bounded. */
const lengthMax = 64

export class Interner {
  readonly #table: string[] = Array<string>(slots).fill('')
  /** The bytes of each string in the table: comparing them costs half of comparing the chars of the string. */
  readonly #bytes: Uint8Array = new Uint8Array(slots * lengthMax)

  /** The text of buffer[start, end); a Malformed where that is not UTF-8. */
  text(buffer: Buffer, start: number, end: number): string | Malformed {
    const length = end - start
    if (length > lengthMax) return textOf(buffer, start, end)
    const slot = slotOf(buffer, start, end)
    const kept = this.#table[slot]!
    if (kept.length === length && this.#isKept(slot, buffer, start, length)) return kept
    const text = textOf(buffer, start, end)
    // As many chars as bytes: ASCII, so that equal length means equal text.
    if (typeof text === 'string' && text.length === length) {
      this.#table[slot] = text
      for (let i = 0; i < length; i++) this.#bytes[slot * lengthMax + i] = buffer[start + i]!
    }
    return text
  }

  #isKept(slot: number, buffer: Buffer, start: number, length: number): boolean {
    const bytes = this.#bytes
    const at = slot * lengthMax
    for (let i = 0; i < length; i++) if (bytes[at + i] !== buffer[start + i]) return false
    return true
  }
}

/** A hash of the bytes, four at a time: a multiplication for each byte was half of what a hit costs. */
function slotOf(buffer: Buffer, start: number, end: number): number {
  let hash = end - start
  let i = start
  for (; i + 4 <= end; i += 4) {
    const word = buffer[i]! | (buffer[i + 1]! << 8) | (buffer[i + 2]! << 16) | (buffer[i + 3]! << 24)
    hash = Math.imul(hash ^ word, 0x9e37_79b1)
    hash ^= hash >>> 15
  }
  for (; i < end; i++) hash = Math.imul(hash ^ buffer[i]!, 0x9e37_79b1)
  return Math.imul(hash ^ (hash >>> 15), 0x85eb_ca77) >>> slotShift
}
