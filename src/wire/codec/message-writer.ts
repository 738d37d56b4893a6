/**
 * Writes the values of Kafka's messages, one after the other. Small values gather in one growing buffer;
 * large record batches become separate parts without a copy, so that they go from the buffer of the file
 * to the socket as they are.
 */
import { bufferOf, MillraceError, writeAscii } from '../../base/index.ts'
import { textBytesMax } from './message-reader.ts'
import { writeUuid } from './uuid-text.ts'

/** Bytes of the first buffer: most messages fit into it. */
const initialBytes = 512
/** Records of more bytes than that are not copied: a part costs about as much as copying so many. */
const copiedBytesMax = 1024
/**
 * UTF-16 units of short text. Its UTF-8 has a compact length of one byte for sure, 3 · 42 + 1 < 128, and if
 * it is ASCII it is written faster without a call out of JavaScript.
 */
const shortTextUnits = 42

export class MessageWriter {
  readonly #what: string
  #buffer: Buffer = Buffer.allocUnsafe(initialBytes)
  /** The bytes of the buffer from here on are not in {@link #parts} yet. */
  #from = 0
  #at = 0
  readonly #parts: Buffer[] = []

  /** `what` names the message in errors. */
  constructor(what: string) {
    this.#what = what
  }

  bool(value: boolean): void {
    if (typeof value !== 'boolean') throw this.unencodable(`${String(value)} is not a boolean`)
    this.int8(value ? 1 : 0)
  }
  int8(value: number): void {
    if (value !== (value << 24) >> 24) throw this.unencodable(`${value} is not an int8`)
    this.#reserve(1)
    this.#buffer[this.#at++] = value
  }
  int16(value: number): void {
    if (value !== (value << 16) >> 16) throw this.unencodable(`${value} is not an int16`)
    this.#reserve(2)
    const buffer = this.#buffer
    buffer[this.#at++] = value >> 8
    buffer[this.#at++] = value
  }
  int32(value: number): void {
    if (value !== (value | 0)) throw this.unencodable(`${value} is not an int32`)
    this.#reserve(4)
    this.#at = writeUint32(this.#buffer, this.#at, value)
  }
  int64(value: number): void {
    if (!Number.isSafeInteger(value)) throw this.unencodable(`${value} is not a safe integer`)
    this.#reserve(8)
    const high = Math.floor(value / 0x1_0000_0000)
    const position = writeUint32(this.#buffer, this.#at, high)
    this.#at = writeUint32(this.#buffer, position, value - high * 0x1_0000_0000)
  }
  unsignedVarint(value: number): void {
    this.#reserve(5)
    let left = value
    for (; left > 0x7f; left >>>= 7) this.#buffer[this.#at++] = (left & 0x7f) | 0x80
    this.#buffer[this.#at++] = left
  }
  uuid(value: string): void {
    this.#reserve(16)
    if (!writeUuid(this.#buffer, this.#at, value))
      throw this.unencodable(`'${value}' is not a uuid: it must have 22 characters of base64url`)
    this.#at += 16
  }
  /** An int16 length, then UTF-8. */
  string(value: string): void {
    this.#checkLength(value.length)
    this.#reserve(2 + value.length * 3)
    const bytes = this.#writeText(value, this.#at + 2)
    this.int16(bytes)
    this.#at += bytes
  }
  /** The length plus one as a varint, then UTF-8. */
  compactString(value: string): void {
    this.#checkLength(value.length)
    this.#reserve(3 + value.length * 3)
    const lengthBytes =
      value.length <= shortTextUnits ? 1 : sizeOfUnsignedVarint(Buffer.byteLength(value) + 1)
    const bytes = this.#writeText(value, this.#at + lengthBytes)
    this.unsignedVarint(bytes + 1)
    this.#at += bytes
  }
  /** Bytes without their length. */
  raw(value: Uint8Array): void {
    this.#reserve(value.length)
    this.#buffer.set(value, this.#at)
    this.#at += value.length
  }
  /** Records without their length: not copied if they are many bytes. */
  records(value: Uint8Array): void {
    if (value.length <= copiedBytesMax) {
      this.raw(value)
      return
    }
    this.#endPart()
    this.#parts.push(bufferOf(value))
  }

  /** Begins a value that has its size in front, as a varint. It must have no records. */
  beginSized(): number {
    this.#reserve(1)
    this.#at += 1
    return this.#at - this.#from
  }
  /** `begun`: what {@link beginSized} returned. */
  endSized(begun: number): void {
    const size = this.#at - this.#from - begun
    this.#reserve(4)
    const start = this.#from + begun
    const end = this.#at
    this.#at = start - 1
    if (size > 0x7f) {
      this.#buffer.copyWithin(start + sizeOfUnsignedVarint(size) - 1, start, end)
    }
    this.unsignedVarint(size)
    this.#at += size
  }

  /** The bytes, in parts to be sent one after the other. */
  finish(): Buffer[] {
    this.#endPart()
    return this.#parts
  }
  /** The parts of a frame, whose first four bytes become the length of what follows them. */
  finishFrame(): Buffer[] {
    const parts = this.finish()
    let length = -4
    for (const part of parts) length += part.length
    parts[0]!.writeInt32BE(length)
    return parts
  }

  /** The error for a value that the message cannot hold; `fault` is a sentence. */
  unencodable(fault: string): MillraceError {
    return new MillraceError('INVALID_ARGUMENT', `Cannot encode ${this.#what}: ${fault}.`)
  }

  /** Writes text at a position, for which there is room, and returns its bytes. */
  #writeText(value: string, at: number): number {
    if (value.length <= shortTextUnits && writeAscii(this.#buffer, at, value)) return value.length
    if (!value.isWellFormed()) throw this.unencodable('half of a surrogate pair has no UTF-8')
    const bytes = this.#buffer.utf8Write(value, at)
    this.#checkLength(bytes)
    return bytes
  }

  /**
   * Of text in bytes, or before that in UTF-16 units, which are at most as many: so no room is made for what
   * is too long.
   */
  #checkLength(length: number): void {
    if (length > textBytesMax)
      throw this.unencodable(
        `a string of ${length} bytes is longer than the ${textBytesMax} of Kafka's strings`,
      )
  }

  #endPart(): void {
    if (this.#at === this.#from) return
    this.#parts.push(this.#buffer.subarray(this.#from, this.#at))
    this.#from = this.#at
  }

  #reserve(bytes: number): void {
    if (this.#at + bytes > this.#buffer.length) this.#grow(bytes)
  }

  #grow(bytes: number): void {
    const used = this.#at - this.#from
    const grown = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, used + bytes))
    this.#buffer.copy(grown, 0, this.#from, this.#at)
    this.#buffer = grown
    this.#from = 0
    this.#at = used
  }
}

/** Returns the position after it. */
function writeUint32(buffer: Buffer, position: number, value: number): number {
  buffer[position] = value >>> 24
  buffer[position + 1] = value >>> 16
  buffer[position + 2] = value >>> 8
  buffer[position + 3] = value
  return position + 4
}

function sizeOfUnsignedVarint(value: number): number {
  return value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x20_0000 ? 3 : value < 0x1000_0000 ? 4 : 5
}
