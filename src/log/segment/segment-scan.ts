/** Scans the batches of a log file in large reads, and reports where, and why, they end. */
import type { DiskFile } from '../../base/index.ts'
import { isMillraceError } from '../../base/index.ts'
import { batchHeaderBytes, batchSizeAt, framingProblemAt, RecordBatch } from '../../wire/index.ts'

/** One read, unless a single batch is larger. */
const chunkBytes = 1 << 20

export interface ScanFrom {
  readonly position: number
  /** The start of the next batch. */
  readonly offset: number
}

export interface ScanOptions {
  /** Offsets must follow each other without a gap, as in a log that was never compacted. */
  readonly gapless: boolean
  /** Called before each read but the first; what it throws ends the scan. */
  readonly pause?: (() => Promise<void>) | undefined
}

export interface ScanEnd extends ScanFrom {
  /** Why the scan ended before the end of the file; undefined if it did not. */
  readonly problem: string | undefined
}

/** Visits every batch from `from` to `size`, or to the first bad one. */
export async function scanSegment(
  file: DiskFile,
  size: number,
  from: ScanFrom,
  options: ScanOptions,
  visit: (batch: RecordBatch, position: number) => void,
): Promise<ScanEnd> {
  let { position, offset } = from
  let chunk = Buffer.alloc(0)
  /** The position of the chunk in the file. */
  let start = position
  const end = (problem?: string): ScanEnd => ({ position, offset, problem })
  while (position < size) {
    const left = size - position
    let length = sizeOrProblem(chunk, position - start)
    if (typeof length === 'string') return end(length)
    if (length === undefined || position - start + length > chunk.length) {
      if (length !== undefined && length > left)
        return end(`a batch of ${length} bytes has only ${left} left in the file`)
      if (left < batchHeaderBytes) return end(`${left} bytes are left, too few for a batch`)
      if (chunk.length > 0) await options.pause?.()
      const room = Buffer.allocUnsafeSlow(Math.min(left, Math.max(chunkBytes, length ?? 0)))
      start = position
      chunk = room.subarray(0, await file.read(room, position))
      length = sizeOrProblem(chunk, 0)
      if (typeof length === 'string') return end(length)
      if (length !== undefined && length > left)
        return end(`a batch of ${length} bytes has only ${left} left in the file`)
      if (length === undefined) return end('the file ends within the header of a batch')
      // The file was cut since its size was asked for.
      if (length > chunk.length && chunk.length < room.length) return end('the file ends within a batch')
      // Larger than a chunk: read it again, with its size.
      if (length > chunk.length) continue
    }
    const batch = new RecordBatch(chunk, position - start)
    const { baseOffset } = batch
    if (baseOffset < offset || (options.gapless && baseOffset > offset))
      return end(`a batch has base offset ${baseOffset}, and ${offset} was expected`)
    if (!batch.isValid()) return end('the checksum of a batch does not match its content')
    if (batch.count < 0 || batch.nextOffset <= baseOffset) return end('a batch counts its records backwards')
    visit(batch, position)
    position += length
    offset = batch.nextOffset
  }
  return end()
}

/**
 * The size of the batch at `position`; undefined where the bytes end before it says; text when it cannot be a
 * batch.
 */
function sizeOrProblem(bytes: Buffer, position: number): number | string | undefined {
  try {
    return batchSizeAt(bytes, position)
  } catch (error) {
    // Without the place in these bytes, which is not that in the file.
    if (isMillraceError(error)) return `a batch ${framingProblemAt(bytes, position)}`
    throw error
  }
}
