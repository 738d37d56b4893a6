/**
 * The baseline: a hand-written loop that does nothing but this work. It knows the bytes of a record batch
 * (src/wire/layout.ts), reuses its buffers, reads and writes without a promise, and shares no code with
 * millrace but the native checksum.
 */
import { closeSync, openSync, readdirSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { crc32c } from '../src/base/index.ts'

const chunkBytes = 1024 * 1024
const headerBytes = 61
/** Where the CRC begins to count. */
const coveredAt = 21
/** In the attributes of a batch. */
const controlBit = 0x20

/** Gets a record: where its value is in the buffer, and where its key is. */
type Visit = (buffer: Buffer, start: number, end: number, keyStart: number, keyEnd: number) => void

/**
 * Calls `visit` for all records of a partition without compressed or aborted batches. Control batches are
 * passed over.
 */
export function readRecords(folder: string, visit: Visit): void {
  const segments = readdirSync(folder).filter(name => name.endsWith('.log'))
  let buffer = Buffer.allocUnsafeSlow(chunkBytes)
  for (const segment of segments.sort()) {
    const file = openSync(join(folder, segment), 'r')
    for (let position = 0; ;) {
      const filled = readSync(file, buffer, 0, buffer.length, position)
      let at = 0
      let wanted = headerBytes
      while (filled - at >= headerBytes) {
        wanted = 12 + buffer.readInt32BE(at + 8)
        if (filled - at < wanted) break
        if (crc32c(buffer.subarray(at + coveredAt, at + wanted)) !== buffer.readUInt32BE(at + 17))
          throw new Error(`The batch at ${position + at} of ${segment} is damaged.`)
        if ((buffer[at + 22]! & controlBit) === 0)
          walk(buffer, at + headerBytes, buffer.readInt32BE(at + 57), visit)
        at += wanted
      }
      if (at === 0 && filled < buffer.length) break
      if (at === 0) buffer = Buffer.allocUnsafeSlow(wanted)
      position += at
    }
    closeSync(file)
  }
}

function walk(buffer: Buffer, first: number, count: number, visit: Visit): void {
  let at = first
  for (let n = 0; n < count; n += 1) {
    const length = varintAt(buffer, at)
    at = afterVarint(buffer, at)
    const end = at + length
    at += 1 // attributes
    at = afterVarint(buffer, at) // timestamp
    at = afterVarint(buffer, at) // offset
    const keyBytes = varintAt(buffer, at)
    const keyAt = afterVarint(buffer, at)
    const keyEnd = keyAt + Math.max(0, keyBytes)
    const valueBytes = varintAt(buffer, keyEnd)
    const valueAt = afterVarint(buffer, keyEnd)
    visit(buffer, valueAt, valueAt + valueBytes, keyAt, keyEnd)
    at = end
  }
}

function varintAt(buffer: Buffer, start: number): number {
  let at = start
  let byte = buffer[at++]!
  let value = byte & 0x7f
  for (let shift = 7; byte >= 0x80; shift += 7) {
    byte = buffer[at++]!
    value |= (byte & 0x7f) << shift
  }
  return (value >>> 1) ^ -(value & 1)
}

function afterVarint(buffer: Buffer, start: number): number {
  let at = start
  while (buffer[at++]! >= 0x80);
  return at
}

/**
 * Writes records without a key into batches of one reused buffer: the batch, ready for a file, is valid until
 * the next call.
 */
export class BaselineBatch {
  readonly #buffer: Buffer
  #at = headerBytes
  #count = 0
  #baseOffset = 0
  #baseTimestamp = 0
  #maxTimestamp = 0

  constructor(capacity: number) {
    this.#buffer = Buffer.alloc(capacity)
    const buffer = this.#buffer
    buffer[16] = 2
    buffer.fill(0xff, 43, 57) // no producer
  }

  get bytes(): number {
    return this.#at
  }

  /** `value` is ASCII. */
  add(timestamp: number, value: string): void {
    if (this.#count === 0) this.#baseTimestamp = timestamp
    this.#maxTimestamp = timestamp
    const { length } = value
    const delta = timestamp - this.#baseTimestamp
    this.#varint(3 + sizeOf(delta) + sizeOf(this.#count) + sizeOf(length) + length)
    this.#buffer[this.#at++] = 0
    this.#varint(delta)
    this.#varint(this.#count)
    this.#buffer[this.#at++] = 1 // key: null
    this.#varint(length)
    this.#at += this.#buffer.latin1Write(value, this.#at, length)
    this.#buffer[this.#at++] = 0 // headers
    this.#count += 1
  }

  finish(): Buffer {
    const buffer = this.#buffer
    const size = this.#at
    buffer.writeBigInt64BE(BigInt(this.#baseOffset), 0)
    buffer.writeInt32BE(size - 12, 8)
    buffer.writeInt32BE(this.#count - 1, 23)
    buffer.writeBigInt64BE(BigInt(this.#baseTimestamp), 27)
    buffer.writeBigInt64BE(BigInt(this.#maxTimestamp), 35)
    buffer.writeInt32BE(this.#count, 57)
    buffer.writeUInt32BE(crc32c(buffer.subarray(coveredAt, size)), 17)
    this.#baseOffset += this.#count
    this.#count = 0
    this.#at = headerBytes
    return buffer.subarray(0, size)
  }

  #varint(value: number): void {
    let rest = value << 1
    for (; rest >= 0x80; rest >>>= 7) this.#buffer[this.#at++] = (rest & 0x7f) | 0x80
    this.#buffer[this.#at++] = rest
  }
}

function sizeOf(value: number): number {
  let size = 1
  for (let rest = value << 1; rest >= 0x80; rest >>>= 7) size += 1
  return size
}
