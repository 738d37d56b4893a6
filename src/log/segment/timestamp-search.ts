/**
 * Look-up by time within a segment. Markers carry the machine's time and are left out; aborted records are
 * found as others are.
 */
import { readBatches, type RecordBatch } from '../../wire/index.ts'
import type { Segment } from './segment.ts'

/** One read of the search. */
const searchBytes = 1 << 20

/** A record that was looked up by its time. */
export interface FoundRecord {
  readonly offset: number
  readonly timestamp: number
}

/** The first record at `startOffset` or later, below `endOffset`, with this timestamp or a later one. */
export async function findTimestamp(
  segment: Segment,
  timestamp: number,
  startOffset: number,
  endOffset: number,
): Promise<FoundRecord | undefined> {
  if ((await segment.maxTimestamp()) < timestamp) return undefined
  const from = Math.max(startOffset, await segment.offsetBefore(timestamp))
  for await (const batch of recordBatches(segment, from, endOffset)) {
    if (batch.maxTimestamp < timestamp) continue
    const found = firstRecord(batch, timestamp, startOffset)
    if (found) return found
  }
  return undefined
}

/**
 * The first record with the largest timestamp of those from `startOffset` on, below `endOffset`; undefined if
 * none has a larger one than `than`.
 */
export async function findLargestTimestamp(
  segment: Segment,
  startOffset: number,
  endOffset: number,
  than: number,
): Promise<FoundRecord | undefined> {
  const largest = await segment.maxTimestamp()
  if (largest <= than) return undefined
  const found = await findTimestamp(segment, largest, startOffset, endOffset)
  if (found || (startOffset <= segment.baseOffset && endOffset >= segment.nextOffset)) return found
  // It is below the start of the log, or not readable yet: the index does not know the next largest one.
  let best: FoundRecord | undefined
  for await (const batch of recordBatches(segment, Math.max(startOffset, segment.baseOffset), endOffset)) {
    const timestamp = best?.timestamp ?? than
    if (batch.maxTimestamp <= timestamp) continue
    best = largestRecord(batch, timestamp, startOffset) ?? best
  }
  return best
}

/** Batches of records, without markers. */
async function* recordBatches(
  segment: Segment,
  from: number,
  endOffset: number,
): AsyncGenerator<RecordBatch, void, undefined> {
  for (let offset = from; ;) {
    const found = await segment.read(offset, endOffset, searchBytes)
    if (!found) return
    for (const batch of readBatches(found.bytes)) if (!batch.isControl) yield batch
    offset = found.nextOffset
  }
}

function firstRecord(batch: RecordBatch, timestamp: number, startOffset: number): FoundRecord | undefined {
  const records = batch.records()
  while (records.next())
    if (records.timestamp >= timestamp && records.offset >= startOffset)
      return { offset: records.offset, timestamp: records.timestamp }
  return undefined
}

/** The first record with the largest timestamp beyond `than`. */
function largestRecord(batch: RecordBatch, than: number, startOffset: number): FoundRecord | undefined {
  let best: FoundRecord | undefined
  let largest = than
  for (const records = batch.records(); records.next();) {
    if (records.timestamp <= largest || records.offset < startOffset) continue
    largest = records.timestamp
    best = { offset: records.offset, timestamp: largest }
  }
  return best
}
