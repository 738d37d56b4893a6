/**
 * Ids of topics: 16 bytes, and base64url of 22 characters as text. Requests repeat them: the last text per
 * hash of the bytes is kept, as in known-texts.ts.
 */

const slots = 1024
const uuidBytes = 16
const texts: string[] = Array.from({ length: slots }, () => '')
const known = Buffer.alloc(slots * uuidBytes)

/** The 16 bytes from `start` on as base64url: the form of Kafka's Uuid. */
export function knownUuid(bytes: Buffer, start: number): string {
  let hash = 0
  for (let n = 0; n < uuidBytes; n += 1) hash = (Math.imul(hash, 31) + bytes[start + n]!) | 0
  const slot = hash & (slots - 1)
  const text = texts[slot]!
  if (text !== '' && isSameUuid(slot * uuidBytes, bytes, start)) return text
  bytes.copy(known, slot * uuidBytes, start, start + uuidBytes)
  return (texts[slot] = bytes.base64urlSlice(start, start + uuidBytes))
}

function isSameUuid(at: number, bytes: Buffer, start: number): boolean {
  for (let n = 0; n < uuidBytes; n += 1) if (known[at + n] !== bytes[start + n]) return false
  return true
}

/** The value of each character of base64url; 255 for others. */
const base64urlValues = new Uint8Array(128).fill(255)
for (const [value, character] of Array.from(
  'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_',
).entries())
  base64urlValues[character.charCodeAt(0)] = value

/** Writes 16 bytes, without a call out of JavaScript. False: the text is not a uuid. */
export function writeUuid(buffer: Buffer, start: number, text: string): boolean {
  if (text.length !== 22) return false
  let bits = 0
  let bitCount = 0
  let at = start
  for (let n = 0; n < 22; n += 1) {
    const value = base64urlValues[text.charCodeAt(n)] ?? 255
    if (value === 255) return false
    bits = ((bits << 6) | value) & 0xffff
    bitCount += 6
    if (bitCount < 8) continue
    bitCount -= 8
    buffer[at++] = bits >> bitCount
  }
  return true
}
