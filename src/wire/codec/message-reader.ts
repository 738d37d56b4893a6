/**
 * Reads the values of Kafka's messages, one after the other. Nothing is believed: each read is checked
 * against the bytes that are there, and throws INVALID_REQUEST, or the code that it was given.
 */
import { MillraceError, type ErrorCode } from '../../base/index.ts'
import { knownAscii, knownTextBytesMax } from './known-texts.ts'
import { knownUuid } from './uuid-text.ts'

/** Bytes of a string: Kafka counts them with an int16, and keeps to that in the compact form. */
export const textBytesMax = 0x7fff
/** What empty bytes are decoded to. */
const noBytes: Buffer = Buffer.alloc(0)

export class MessageReader {
  readonly bytes: Buffer
  /** The position of the next value. */
  at: number
  /** How many items all arrays that follow may have together. */
  itemsLeft: number = Infinity
  /** Whose bytes they are, for messages of errors. */
  readonly #what: string
  readonly #code: ErrorCode

  constructor(bytes: Buffer, at: number, what: string, code: ErrorCode = 'INVALID_REQUEST') {
    this.bytes = bytes
    this.at = at
    this.#what = what
    this.#code = code
  }

  /** Counts the items of an array, before they are read. */
  takeItems(count: number): void {
    this.itemsLeft -= count
    if (this.itemsLeft < 0)
      throw this.invalid(`follows a count of ${count} items, more than one request may have`)
  }
  int8(): number {
    const at = this.#skip(1)
    return (this.bytes[at]! << 24) >> 24
  }
  int16(): number {
    const { bytes } = this
    const at = this.#skip(2)
    return ((bytes[at]! << 24) >> 16) | bytes[at + 1]!
  }
  int32(): number {
    const { bytes } = this
    const at = this.#skip(4)
    return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!
  }
  int64(): number {
    const high = this.int32()
    const low = this.int32() >>> 0
    const value = high * 0x1_0000_0000 + low
    if (!Number.isSafeInteger(value))
      throw this.invalid('has an int64 past 2^53, which millrace does not take')
    return value
  }
  unsignedVarint(): number {
    const { bytes } = this
    const first = bytes[this.#skip(1)]!
    if (first < 0x80) return first
    let value = first & 0x7f
    for (let scale = 0x80; scale <= 0x1000_0000; scale *= 0x80) {
      const byte = bytes[this.#skip(1)]!
      value += (byte & 0x7f) * scale
      if (byte < 0x80) return value
    }
    throw this.invalid('has a varint of more than five bytes')
  }
  uuid(): string {
    return knownUuid(this.bytes, this.#skip(16))
  }
  /** UTF-8 that is not well-formed is refused: its text would be another one. */
  text(length: number): string {
    const { bytes } = this
    if (length > textBytesMax) throw this.invalid(`follows a string of ${length} bytes, past ${textBytesMax}`)
    const start = this.#skip(length)
    const end = start + length
    let units = 0
    for (let at = start; at < end; at += 1) units |= bytes[at]!
    if (units < 0x80)
      return length <= knownTextBytesMax ? knownAscii(bytes, start, end) : bytes.latin1Slice(start, end)
    const text = bytes.utf8Slice(start, end)
    // Only text with a replacement character can have come from other bytes.
    if (text.includes('\ufffd') && Buffer.compare(Buffer.from(text), bytes.subarray(start, end)) !== 0)
      throw this.invalid('has text that is not UTF-8')
    return text
  }
  /** A view. */
  raw(length: number): Buffer {
    if (length === 0) return noBytes
    const start = this.#skip(length)
    return this.bytes.subarray(start, start + length)
  }

  skip(length: number): void {
    this.#skip(length)
  }

  get bytesLeft(): number {
    return this.bytes.length - this.at
  }

  /** The error for bytes that are not the message; `fault` continues the sentence. */
  invalid(fault: string): MillraceError {
    return new MillraceError(this.#code, `The bytes of ${this.#what} are damaged: byte ${this.at} ${fault}.`)
  }

  #skip(length: number): number {
    const start = this.at
    const end = start + length
    if (length < 0 || end > this.bytes.length)
      throw new MillraceError(
        this.#code,
        `The bytes of ${this.#what} are damaged: they end at byte ${this.bytes.length}, in the middle of a field.`,
      )
    this.at = end
    return start
  }
}
