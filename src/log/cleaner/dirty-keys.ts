/** The keys of the dirty part of a log, with their latest offsets: as many as the bound of memory allows. */
import type { RecordBatch } from '../../wire/index.ts'
import type { Segment } from '../segment/segment.ts'
import type { CleanableRange } from './cleanable.ts'
import { KeyOffsets } from './key-offsets.ts'
import type { SegmentWalk } from './segment-walk.ts'
import type { TransactionFates } from './transaction-fates.ts'

export interface DirtyKeys {
  readonly keys: KeyOffsets
  /** The keys of all records below are known: the end of the range, or where memory ended. */
  readonly endOffset: number
}

/** `bytesMax`: exceeded only where one batch has more keys than fit. */
export async function readDirtyKeys(
  walk: SegmentWalk,
  segments: readonly Segment[],
  { dirtyOffset, endOffset }: CleanableRange,
  fates: TransactionFates,
  bytesMax: number,
): Promise<DirtyKeys> {
  let keys = new KeyOffsets(Math.min(bytesMax, KeyOffsets.bytesFor(endOffset - dirtyOffset)))
  for (const segment of segments) {
    if (segment.nextOffset <= dirtyOffset) continue
    for await (const batches of walk.portions(segment))
      for (const batch of batches) {
        if (batch.nextOffset <= dirtyOffset || batch.isControl || fates.isAborted(batch)) continue
        if (keys.count + batch.count > keys.keysMax) {
          if (keys.count > 0) return { keys, endOffset: batch.baseOffset }
          keys = new KeyOffsets(KeyOffsets.bytesFor(batch.count))
        }
        addKeys(keys, batch)
      }
  }
  return { keys, endOffset }
}

function addKeys(keys: KeyOffsets, batch: RecordBatch): void {
  const cursor = batch.records()
  while (cursor.next())
    if (cursor.keyStart >= 0) keys.set(cursor.bytes, cursor.keyStart, cursor.keyEnd, cursor.offset)
}
