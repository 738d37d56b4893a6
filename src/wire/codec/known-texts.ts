/**
 * Texts that come again and again: the names of topics, of clients, of groups. A request repeats
 * them, and what looks them up in a map wants one and the same string: a fresh one is hashed, and compared,
 * each time.
 *
 * A table of the last text per hash of the bytes. Texts that meet in a slot take it from each other, which
 * costs what a fresh string costs.
 */

const slots = 1024
/** Longer ones are rarely names. */
export const knownTextBytesMax = 64

const texts: string[] = Array.from({ length: slots }, () => '')

/** ASCII from `start` to `end`, at most {@link knownTextBytesMax} bytes of it. */
export function knownAscii(bytes: Buffer, start: number, end: number): string {
  let hash = end - start
  for (let at = start; at < end; at += 1) hash = (Math.imul(hash, 31) + bytes[at]!) | 0
  const slot = hash & (slots - 1)
  const known = texts[slot]!
  return isTextOf(known, bytes, start, end) ? known : (texts[slot] = bytes.latin1Slice(start, end))
}

function isTextOf(text: string, bytes: Buffer, start: number, end: number): boolean {
  if (text.length !== end - start) return false
  for (let n = 0; n < text.length; n += 1) if (text.charCodeAt(n) !== bytes[start + n]) return false
  return true
}
