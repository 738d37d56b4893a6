/**
 * The offset and the time index of one segment, which grow with its log batch by batch: on append, in
 * recovery, or when it is read again because its index files have changed.
 */
import type { RecordBatch } from '../../wire/index.ts'
import { OffsetIndex } from './offset-index.ts'
import { TimeIndex } from './time-index.ts'

/** Bytes of log per index entry: Kafka's `log.index.interval.bytes`. */
export const indexIntervalBytesDefault = 4096

export class SegmentIndexes {
  readonly offsets: OffsetIndex
  readonly times: TimeIndex
  #bytesSinceEntry = 0
  #maxTimestamp = -1
  /** Last offset of the first batch with the largest timestamp. */
  #maxTimestampOffset = -1

  /** Empty ones, or with the content of files. */
  constructor(baseOffset: number, files?: { index: Buffer; timeindex: Buffer }) {
    this.offsets = new OffsetIndex(baseOffset, files?.index)
    this.times = new TimeIndex(baseOffset, files?.timeindex)
  }

  /** Continues from files that cover a log of `sizeBytes` to its end. */
  static of(
    baseOffset: number,
    files: { index: Buffer; timeindex: Buffer },
    sizeBytes: number,
  ): SegmentIndexes {
    const indexes = new SegmentIndexes(baseOffset, files)
    const { last } = indexes.times
    indexes.#bytesSinceEntry = sizeBytes - (indexes.offsets.last?.position ?? 0)
    indexes.#maxTimestamp = last?.timestamp ?? -1
    indexes.#maxTimestampOffset = last?.offset ?? -1
    return indexes
  }

  /** Bytes in memory. */
  get sizeBytes(): number {
    return this.offsets.roomBytes + this.times.roomBytes
  }

  /** The largest timestamp; -1 without any. */
  get maxTimestamp(): number {
    return this.#maxTimestamp
  }

  /** Takes in the next batch, which is at `position`. An entry comes after each `intervalBytes` of log. */
  add(
    lastOffset: number,
    maxTimestamp: number,
    position: number,
    bytes: number,
    intervalBytes: number,
  ): void {
    if (maxTimestamp > this.#maxTimestamp) {
      this.#maxTimestamp = maxTimestamp
      this.#maxTimestampOffset = lastOffset
    }
    if (this.#bytesSinceEntry > intervalBytes) {
      this.offsets.append(lastOffset, position)
      this.times.append(this.#maxTimestamp, this.#maxTimestampOffset)
      this.#bytesSinceEntry = 0
    }
    this.#bytesSinceEntry += bytes
  }

  /** The content of the files, once the segment is complete, or for now. */
  files(): { readonly index: Uint8Array; readonly timeindex: Uint8Array } {
    this.times.append(this.#maxTimestamp, this.#maxTimestampOffset)
    return { index: this.offsets.bytes, timeindex: this.times.bytes }
  }
}

/**
 * What the time index has to know of a batch: a marker has the machine's time, which says nothing of the
 * records, and a batch that compaction has emptied has the time of records that are gone.
 */
export function indexedTimestamp(batch: RecordBatch): number {
  return batch.isControl || batch.count === 0 ? -1 : batch.maxTimestamp
}
