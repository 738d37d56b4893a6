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
/** Longer ones are not kept: hashing their bytes costs more than it saves, and the table's size stays bounded. */
const lengthMax = 64

export class Interner {
  readonly #table: string[] = Array<string>(slots).fill('')

  /** The text of buffer[start, end); a Malformed where that is not UTF-8. */
  text(buffer: Buffer, start: number, end: number): string | Malformed {
    const length = end - start
    if (length > lengthMax) return textOf(buffer, start, end)
    let hash = 0x811c9dc5
    for (let i = start; i < end; i++) hash = Math.imul(hash ^ buffer[i]!, 0x01000193)
    const slot = (hash ^ (hash >>> 15)) & (slots - 1)
    const kept = this.#table[slot]!
    if (kept.length === length && isAsciiOf(kept, buffer, start)) return kept
    const text = textOf(buffer, start, end)
    // As many chars as bytes: ASCII, which is all that a hit can compare.
    if (typeof text === 'string' && text.length === length) this.#table[slot] = text
    return text
  }
}

function isAsciiOf(text: string, buffer: Buffer, start: number): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) !== buffer[start + i]) return false
  return true
}
