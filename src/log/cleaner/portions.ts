/**
 * Reads a log file in portions of whole batches. Every batch is checked: damage must not be copied, nor lead
 * to the removal of what it hides.
 */
import type { DiskFile } from '../../base/index.ts'
import { batchHeaderBytes, batchSizeAt, readBatches, type RecordBatch } from '../../wire/index.ts'
import { DamagedBatch } from '../segment/segment-read.ts'

/** Memory for one portion, lent to each read. It grows to the largest batch. */
export class PortionBuffer {
  #bytes: Buffer

  constructor(bytes: number) {
    this.#bytes = Buffer.allocUnsafeSlow(Math.max(bytes, batchHeaderBytes))
  }

  /** The buffer, with room for `bytes`. */
  atLeast(bytes: number): Buffer {
    if (this.#bytes.length < bytes) this.#bytes = Buffer.allocUnsafeSlow(bytes)
    return this.#bytes
  }
}

/** Whole batches, valid until the next portion is read. */
export interface Portion {
  readonly batches: readonly RecordBatch[]
  /** Where the next portion begins. */
  readonly endPosition: number
}

/** Where a portion begins, and what is known of the file. */
export interface PortionPlace {
  readonly position: number
  /** Below it no batch may begin. */
  readonly nextOffset: number
  /** Of the whole batches in the file. */
  readonly sizeBytes: number
  /** Each batch begins where the one before ends: no compaction has been here. */
  readonly gapless: boolean
}

/**
 * The batches at a place: as many as the buffer holds, one at least.
 * @throws DamagedBatch
 */
export async function readPortion(
  file: DiskFile,
  { position, nextOffset, sizeBytes, gapless }: PortionPlace,
  buffer: PortionBuffer,
): Promise<Portion> {
  let room = buffer.atLeast(batchHeaderBytes)
  for (;;) {
    const wanted = room.subarray(0, Math.min(room.length, sizeBytes - position))
    const chunk = wanted.subarray(0, await file.read(wanted, position))
    const batches = readBatches(chunk)
    let offset = nextOffset
    let endPosition = position
    for (const batch of batches) {
      const isInPlace = gapless ? batch.baseOffset === offset : batch.baseOffset >= offset
      if (!isInPlace || !batch.isValid()) throw new DamagedBatch(offset)
      offset = batch.nextOffset
      endPosition += batch.sizeBytes
    }
    if (batches.length > 0) return { batches, endPosition }
    const size = batchSizeAt(chunk, 0)
    if (size === undefined || size <= room.length || size > sizeBytes - position)
      throw new DamagedBatch(nextOffset)
    room = buffer.atLeast(size)
  }
}
