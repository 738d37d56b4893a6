/**
 * Bytes and text.
 *
 * A **binary string** holds one byte per character (0 to 255). It compares in byte order with `<`, hashes
 * fast as a key of a Map, and takes one byte per character on the heap: keys of state are binary strings.
 */

declare global {
  /**
   * Node's own text methods of Buffer, which @types/node leaves out: a third faster than `toString` and
   * `write` on short ranges.
   */
  interface Buffer {
    latin1Slice(start?: number, end?: number): string
    utf8Slice(start?: number, end?: number): string
    base64urlSlice(start?: number, end?: number): string
    latin1Write(text: string, offset?: number, length?: number): number
    utf8Write(text: string, offset?: number, length?: number): number
    base64urlWrite(text: string, offset?: number, length?: number): number
  }
}

/** A Buffer over the same bytes: for the text and integer methods that Uint8Array lacks. */
export function bufferOf(bytes: Uint8Array): Buffer {
  return bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

const ascii = /^[\0-\x7f]*$/

/** The UTF-8 bytes of `text` as a binary string; for ASCII that is the text itself. */
export function binaryString(text: string): string {
  return ascii.test(text) ? text : Buffer.from(text, 'utf8').latin1Slice()
}

/** The text whose UTF-8 bytes the binary string is. */
export function utf8OfBinary(binary: string): string {
  return ascii.test(binary) ? binary : Buffer.from(binary, 'latin1').utf8Slice()
}

/** The bytes from start to end as a binary string. */
export function latin1(bytes: Uint8Array, start = 0, end: number = bytes.length): string {
  return bufferOf(bytes).latin1Slice(start, end)
}

/** The bytes of a binary string. */
export function fromLatin1(binary: string): Uint8Array {
  return Buffer.from(binary, 'latin1')
}

export function utf8(bytes: Uint8Array, start = 0, end: number = bytes.length): string {
  return bufferOf(bytes).utf8Slice(start, end)
}

export function fromUtf8(text: string): Uint8Array {
  return Buffer.from(text, 'utf8')
}

/**
 * Writes ASCII without a call out of JavaScript, which is faster for short text. False: it is not ASCII, and
 * nothing of it counts.
 */
export function writeAscii(bytes: Uint8Array, start: number, text: string): boolean {
  for (let n = 0; n < text.length; n += 1) {
    const unit = text.charCodeAt(n)
    if (unit >= 0x80) return false
    bytes[start + n] = unit
  }
  return true
}
