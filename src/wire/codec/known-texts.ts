/**
 * Texts that come again and again: the names and ids of topics, of clients, of groups. A request repeats
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

const uuidBytes = 16
const uuidTexts: string[] = Array.from({ length: slots }, () => '')
const uuids = Buffer.alloc(slots * uuidBytes)

/** The 16 bytes from `start` on as base64url: the form of Kafka's Uuid. */
export function knownUuid(bytes: Buffer, start: number): string {
  let hash = 0
  for (let n = 0; n < uuidBytes; n += 1) hash = (Math.imul(hash, 31) + bytes[start + n]!) | 0
  const slot = hash & (slots - 1)
  const known = uuidTexts[slot]!
  if (known !== '' && isSameUuid(slot * uuidBytes, bytes, start)) return known
  bytes.copy(uuids, slot * uuidBytes, start, start + uuidBytes)
  return (uuidTexts[slot] = bytes.base64urlSlice(start, start + uuidBytes))
}

function isSameUuid(at: number, bytes: Buffer, start: number): boolean {
  for (let n = 0; n < uuidBytes; n += 1) if (uuids[at + n] !== bytes[start + n]) return false
  return true
}
