/** Reads whole batches of a segment's file. Never hands out damaged batches, and never skips missing ones. */
import type { DiskFile, Lender } from '../../base/index.ts'
import { batchSizeAt, firstOffsetOf, lastOffsetOf, RecordBatch } from '../../wire/index.ts'

/** How a read of a partition or a segment is made. */
export interface ReadOptions {
  /** Lends the memory that the read fills. Default: fresh memory. */
  readonly memory?: Lender | undefined
  /**
   * Whether checksums are compared. False for a reader that compares them itself, as every client of Kafka's
   * protocol does. Default true.
   */
  readonly checksums?: boolean | undefined
}

/** The place of a batch, with the offset that is known before it is read: its first, or its last. */
export interface Place {
  readonly position: number
  readonly baseOffset?: number
  readonly lastOffset?: number
}

export interface ReadLimits {
  /** The end of the completely written batches. */
  readonly sizeBytes: number
  /** Read from the batch with this offset on, … */
  readonly offset: number
  /** … batches that begin below this one, … */
  readonly endOffset: number
  /** … as many as fit into this, but one at least. */
  readonly maxBytes: number
  /** Offsets follow each other. Compaction by Apache Kafka leaves gaps. */
  readonly gapless: boolean
  readonly memory: Lender
  readonly checksums: boolean
}

export interface BatchesRead {
  /** Batches back to back, in the memory that was lent. */
  readonly bytes: Uint8Array
  /** That memory: the caller gives it back. */
  readonly lent: Buffer
  readonly nextOffset: number
  /** Where the batch with `nextOffset` begins. */
  readonly endPosition: number
}

/**
 * Undefined if the file has no such batch. Checksums and offsets are checked. Batches before a damaged one
 * are handed out; the next read meets it first, and throws.
 * @throws DamagedBatch
 */
export async function readBatchesAt(
  file: DiskFile,
  place: Place,
  limits: ReadLimits,
): Promise<BatchesRead | undefined> {
  const { sizeBytes, offset, endOffset, maxBytes, gapless, memory, checksums } = limits
  let position = place.position
  /** Of the batch at the position; undefined at a place that only knows its end. */
  let baseOffset = place.baseOffset
  let lent: Buffer | undefined
  let chunk: Buffer = nothing
  let start = position
  let first = -1
  let nextOffset = offset
  try {
    while (position < sizeBytes) {
      const length = batchSizeAt(chunk, position - start)
      if (length === undefined || position - start + length > chunk.length) {
        if (first !== -1) break
        const wanted = Math.min(sizeBytes - position, Math.max(maxBytes, length ?? 0))
        // The end: the bytes of the last batch are missing.
        if (length !== undefined && wanted < length) break
        const bytes = Math.max(wanted, Math.min(sizeBytes - position, 128))
        if (lent && lent.length < bytes) {
          memory.giveBack(lent)
          lent = undefined
        }
        lent ??= memory.lend(bytes)
        const filled = await file.read(lent.subarray(0, bytes), position)
        chunk = lent.subarray(0, filled)
        start = position
        const size = batchSizeAt(chunk, 0)
        // Where the file was cut since, a longer read finds no more.
        if (size === undefined || (size > filled && filled < bytes)) break
        continue
      }
      const at = position - start
      const begins = firstOffsetOf(chunk, at)
      const ends = lastOffsetOf(chunk, at)
      // The checksum does not cover the offset of a batch.
      const isInPlace =
        baseOffset === undefined ? ends === place.lastOffset : begins === baseOffset || !gapless
      if (!isInPlace) throw new DamagedBatch(nextOffset)
      baseOffset = begins
      if (begins >= endOffset) break
      if (first !== -1 || ends >= offset) {
        if (first !== -1 && at + length - first > maxBytes) break
        const isMissing = begins > nextOffset && gapless
        if (isMissing || (checksums && !new RecordBatch(chunk, at).isValid()))
          throw new DamagedBatch(nextOffset)
        if (first === -1) first = at
        nextOffset = ends + 1
      }
      position += length
      baseOffset = ends + 1
    }
    // Where an index knows of a batch there is one, unless it is the index of another file.
    if (baseOffset === undefined) throw new DamagedBatch(nextOffset)
  } catch (error) {
    if (first === -1) {
      if (lent) memory.giveBack(lent)
      throw error
    }
  }
  if (first !== -1)
    return { bytes: chunk.subarray(first, position - start), lent: lent!, nextOffset, endPosition: position }
  if (lent) memory.giveBack(lent)
  return undefined
}

const nothing = Buffer.alloc(0)

/** A batch below the high watermark whose bytes have changed. */
export class DamagedBatch extends Error {
  readonly offset: number

  constructor(offset: number) {
    super(`the batch at offset ${offset} is damaged or missing`)
    this.offset = offset
  }
}
