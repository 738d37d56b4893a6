/** Batches on their way to the file of a segment: written together, or not at all. */
import { type DiskFile, systemCode } from '../../base/index.ts'
import { diskFailed, diskFull } from '../files/disk-errors.ts'
import type { AbortedTransaction } from './abort-index.ts'

/** What the indexes have to know of a batch once it is written. */
export interface PendingBatch {
  readonly bytes: Uint8Array
  readonly lastOffset: number
  readonly maxTimestamp: number
  readonly aborted: AbortedTransaction | undefined
}

/** Batches that are written together. */
export interface PendingBatches {
  readonly batches: readonly PendingBatch[]
  readonly sizeBytes: number
}

/**
 * Writes batches at the end of the file, which is at `position`. When there is no room the file is cut back,
 * and nothing has happened.
 * @throws MillraceError DISK_FULL, DISK_FAILED; errors of the disk
 */
export async function writePending(
  file: DiskFile,
  path: string,
  position: number,
  { batches, sizeBytes }: PendingBatches,
): Promise<void> {
  let count
  try {
    count = await file.write(
      batches.map(({ bytes }) => bytes),
      position,
    )
  } catch (error) {
    const code = systemCode(error)
    if (code !== 'ENOSPC' && code !== 'EDQUOT') throw error
    count = 0
  }
  if (count === sizeBytes) return
  // What was written in part must not come back after a crash, in front of what is written here next.
  try {
    await file.truncate(position)
    await file.sync()
  } catch (error) {
    throw diskFailed(error, `cutting ${path} back after it found no room`)
  }
  throw diskFull(`appending to ${path}`)
}
