/**
 * A view on one record batch: header fields are read in place, records one by one by a cursor. Nothing is
 * copied or decoded before it is asked for. See layout.ts for the bytes.
 */
import {
  bufferOf,
  compressionOf,
  crc32c,
  decompress,
  MillraceError,
  type Compression,
} from '../base/index.ts'
import {
  attributesAt,
  baseOffsetAt,
  baseSequenceAt,
  baseTimestampAt,
  batchHeaderBytes,
  batchLengthAt,
  batchLengthEnd,
  codecMask,
  controlBit,
  crcAt,
  deleteHorizonBit,
  framingBytes,
  knownAttributes,
  lastOffsetDeltaAt,
  leaderEpochAt,
  logAppendTimeBit,
  magic,
  magicAt,
  maxTimestampAt,
  producerEpochAt,
  producerIdAt,
  readInt64,
  recordCountAt,
  transactionalBit,
  writeInt64,
} from './layout.ts'
import { RecordCursor } from './record-cursor.ts'

/** Default bound of a batch's decompressed bytes. The builder does not compress a larger batch. */
export const decompressedBytesMax: number = 128 * 1024 * 1024
/** Sequences wrap here. */
const sequenceMax = 0x7fff_ffff

export class RecordBatch {
  /** Exactly this batch. */
  readonly bytes: Uint8Array
  readonly #buffer: Buffer

  /**
   * A view on the batch that begins at `start`.
   * @throws MillraceError CORRUPT_BATCH when bytes are missing, UNSUPPORTED_FORMAT for another version
   */
  constructor(bytes: Uint8Array, start = 0) {
    const size = batchSizeAt(bytes, start)
    if (size === undefined || start + size > bytes.length)
      throw new MillraceError(
        'CORRUPT_BATCH',
        `The record batch at byte ${start} is cut off: ${bytes.length - start} bytes are left of ${size ?? 'its header'}.`,
      )
    this.#buffer = bufferOf(bytes).subarray(start, start + size)
    this.bytes = this.#buffer
  }

  get baseOffset(): number {
    return readInt64(this.#buffer, baseOffsetAt)
  }

  get lastOffset(): number {
    return this.baseOffset + this.#buffer.readInt32BE(lastOffsetDeltaAt)
  }

  /** The offset after the batch; compaction may have taken its last records. */
  get nextOffset(): number {
    return this.lastOffset + 1
  }

  get leaderEpoch(): number {
    return this.#buffer.readInt32BE(leaderEpochAt)
  }

  get sizeBytes(): number {
    return this.#buffer.length
  }

  get crc(): number {
    return this.#buffer.readUInt32BE(crcAt)
  }

  /** Whether the bytes match their checksum. */
  isValid(): boolean {
    return crc32c(this.#buffer.subarray(attributesAt)) === this.crc
  }

  /** Throws UNSUPPORTED_FORMAT for a codec that millrace cannot read. */
  get compression(): Compression {
    return compressionOf(this.#attributes & codecMask)
  }

  get isTransactional(): boolean {
    return (this.#attributes & transactionalBit) !== 0
  }

  get isControl(): boolean {
    return (this.#attributes & controlBit) !== 0
  }

  /** Attributes that version 2 of the format does not define for batches of producers. */
  get unknownAttributes(): number {
    return this.#attributes & ~knownAttributes
  }

  get timestampType(): 'create' | 'append' {
    return (this.#attributes & logAppendTimeBit) === 0 ? 'create' : 'append'
  }

  /** What the timestamps of its records count from; with a delete horizon, that. */
  get baseTimestamp(): number {
    return readInt64(this.#buffer, baseTimestampAt)
  }

  /**
   * When its tombstones, or its marker, may go: set by the cleaner that met them first (KIP-534). Undefined:
   * not set.
   */
  get deleteHorizonMs(): number | undefined {
    return (this.#attributes & deleteHorizonBit) === 0 ? undefined : this.baseTimestamp
  }

  get maxTimestamp(): number {
    return readInt64(this.#buffer, maxTimestampAt)
  }

  get producerId(): number {
    return readInt64(this.#buffer, producerIdAt)
  }

  get producerEpoch(): number {
    return this.#buffer.readInt16BE(producerEpochAt)
  }

  get baseSequence(): number {
    return this.#buffer.readInt32BE(baseSequenceAt)
  }

  /** Sequences continue from 0 after 2^31 - 1. */
  get lastSequence(): number {
    const { baseSequence } = this
    if (baseSequence < 0) return -1
    const last = baseSequence + this.#buffer.readInt32BE(lastOffsetDeltaAt)
    return last > sequenceMax ? last - sequenceMax - 1 : last
  }

  /** Records in the batch. After compaction fewer than its offsets, and perhaps none. */
  get count(): number {
    return this.#buffer.readInt32BE(recordCountAt)
  }

  /** A cursor in front of the first record. Decompresses, within the limit (LIMIT_EXCEEDED). */
  records(options: { readonly maxDecompressedBytes?: number } = {}): RecordCursor {
    const records = this.#buffer.subarray(batchHeaderBytes)
    const { compression } = this
    const bytes =
      compression === 'none'
        ? this.#buffer
        : bufferOf(decompress(compression, records, options.maxDecompressedBytes ?? decompressedBytesMax))
    return new RecordCursor(
      bytes,
      compression === 'none' ? batchHeaderBytes : 0,
      this.count,
      this.baseOffset,
      this.baseTimestamp,
      this.timestampType === 'append' ? this.maxTimestamp : undefined,
    )
  }

  get #attributes(): number {
    return this.#buffer.readInt16BE(attributesAt)
  }
}

/** The first offset of the batch that begins at `position`, which is there in full. */
export function firstOffsetOf(bytes: Buffer, position: number): number {
  return readInt64(bytes, position + baseOffsetAt)
}

/** The last offset of the batch that begins at `position`, which is there in full. */
export function lastOffsetOf(bytes: Buffer, position: number): number {
  return firstOffsetOf(bytes, position) + bytes.readInt32BE(position + lastOffsetDeltaAt)
}

/**
 * The size of the batch that begins at `position`, by its framing alone; undefined when too few bytes are
 * left to tell.
 * @throws MillraceError CORRUPT_BATCH for an impossible size, UNSUPPORTED_FORMAT for another version
 */
export function batchSizeAt(bytes: Uint8Array, position: number): number | undefined {
  if (bytes.length - position < framingBytes) return undefined
  const length = batchLengthOf(bytes, position)
  const version = bytes[position + magicAt]!
  if (version !== magic || length < batchHeaderBytes - batchLengthEnd)
    throw new MillraceError(
      version < magic && length > 0 ? 'UNSUPPORTED_FORMAT' : 'CORRUPT_BATCH',
      `The record batch at byte ${position} ${framingProblemAt(bytes, position)}.`,
    )
  return batchLengthEnd + length
}

/** What is wrong with a batch whose size {@link batchSizeAt} refuses: the end of a sentence about it. */
export function framingProblemAt(bytes: Uint8Array, position: number): string {
  const version = bytes[position + magicAt]!
  return version === magic
    ? `says that it is ${batchLengthOf(bytes, position)} bytes long, less than its header`
    : `has version ${version}; millrace reads version ${magic} only (Apache Kafka's since 0.11)`
}

function batchLengthOf(bytes: Uint8Array, position: number): number {
  return (
    (bytes[position + batchLengthAt]! << 24) |
    (bytes[position + 9]! << 16) |
    (bytes[position + 10]! << 8) |
    bytes[position + 11]!
  )
}

/** The batches in `bytes`, one after the other. One that is cut off at the end is left out. */
export function readBatches(bytes: Uint8Array): RecordBatch[] {
  const batches: RecordBatch[] = []
  for (let position = 0; ;) {
    const size = batchSizeAt(bytes, position)
    if (size === undefined || position + size > bytes.length) return batches
    batches.push(new RecordBatch(bytes, position))
    position += size
  }
}

/** Patches a batch's offset and leader epoch, the only fields that the CRC does not cover. */
export function assignOffsets(bytes: Uint8Array, baseOffset: number, leaderEpoch: number): void {
  const buffer = bufferOf(bytes)
  writeInt64(buffer, baseOffset, baseOffsetAt)
  buffer.writeInt32BE(leaderEpoch, leaderEpochAt)
}
