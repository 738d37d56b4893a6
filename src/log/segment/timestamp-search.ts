/**
 * Look-up by time within a segment. Markers carry the machine's time and are left out; aborted records are
 * found as others are.
 */
import { readBatches, type RecordBatch } from '../../wire/index.ts'
import type { Segment } from './segment.ts'

/** One read of the search. */
const searchBytes = 1 << 20

/** The first record at `startOffset` or later, below `endOffset`, with this timestamp or a later one. */
export async function findTimestamp(
  segment: Segment,
  timestamp: number,
  startOffset: number,
  endOffset: number,
): Promise<{ offset: number; timestamp: number } | undefined> {
  if ((await segment.maxTimestamp()) < timestamp) return undefined
  let offset = Math.max(startOffset, await segment.offsetBefore(timestamp))
  for (;;) {
    const found = await segment.read(offset, endOffset, searchBytes)
    if (!found) return undefined
    for (const batch of readBatches(found.bytes)) {
      if (batch.isControl || batch.maxTimestamp < timestamp) continue
      const record = firstRecord(batch, timestamp, startOffset)
      if (record) return record
    }
    offset = found.nextOffset
  }
}

function firstRecord(
  batch: RecordBatch,
  timestamp: number,
  startOffset: number,
): { offset: number; timestamp: number } | undefined {
  const records = batch.records()
  while (records.next())
    if (records.timestamp >= timestamp && records.offset >= startOffset)
      return { offset: records.offset, timestamp: records.timestamp }
  return undefined
}
