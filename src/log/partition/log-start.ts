/**
 * The start of a partition's log. Retention drops whole segments there, oldest first; a deletion of records
 * moves it to any offset, also inside a batch. The new start shows at once. The files of segments wholly
 * below it are removed after it is durable.
 */
import { MillraceError } from '../../base/index.ts'
import { diskError } from '../files/disk-errors.ts'
import type { PartitionSegments } from './partition-segments.ts'
import type { SettingsSource } from './partition-settings.ts'
import type { Safety } from './safety.ts'
import { excessSegments, segmentsBelow } from './retention.ts'
import type { Segment } from '../segment/segment.ts'

export interface LogStartContext {
  readonly safety: Pick<Safety, 'isSynced'>
  /** Makes the log start offsets of all partitions durable. */
  saveLogStarts(): Promise<void>
  /** The start has moved. */
  moved(): void
  /** The partition takes no more calls. */
  isOver(): boolean
}

/** The partition, which changes meanwhile. */
export interface LogStartSource extends SettingsSource {
  readonly name: string
  readonly highWatermark: number
  readonly lastStableOffset: number
  readonly logEndOffset: number
  readonly syncedOffset: number
  /** Resolves when everything that was appended is on the disk. */
  sync(): Promise<void>
  /** Begins a new segment. */
  roll(): Promise<void>
}

export class LogStart {
  readonly #segments: PartitionSegments
  readonly #context: LogStartContext
  readonly #source: LogStartSource
  #offset: number
  /** It is durable. */
  #savedOffset: number
  #retaining: Promise<void> | undefined

  constructor(segments: PartitionSegments, offset: number, source: LogStartSource, context: LogStartContext) {
    this.#segments = segments
    this.#offset = offset
    this.#savedOffset = offset
    this.#source = source
    this.#context = context
  }

  /** The first offset that can be read. */
  get offset(): number {
    return this.#offset
  }

  /** Drops the segments wholly below `offset`. Resolves when they are gone. */
  dropBefore(offset: number): Promise<void> {
    return this.#drop(segmentsBelow(this.#segments.all, offset))
  }

  /** See `Partition.deleteRecords`. */
  async deleteRecords(offset: number): Promise<number> {
    const { name, highWatermark } = this.#source
    if (offset > highWatermark)
      throw new MillraceError(
        'OFFSET_OUT_OF_RANGE',
        `${name} has records up to offset ${highWatermark}: nothing can be deleted up to ${offset}.`,
      )
    await this.#moveTo(offset)
    return this.#offset
  }

  /** See `Partition.retain`. A call that comes during another gets its end. */
  retain(now: number): Promise<void> {
    return (this.#retaining ??= this.#retain(now).finally(() => {
      this.#retaining = undefined
    }))
  }

  async #retain(now: number): Promise<void> {
    if (this.#context.isOver()) return
    const offset = await this.#expiredBelow(this.#source.lastStableOffset, now)
    if (this.#context.isOver()) return
    if (offset === this.#source.logEndOffset && offset > this.#segments.active.baseOffset)
      await this.#source.roll()
    if (!this.#context.isOver()) await this.dropBefore(offset)
  }

  /** Begins at `offset`, which is in the log, or later. Durable when this resolves. */
  async #moveTo(offset: number): Promise<void> {
    // Records may be safe before they are synced. A loss of power could then leave an end below the start:
    // offsets would be given twice.
    if (offset > this.#source.syncedOffset) await this.#source.sync()
    if (offset > this.#offset) {
      this.#offset = offset
      this.#context.moved()
    }
    const count = segmentsBelow(this.#segments.all, offset)
    if (count > 0) return this.#drop(count)
    await this.#save()
  }

  /** Resolves when the start is durable, also one that a full disk has kept from it before. */
  async sync(): Promise<void> {
    if (this.#savedOffset < this.#offset) await this.#save()
  }

  async #save(): Promise<void> {
    const offset = this.#offset
    try {
      await this.#context.saveLogStarts()
    } catch (error) {
      throw diskError(error, 'saving where the log starts')
    }
    this.#savedOffset = Math.max(this.#savedOffset, offset)
  }

  /**
   * The offset below which retention keeps nothing, at the most `limitOffset`: by size only of older
   * segments, by time of the active one as well, which must then be rolled first.
   */
  async #expiredBelow(limitOffset: number, now: number): Promise<number> {
    const { delete: deletes, retentionBytes, retentionMs } = this.#source.settings
    if (!deletes) return this.#offset
    const all = [...this.#segments.all]
    const excess = excessSegments(all, retentionBytes, limitOffset, this.#context.safety.isSynced)
    let offset = excess === 0 ? this.#offset : all[excess - 1]!.nextOffset
    if (retentionMs < 0) return offset
    for (const segment of all) {
      // As of before the look: what is appended meanwhile is not judged by it.
      const { sizeBytes, nextOffset } = segment
      if (sizeBytes === 0 || nextOffset > limitOffset) break
      if (now - (await this.#newestMs(segment, now)) <= retentionMs) break
      offset = Math.max(offset, nextOffset)
    }
    return offset
  }

  async #newestMs(segment: Segment, now: number): Promise<number> {
    // A look that begins before the end is waited for there. One after it could fail: the files may be gone.
    if (this.#context.isOver()) return now
    try {
      // One that is gone meanwhile is nothing to drop.
      return (await this.#segments.newestMs(segment, now)) ?? now
    } catch (error) {
      throw diskError(error, `looking for the age of ${segment.path}`)
    }
  }

  async #drop(count: number): Promise<void> {
    if (count === 0) return this.#segments.idle()
    const dropped = this.#segments.take(count)
    this.#offset = Math.max(this.#offset, this.#segments.all[0]!.baseOffset)
    this.#context.moved()
    await this.#segments.remove(dropped, () => this.#save())
  }
}
