/** Batches on their way to the file of a segment: written together, or not at all. */
import { type DiskFile, systemCode } from '../../base/index.ts'
import { diskFailed, diskFull } from '../files/disk-errors.ts'
import type { AbortedTransaction } from './abort-index.ts'
import type { RoomAhead } from './room-ahead.ts'

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
 * Writes batches at `position`, where the records end, and room behind them. When the disk is full the file
 * is cut back, and nothing has happened.
 * @throws MillraceError DISK_FULL, DISK_FAILED; errors of the disk
 */
export async function writePending(
  file: DiskFile,
  path: string,
  position: number,
  { batches, sizeBytes }: PendingBatches,
  room: RoomAhead,
): Promise<void> {
  const buffers = batches.map(({ bytes }) => bytes)
  const ahead = room.after(position + sizeBytes, sizeBytes)
  if (ahead) buffers.push(ahead)
  let count
  try {
    count = await file.write(buffers, position)
  } catch (error) {
    const code = systemCode(error)
    if (code !== 'ENOSPC' && code !== 'EDQUOT') throw error
    count = 0
  }
  if (count >= sizeBytes) return room.reaches(position + count)
  // What was written in part must not come back after a crash, in front of what is written here next.
  try {
    await file.truncate(position)
    await file.sync()
    room.endsAt(position)
  } catch (error) {
    throw diskFailed(error, `cutting ${path} back after it found no room`)
  }
  throw diskFull(`appending to ${path}`)
}
