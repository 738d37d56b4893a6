/**
 * Builds record batches: records are written straight into one growing buffer, which becomes the finished
 * batch. No allocation per record, and no copy of a batch that is not compressed. The buffer may be lent; it
 * goes back once the batch was acknowledged ({@link BatchBuilder.acknowledged}).
 */
import {
  assert,
  compress,
  compressionId,
  crc32c,
  freshMemory,
  sizeOfVarint,
  writeAscii,
  writeVarint,
  writeVarlong,
  type Compression,
  type Lender,
} from '../base/index.ts'
import {
  attributesAt,
  baseSequenceAt,
  baseTimestampAt,
  batchHeaderBytes,
  batchLengthAt,
  batchLengthEnd,
  controlBit,
  crcAt,
  lastOffsetDeltaAt,
  leaderEpochAt,
  logAppendTimeBit,
  magic,
  magicAt,
  maxTimestampAt,
  producerEpochAt,
  producerIdAt,
  recordCountAt,
  transactionalBit,
  writeInt64,
} from './layout.ts'
import { decompressedBytesMax } from './record-batch.ts'

export interface RecordHeader {
  readonly key: string
  readonly value: Uint8Array | null
}

/** A key or a value: text is written as UTF-8. */
export type RecordField = string | Uint8Array | null

export interface BatchBuilderOptions {
  /** Default none. */
  readonly compression?: Compression
  /** Bytes of the first buffer, which is made with the first record. Default 16 KiB. */
  readonly initialBytes?: number
  /** Lends the buffers. Default: fresh ones. */
  readonly memory?: Lender
}

const initialBytesDefault = 16 * 1024
/** The buffer of a builder without records: most builders that have built a batch never begin another one. */
const nothing = Buffer.alloc(0)

/** The producer's stamp of a batch. */
export interface BatchStamp {
  /** Default -1: no producer. */
  readonly producerId?: number
  readonly producerEpoch?: number
  readonly baseSequence?: number
  readonly transactional?: boolean
  readonly control?: boolean
  readonly baseOffset?: number
  readonly leaderEpoch?: number
  /** All records count as written at this time, whatever their own says (`LogAppendTime`). */
  readonly appendTime?: number
  /** Default: the builder's. */
  readonly compression?: Compression
}

/** Bytes of a record's lengths, attributes and deltas, at the most; the deltas are of 10 and 5 bytes. */
const fieldsMax = 5 + 1 + 10 + 5 + 5 + 5
/** Bytes of the same fields but the record's length, as most records have them. */
const fieldsUsual = 1 + 2 + 2 + 1 + 1
/** Bytes of UTF-8 that a UTF-16 unit takes, at the most. */
const utf8UnitBytesMax = 3
/** Text of at most so many UTF-16 units is quicker written one by one than by `utf8Write`. */
const shortTextUnits = 16

export class BatchBuilder {
  readonly #compression: Compression
  readonly #memory: Lender
  #buffer: Buffer = nothing
  /** Lent buffers of batches that were built, and not acknowledged. */
  #built: Buffer[] = []
  /** Bytes of the next buffer. */
  #bufferBytes: number
  #position = batchHeaderBytes
  /** Where the body of the current record begins, behind its length. */
  #bodyAt = 0
  #count = 0
  #baseTimestamp = 0
  #minTimestamp = 0
  #maxTimestamp = 0
  #hasNullKey = false
  /** The headers of the last record, and their bytes, which end it. Most have those of the record before. */
  #lastHeaders: readonly RecordHeader[] | null | undefined = null
  #lastHeadersBytes = 0

  constructor(options: BatchBuilderOptions = {}) {
    this.#compression = options.compression ?? 'none'
    this.#bufferBytes = options.initialBytes ?? initialBytesDefault
    this.#memory = options.memory ?? freshMemory
  }

  /** Records so far. */
  get count(): number {
    return this.#count
  }

  /** Bytes of the batch so far, before compression. */
  get sizeBytes(): number {
    return this.#position
  }

  /** The least timestamp so far, without those of -1, which say that a record has none. */
  get minTimestamp(): number {
    return Math.min(this.#minTimestamp, this.#maxTimestamp)
  }

  /** The largest timestamp so far. */
  get maxTimestamp(): number {
    return this.#maxTimestamp
  }

  /** Whether a record of the batch has no key. */
  get hasNullKey(): boolean {
    return this.#hasNullKey
  }

  /**
   * Adds a record. Null is Kafka's null: no key, or a value that deletes.
   *
   * Text is written as UTF-8 into the batch. It is not measured first, since that takes as long as writing
   * it: it counts as ASCII until it is written, and other lengths are corrected then. Headers that are the
   * array of the record before are not looked at again.
   */
  append(timestamp: number, key: RecordField, value: RecordField, headers?: readonly RecordHeader[]): void {
    const headersBytes = headers === this.#lastHeaders ? this.#lastHeadersBytes : sizeOfHeaders(headers)
    const length = (key === null ? 0 : key.length) + (value === null ? 0 : value.length)
    // Near the end of the buffer text is measured: the buffer does not grow for bytes that are not there.
    if (!this.#hasRoom(length * utf8UnitBytesMax + headersBytes))
      this.#reserve(bytesOf(key) + bytesOf(value) + headersBytes)
    let position = this.#begin(timestamp, key === null, length + headersBytes)
    position = this.#field(key, position)
    position = this.#field(value, position)
    this.#end(position, headers)
  }

  /**
   * Ends the batch, and begins an empty one. The bytes returned are the caller's own, until
   * {@link acknowledged}. Compression never makes a batch larger.
   */
  build(stamp: BatchStamp = {}): Uint8Array {
    assert(this.#count > 0, 'a batch has a record')
    const compression = stamp.compression ?? this.#compression
    const compressed = compression === 'none' ? undefined : this.#compressed(compression)
    const bytes = compressed ?? this.#take()
    bytes.writeInt32BE(bytes.length - batchLengthEnd, batchLengthAt)
    bytes.writeInt32BE(stamp.leaderEpoch ?? -1, leaderEpochAt)
    bytes.writeInt8(magic, magicAt)
    const attributes =
      compressionId(compressed ? compression : 'none') |
      (stamp.appendTime === undefined ? 0 : logAppendTimeBit) |
      (stamp.transactional ? transactionalBit : 0) |
      (stamp.control ? controlBit : 0)
    bytes.writeInt16BE(attributes, attributesAt)
    bytes.writeInt32BE(this.#count - 1, lastOffsetDeltaAt)
    writeInt64(bytes, this.#baseTimestamp, baseTimestampAt)
    writeInt64(bytes, stamp.appendTime ?? this.#maxTimestamp, maxTimestampAt)
    writeInt64(bytes, stamp.producerId ?? -1, producerIdAt)
    bytes.writeInt16BE(stamp.producerEpoch ?? -1, producerEpochAt)
    bytes.writeInt32BE(stamp.baseSequence ?? -1, baseSequenceAt)
    bytes.writeInt32BE(this.#count, recordCountAt)
    writeInt64(bytes, stamp.baseOffset ?? 0, 0)
    bytes.writeUInt32BE(crc32c(bytes.subarray(attributesAt)), crcAt)
    this.#count = 0
    this.#hasNullKey = false
    this.#lastHeaders = null
    return bytes
  }

  /** The log has the batches that were built: nobody looks at their bytes any more. */
  acknowledged(): void {
    for (const buffer of this.#built) this.#memory.giveBack(buffer)
    this.#built = []
    if (this.#count > 0 || this.#buffer === nothing) return
    this.#memory.giveBack(this.#buffer)
    this.#buffer = nothing
  }

  /** The log has failed, and may still write what was built: that memory does not come back. */
  failed(): void {
    for (const buffer of this.#built) this.#memory.forget(buffer)
    this.#built = []
  }

  /**
   * Writes everything in front of the key but the record's length, for which it leaves room; returns the
   * position after it. `contentBytes`: about the bytes of key, value and headers.
   */
  #begin(timestamp: number, isKeyNull: boolean, contentBytes: number): number {
    assert(Number.isSafeInteger(timestamp), 'a timestamp is a whole number of milliseconds')
    if (this.#count === 0) {
      this.#baseTimestamp = this.#maxTimestamp = timestamp
      this.#minTimestamp = Number.MAX_SAFE_INTEGER
    } else if (timestamp > this.#maxTimestamp) this.#maxTimestamp = timestamp
    if (timestamp < this.#minTimestamp && timestamp >= 0) this.#minTimestamp = timestamp
    if (isKeyNull) this.#hasNullKey = true
    this.#bodyAt = this.#position + sizeOfVarint(contentBytes + fieldsUsual)
    const buffer = this.#buffer
    buffer[this.#bodyAt] = 0
    const position = writeVarlong(buffer, this.#bodyAt + 1, timestamp - this.#baseTimestamp)
    return writeVarint(buffer, position, this.#count)
  }

  #end(position: number, headers: readonly RecordHeader[] | undefined): void {
    let end = position
    if (headers === undefined || headers.length === 0) this.#buffer[end++] = 0
    else if (headers === this.#lastHeaders) end = this.#sameHeaders(end)
    else end = this.#headers(headers, end)
    this.#position = putLength(this.#buffer, this.#position, this.#bodyAt, end - this.#bodyAt)
    this.#count += 1
    this.#lastHeaders = headers
    this.#lastHeadersBytes = end - position
  }

  /** Writes a key or a value with its length in front; returns the position after it. */
  #field(field: RecordField, position: number): number {
    const buffer = this.#buffer
    if (field === null) return writeVarint(buffer, position, -1)
    const { length } = field
    const start = writeVarint(buffer, position, length)
    if (typeof field !== 'string') {
      buffer.set(field, start)
      return start + length
    }
    if (length <= shortTextUnits && writeAscii(buffer, start, field)) return start + length
    const bytes = buffer.utf8Write(field, start)
    // Otherwise it is not ASCII.
    return bytes === length ? start + bytes : putLength(buffer, position, start, bytes)
  }

  /** Writes headers with their count in front; returns the position after them. */
  #headers(headers: readonly RecordHeader[], at: number): number {
    let position = writeVarint(this.#buffer, at, headers.length)
    for (const { key, value } of headers) position = this.#field(value, this.#field(key, position))
    return position
  }

  /** Writes the headers of the last record again; returns the position after them. */
  #sameHeaders(at: number): number {
    const buffer = this.#buffer
    const end = this.#position
    let to = at
    for (let from = end - this.#lastHeadersBytes; from < end; from += 1) buffer[to++] = buffer[from]!
    return to
  }

  /** Whether the buffer takes a record of so many bytes of content. */
  #hasRoom(contentBytes: number): boolean {
    return this.#position + fieldsMax + contentBytes <= this.#buffer.length
  }

  #reserve(contentBytes: number): void {
    if (this.#hasRoom(contentBytes)) return
    const bytes = this.#position + fieldsMax + contentBytes
    this.#bufferBytes = Math.max(this.#bufferBytes, this.#buffer.length * 2, bytes)
    const grown = this.#memory.lend(this.#bufferBytes)
    this.#buffer.copy(grown, 0, 0, this.#position)
    if (this.#buffer !== nothing) this.#memory.giveBack(this.#buffer)
    this.#buffer = grown
  }

  #take(): Buffer {
    const bytes = this.#buffer.subarray(0, this.#position)
    if (this.#memory !== freshMemory) this.#built.push(this.#buffer)
    this.#buffer = nothing
    this.#position = batchHeaderBytes
    return bytes
  }

  /**
   * Undefined if compression does not make the records smaller, or a reader would refuse them as too large.
   */
  #compressed(compression: Compression): Buffer | undefined {
    if (this.#position - batchHeaderBytes > decompressedBytesMax) return undefined
    const records = compress(compression, this.#buffer.subarray(batchHeaderBytes, this.#position))
    if (batchHeaderBytes + records.length >= this.#position) return undefined
    this.#position = batchHeaderBytes
    return Buffer.concat([this.#buffer.subarray(0, batchHeaderBytes), records])
  }
}

/**
 * Writes the length of `bytes` that begin at `start`, in front of them, at `position`. They move if the
 * length takes another room than was left for it. Returns the position after them.
 */
function putLength(buffer: Buffer, position: number, start: number, bytes: number): number {
  const moved = position + sizeOfVarint(bytes)
  if (moved !== start) buffer.copyWithin(moved, start, start + bytes)
  writeVarint(buffer, position, bytes)
  return moved + bytes
}

function bytesOf(field: RecordField): number {
  if (field === null) return 0
  return typeof field === 'string' ? Buffer.byteLength(field) : field.length
}

/** With their count in front. */
function sizeOfHeaders(headers: readonly RecordHeader[] | undefined): number {
  if (headers === undefined || headers.length === 0) return 1
  let size = sizeOfVarint(headers.length)
  for (const { key, value } of headers) {
    const keyBytes = Buffer.byteLength(key)
    const valueBytes = value === null ? -1 : value.length
    size += sizeOfVarint(keyBytes) + keyBytes + sizeOfVarint(valueBytes) + Math.max(valueBytes, 0)
  }
  return size
}
