/**
 * Reads across the segments of a partition, and explains a failed read: retention was faster, the bytes have
 * changed, or the disk fails. A read never skips missing records.
 */
import { firstWhere, isMillraceError, MillraceError, systemCode } from '../../base/index.ts'
import type { Availability } from './availability.ts'
import { collectAborted, type AbortedTransaction } from '../segment/abort-index.ts'
import { partitionDamaged } from '../recovery/damage.ts'
import { diskError } from '../files/disk-errors.ts'
import { DamagedBatch, type ReadOptions as SegmentReadOptions } from '../segment/segment-read.ts'
import type { PartitionSegments } from './partition-segments.ts'
import type { Visibility } from './visibility.ts'
import type { Segment } from '../segment/segment.ts'
import { findLargestTimestamp, findTimestamp, type FoundRecord } from '../segment/timestamp-search.ts'

export type Isolation = 'read_uncommitted' | 'read_committed'

/** The result of a read. */
export interface ReadResult {
  /** Whole batches back to back. The first one may begin below the offset that was asked for. */
  readonly batches: Uint8Array
  /** The memory of `batches`, which the caller gives back; undefined if nothing was read. */
  readonly lent: Buffer | undefined
  /**
   * Aborted transactions that reach into `batches`, by the offset of their markers. Empty for
   * read_uncommitted.
   */
  readonly abortedTransactions: readonly { readonly producerId: number; readonly firstOffset: number }[]
  readonly highWatermark: number
  readonly lastStableOffset: number
  readonly logStartOffset: number
  /** Where the next read continues. */
  readonly nextOffset: number
}

/** The state of the partition, which changes during a read. */
export interface ReadSource {
  readonly topic: string
  readonly index: number
  readonly folder: string
  readonly name: string
  readonly logStartOffset: number
  readonly logEndOffset: number
  readonly highWatermark: number
  readonly lastStableOffset: number
  /** The present end for readers. */
  readableEnd(isolation: Isolation): number
}

/** What a read is asked for. */
export type ReadOptions = SegmentReadOptions & { readonly maxBytes: number; readonly isolation: Isolation }

interface ReadBatches {
  readonly bytes: Uint8Array
  readonly lent: Buffer
  /** Where the next read continues. */
  readonly nextOffset: number
  readonly aborted: readonly AbortedTransaction[]
}

export class PartitionReader {
  readonly #source: ReadSource
  /** In order: retention takes from the front, rolls add at the end. */
  readonly #segments: PartitionSegments
  /** Of a log that is only read; else undefined. */
  readonly #looked: Visibility | undefined
  readonly #availability: Availability

  constructor(
    source: ReadSource,
    segments: PartitionSegments,
    looked: Visibility | undefined,
    availability: Availability,
  ) {
    this.#source = source
    this.#segments = segments
    this.#looked = looked
    this.#availability = availability
  }

  /** See `Partition.read`. */
  async read(offset: number, options: ReadOptions): Promise<ReadResult> {
    this.#availability.check()
    const { isolation, maxBytes } = options
    const { logStartOffset, logEndOffset } = this.#source
    if (offset < logStartOffset || offset > logEndOffset) throw this.#outOfRange(offset)
    const endOffset = this.#source.readableEnd(isolation)
    const found =
      offset < endOffset
        ? await this.#segments.reading(() => this.#read(offset, endOffset, maxBytes, options))
        : undefined
    const aborted = found && isolation === 'read_committed' ? found.aborted : []
    return {
      batches: found?.bytes ?? new Uint8Array(0),
      lent: found?.lent,
      abortedTransactions: aborted.map(({ producerId, firstOffset }) => ({ producerId, firstOffset })),
      highWatermark: this.#source.highWatermark,
      lastStableOffset: this.#source.lastStableOffset,
      logStartOffset: this.#source.logStartOffset,
      nextOffset: found?.nextOffset ?? offset,
    }
  }

  /**
   * The first record below `endOffset` with this timestamp or a later one. PARTITION_DAMAGED,
   * PARTITION_POISONED.
   */
  async find(timestamp: number, endOffset: number): Promise<FoundRecord | undefined> {
    this.#availability.check()
    return this.#segments.reading(() => this.#find(timestamp, endOffset))
  }

  /**
   * The first record with the largest timestamp of all that are readable; undefined if there is none.
   * PARTITION_DAMAGED, PARTITION_POISONED.
   */
  async findLargest(isolation: Isolation): Promise<FoundRecord | undefined> {
    this.#availability.check()
    return this.#segments.reading(() => this.#findLargest(this.#source.readableEnd(isolation)))
  }

  /**
   * Whole batches from the one with `offset` on, those that begin below `endOffset`: as many as fit into
   * `maxBytes`, one at least; and the aborted transactions that reach into them. Undefined if there are none,
   * as compaction may leave it.
   * @throws MillraceError OFFSET_OUT_OF_RANGE, PARTITION_DAMAGED, PARTITION_POISONED
   */
  async #read(
    offset: number,
    endOffset: number,
    maxBytes: number,
    options: SegmentReadOptions,
  ): Promise<ReadBatches | undefined> {
    // The start may have moved while the read waited at the gate.
    if (offset < this.#source.logStartOffset) throw this.#outOfRange(offset)
    // A segment that retention takes meanwhile still has its aborted transactions.
    const segments = this.#from(offset)
    for (const segment of segments) {
      if (segment.baseOffset >= endOffset) break
      if (segment.nextOffset <= offset) continue
      const found = await this.#guard(segment, () => segment.read(offset, endOffset, maxBytes, options))
      if (found) return { ...found, aborted: abortedIn(segments, offset, found.nextOffset) }
      if (offset < this.#source.logStartOffset) throw this.#outOfRange(offset)
    }
    if (this.#looked) {
      // Its owner has cut the file since, or compaction has left nothing before the active segment.
      this.#looked.endsAt(offset)
      return undefined
    }
    const { folder } = this.#source
    throw partitionDamaged(this.#source, `${folder} ends before offset ${offset}, which is there`, undefined)
  }

  async #find(timestamp: number, endOffset: number): Promise<FoundRecord | undefined> {
    for (const segment of this.#from(this.#source.logStartOffset)) {
      if (segment.baseOffset >= endOffset) break
      const found = await this.#guard(segment, () =>
        findTimestamp(segment, timestamp, this.#source.logStartOffset, endOffset),
      )
      if (found) return found
    }
    return undefined
  }

  async #findLargest(endOffset: number): Promise<FoundRecord | undefined> {
    let best: FoundRecord | undefined
    // Both may lie inside a batch: where records of an open transaction were deleted.
    if (endOffset <= this.#source.logStartOffset) return undefined
    for (const segment of this.#from(this.#source.logStartOffset)) {
      if (segment.baseOffset >= endOffset) break
      const than = best?.timestamp ?? -1
      const found = await this.#guard(segment, () =>
        findLargestTimestamp(segment, this.#source.logStartOffset, endOffset, than),
      )
      best = found ?? best
    }
    return best
  }

  #outOfRange(offset: number): MillraceError {
    const { name, logStartOffset, logEndOffset } = this.#source
    return new MillraceError(
      'OFFSET_OUT_OF_RANGE',
      `${name} holds the offsets ${logStartOffset} to ${logEndOffset}, not ${offset}: it was dropped by retention, cut by a repair, or never synced. Read from an existing offset: the earliest, or in another group.`,
    )
  }

  /** Segments from the one that holds `offset` on. */
  #from(offset: number): readonly Segment[] {
    const { all } = this.#segments
    const next = firstWhere(all.length, n => all[n]!.baseOffset > offset)
    return all.slice(Math.max(0, next - 1))
  }

  /** Explains a failed read. Undefined if retention has taken the segment meanwhile. */
  async #guard<T>(segment: Segment, read: () => Promise<T>): Promise<T | undefined> {
    try {
      return await read()
    } catch (error) {
      const { failure } = this.#availability
      const { logStartOffset } = this.#source
      if (failure) throw failure
      if (segment.nextOffset <= logStartOffset) return undefined
      // All batches that millrace has written have one format.
      const isDamage =
        error instanceof DamagedBatch ||
        isMillraceError(error, 'CORRUPT_BATCH') ||
        (isMillraceError(error, 'UNSUPPORTED_FORMAT') && !this.#looked)
      if (isDamage) {
        const what = error instanceof DamagedBatch ? error.message : 'a batch of it has no valid header'
        throw partitionDamaged(
          this.#source,
          `${segment.path} is damaged: ${what}. What is read before it is sound`,
          error,
        )
      }
      const failed = diskError(error, `reading ${segment.path}`)
      // The owner of a log that is only read may have removed the file.
      const isInDoubt = !this.#looked && (systemCode(error) === 'EIO' || failed.code === 'DISK_FAILED')
      throw isInDoubt ? this.#availability.poison(failed) : failed
    }
  }
}

function abortedIn(segments: readonly Segment[], from: number, to: number): AbortedTransaction[] {
  const found: AbortedTransaction[] = []
  for (const segment of segments) if (!collectAborted(segment.aborted, from, to, found)) break
  return found
}
