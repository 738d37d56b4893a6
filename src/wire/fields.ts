/**
 * The fields of Kafka's messages and of the records in its internal topics, read and written one after the
 * other. Big-endian; a string is an int16 length and UTF-8 bytes; bytes are an int32 length and themselves;
 * -1 is null; an array is an int32 count and its items. Compact forms (KIP-482) have the length plus one as
 * an unsigned varint, 0 for null; tagged fields follow a structure: count, then tag, size and bytes of each.
 */
import { bufferOf, fromUtf8, MillraceError, utf8 } from '../base/index.ts'
import { readInt64, writeInt64 } from './layout.ts'

/** A field of a flexible structure, which readers that do not know it skip. */
export interface TaggedField {
  readonly tag: number
  readonly value: Uint8Array
}

export class FieldWriter {
  readonly #parts: Uint8Array[] = []

  int8(value: number): this {
    return this.#push(1, part => part.writeInt8(value))
  }
  int16(value: number): this {
    return this.#push(2, part => part.writeInt16BE(value))
  }
  int32(value: number): this {
    return this.#push(4, part => part.writeInt32BE(value))
  }
  int64(value: number): this {
    return this.#push(8, part => writeInt64(part, value, 0))
  }
  string(value: string): this {
    const bytes = fromUtf8(value)
    return this.int16(bytes.length).raw(bytes)
  }
  nullableString(value: string | undefined): this {
    return value === undefined ? this.int16(-1) : this.string(value)
  }
  bytes(value: Uint8Array): this {
    return this.int32(value.length).raw(value)
  }
  nullableBytes(value: Uint8Array | undefined): this {
    return value === undefined ? this.int32(-1) : this.bytes(value)
  }
  array<T>(items: readonly T[], write: (to: this, item: T) => void): this {
    this.int32(items.length)
    for (const item of items) write(this, item)
    return this
  }
  unsignedVarint(value: number): this {
    const bytes: number[] = []
    let left = value
    for (; left > 0x7f; left >>>= 7) bytes.push((left & 0x7f) | 0x80)
    return this.raw(Uint8Array.of(...bytes, left))
  }
  compactString(value: string): this {
    const bytes = fromUtf8(value)
    return this.unsignedVarint(bytes.length + 1).raw(bytes)
  }
  compactArray<T>(items: readonly T[], write: (to: this, item: T) => void): this {
    this.unsignedVarint(items.length + 1)
    for (const item of items) write(this, item)
    return this
  }
  /** Ends a flexible structure with its tagged fields, in the order of their tags. */
  tags(fields: readonly TaggedField[] = []): this {
    this.unsignedVarint(fields.length)
    for (const { tag, value } of fields) this.unsignedVarint(tag).unsignedVarint(value.length).raw(value)
    return this
  }
  /** Bytes without their length. */
  raw(value: Uint8Array): this {
    this.#parts.push(value)
    return this
  }
  finish(): Uint8Array {
    return Buffer.concat(this.#parts)
  }

  #push(size: number, write: (part: Buffer) => void): this {
    const part = Buffer.alloc(size)
    write(part)
    return this.raw(part)
  }
}

/** Throws CORRUPT_BATCH where the bytes end in the middle of a field. */
export class FieldReader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bufferOf(bytes)
  }

  int8(): number {
    return this.#bytes.readInt8(this.#skip(1))
  }
  int16(): number {
    return this.#bytes.readInt16BE(this.#skip(2))
  }
  int32(): number {
    return this.#bytes.readInt32BE(this.#skip(4))
  }
  int64(): number {
    return readInt64(this.#bytes, this.#skip(8))
  }
  unsignedVarint(): number {
    let value = 0
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.#bytes[this.#skip(1)]!
      value += (byte & 0x7f) * 2 ** shift
      if (byte < 0x80) return value
    }
    throw new MillraceError('CORRUPT_BATCH', 'A varint has more than five bytes.')
  }
  string(): string {
    return this.#text(this.int16())
  }
  nullableString(): string | undefined {
    const length = this.int16()
    return length < 0 ? undefined : this.#text(length)
  }
  compactString(): string {
    return this.#text(this.unsignedVarint() - 1)
  }
  nullableCompactString(): string | undefined {
    const length = this.unsignedVarint() - 1
    return length < 0 ? undefined : this.#text(length)
  }
  compactBytes(): Uint8Array {
    return this.raw(this.unsignedVarint() - 1)
  }
  compactArray<T>(read: (from: this) => T): T[] {
    return this.#items(this.unsignedVarint() - 1, read)
  }
  /** Tagged fields: `visit` gets those that it may know. */
  tags(visit: (tag: number, value: Buffer) => void = () => {}): void {
    for (let count = this.unsignedVarint(); count > 0; count -= 1)
      visit(this.unsignedVarint(), this.raw(this.unsignedVarint()))
  }
  /** A view. */
  bytes(): Uint8Array {
    return this.raw(this.int32())
  }
  nullableBytes(): Uint8Array | undefined {
    const length = this.int32()
    return length < 0 ? undefined : this.raw(length)
  }
  array<T>(read: (from: this) => T): T[] {
    return this.#items(this.int32(), read)
  }
  /** A view of bytes without their length. */
  raw(size: number): Buffer {
    const start = this.#skip(size)
    return this.#bytes.subarray(start, start + size)
  }
  get bytesLeft(): number {
    return this.#bytes.length - this.#at
  }

  #items<T>(count: number, read: (from: this) => T): T[] {
    // An item has a byte at least: a damaged count must not allocate.
    if (count > this.bytesLeft) this.#skip(count)
    return Array.from({ length: Math.max(0, count) }, () => read(this))
  }

  #text(length: number): string {
    const start = this.#skip(length)
    return utf8(this.#bytes, start, start + length)
  }

  #skip(size: number): number {
    const start = this.#at
    this.#at += size
    if (size < 0 || this.#at > this.#bytes.length)
      throw new MillraceError(
        'CORRUPT_BATCH',
        `A structure ends after ${this.#bytes.length} bytes, in the middle of a field.`,
      )
    return start
  }
}
