/**
 * Short strings, made once: `open`, `EUR`. They repeat, and a program may keep the one of each record. The
 * parser of JavaScript shares them likewise.
 */
import type { JsonCursor } from './json-scalar.ts'

/** The parser shares strings up to here. */
export const sharedMax = 10
/** Strings kept, a power of two. They are found by a hash of their bytes. */
const slots = 1024
/** Leaves as many of a hash's upper bits as number the slots. */
const slotShift = 32 - Math.log2(slots)
const shared: string[] = Array<string>(slots).fill('')

/** The text of the ASCII bytes from `from` to `to`, a quoted string in an object or an array. */
export function sharedText({ view, text, start }: JsonCursor, from: number, to: number): string {
  if (from === to) return ''
  // The first two characters and the last three, with what surrounds them in a shorter string.
  const ends = Math.imul(view.getInt32(from - 2), 0x9e37_79b1) ^ view.getInt32(to - 3)
  const slot = Math.imul(ends, 0x85eb_ca77) >>> slotShift
  const kept = shared[slot]!
  if (kept.length === to - from && text.startsWith(kept, from - start)) return kept
  return (shared[slot] = text.slice(from - start, to - start))
}
