/**
 * Compaction of one partition (`log/cleaner`): what can be cleaned now, and how a cleaned segment comes into
 * the log while readers and appends continue. A pass runs in portions beside the other work of the process.
 */
import { isMillraceError, type MillraceError } from '../../base/index.ts'
import { RecordBatch } from '../../wire/index.ts'
import type { LastBatch } from '../cleaner/batch-cleaner.ts'
import { cleanableRange, type CleanableRange } from '../cleaner/cleanable.ts'
import type { CleanedSegment } from '../cleaner/cleaned-segment.ts'
import { cleanSegments } from '../cleaner/clean-segments.ts'
import {
  neverCleaned,
  writeCleanerCheckpoint,
  type CleanerCheckpoint,
} from '../cleaner/cleaner-checkpoint.ts'
import {
  readCleanerRefusal,
  removeCleanerRefusal,
  writeCleanerRefusal,
  type CleanerRefusal,
} from '../cleaner/cleaner-refusal.ts'
import { CleaningStopped, type CleanerContext } from '../cleaner/segment-walk.ts'
import { diskError } from '../files/disk-errors.ts'
import type { ProducerState } from '../producers/producer-state.ts'
import { partitionDamaged } from '../recovery/damage.ts'
import { DamagedBatch } from '../segment/segment-read.ts'
import type { Segment } from '../segment/segment.ts'
import type { PartitionSegments } from './partition-segments.ts'
import type { SettingsSource } from './partition-settings.ts'

/** The partition, which changes during a pass. */
export interface CompactedPartition extends SettingsSource {
  readonly topic: string
  readonly index: number
  readonly folder: string
  readonly lastStableOffset: number
  readonly largestProducerId: number
  /** Makes everything appended so far durable. */
  sync(): Promise<void>
  /** Makes it durable where the log starts. */
  syncStart(): Promise<void>
  /** It takes no more calls. */
  readonly failure: unknown
}

export interface CompactionContext extends CleanerContext {
  readonly producerIdExpirationMs: number
}

export class PartitionCompaction {
  readonly #context: CompactionContext
  readonly #partition: CompactedPartition
  readonly #segments: PartitionSegments
  readonly #producers: ProducerState
  readonly #poison: (error: unknown) => MillraceError
  #checkpoint: CleanerCheckpoint
  #running: Promise<boolean> | undefined
  #stopped = false
  #refusal: MillraceError | undefined
  /** A refusal may be kept, of this process or of one before. */
  #mayBeRefused = true

  constructor(
    context: CompactionContext,
    partition: CompactedPartition,
    segments: PartitionSegments,
    producers: ProducerState,
    checkpoint: CleanerCheckpoint,
    poison: (error: unknown) => MillraceError,
  ) {
    this.#context = context
    this.#partition = partition
    this.#segments = segments
    this.#producers = producers
    this.#checkpoint = checkpoint
    this.#poison = poison
  }

  /** Undefined: it was never compacted. */
  get checkpoint(): CleanerCheckpoint | undefined {
    return this.#checkpoint === neverCleaned ? undefined : this.#checkpoint
  }

  /** The keys of records below were compacted. */
  get cleanedTo(): number {
    return this.#checkpoint.cleanedTo
  }

  /** Why the partition could not be compacted the last time; undefined: it could. */
  get refusal(): MillraceError | undefined {
    return this.#refusal
  }

  /**
   * Why the partition cannot be compacted, until something changes: also as a process before has found it.
   * Undefined: it can, as far as the log knows.
   */
  async uncleanable(): Promise<CleanerRefusal | undefined> {
    return readCleanerRefusal(this.#context.disk, this.#partition.folder)
  }

  get isRunning(): boolean {
    return this.#running !== undefined
  }

  /**
   * What can be compacted now, whatever the policy of the topic; undefined: nothing, or the partition is
   * closed.
   * @throws MillraceError as {@link clean}
   */
  async range(): Promise<CleanableRange | undefined> {
    const { settings, lastStableOffset } = this.#partition
    const times = {
      largest: (segment: Segment) => segment.maxTimestamp(),
      first: (segment: Segment) => firstTimestamp(segment),
    }
    const segments = [...this.#segments.all]
    const { cleanedTo } = this.#checkpoint
    const now = this.#context.clock.now()
    try {
      return await cleanableRange(segments, cleanedTo, lastStableOffset, settings, times, now)
    } catch (error) {
      const { all } = this.#segments
      // Taken by retention, or replaced by a pass.
      const isGone = segments.some(segment => !all.includes(segment))
      if (isGone || this.#isStopped()) return undefined
      throw await this.#failed(error)
    }
  }

  /**
   * Compacts what can be compacted now, in one pass; false: there was nothing, or the partition is closed.
   * Appends and reads continue meanwhile. One pass runs at a time: a call that comes meanwhile gets its end.
   * Ends soon once `isStopped`.
   * @throws MillraceError DISK_FULL, LIMIT_EXCEEDED (both retriable), PARTITION_DAMAGED, PARTITION_POISONED;
   *   UNSUPPORTED_FORMAT, LIMIT_EXCEEDED for a batch that cannot be decompressed. The log stays as valid as
   *   before.
   */
  clean(isStopped: () => boolean = () => false): Promise<boolean> {
    return (this.#running ??= this.#clean(isStopped).finally(() => {
      this.#running = undefined
    }))
  }

  /** Ends a pass where it is. Resolves when it has ended. */
  async stop(): Promise<void> {
    this.#stopped = true
    await this.#running?.catch(() => undefined)
  }

  async #clean(isStopped: () => boolean): Promise<boolean> {
    const range = await this.range()
    if (!range || this.#isStopped()) return false
    const { all } = this.#segments
    // By where they begin: the active segment ends there too while it is empty, and may not stay so.
    const segments = all.filter(({ baseOffset }) => baseOffset < range.endOffset)
    const [first] = segments
    if (!first) return false
    // Those of segments that retention takes from now on, too.
    const aborted = all.flatMap(each => each.aborted)
    // As of now: what comes during the sync, and after it, may be taken back.
    const producers = this.#lastBatches()
    try {
      // With durability 'os' a loss of power could take back a commit whose records have replaced others.
      await this.#partition.sync()
      // A crash could bring back older segments, of which this pass has seen nothing.
      await this.#partition.syncStart()
      const cleanedTo = await cleanSegments(this.#context, {
        segments,
        range,
        settings: this.#partition.settings,
        aborted,
        producers,
        isStopped: () => this.#isStopped() || isStopped(),
        replace: (replaced, cleaned) => this.#replace(replaced, cleaned),
      })
      await this.#save({ ...this.#checkpoint, cleanedTo })
      this.#refusal = undefined
      await this.#forgetRefusal()
      return true
    } catch (error) {
      // Retention or a deletion of records was faster, and took the files away.
      const isTaken = first.baseOffset < all[0]!.baseOffset
      if (error instanceof CleaningStopped || isTaken) return false
      throw await this.#failed(error)
    }
  }

  /** The error for callers, which is kept. A failing disk ends the partition. */
  async #failed(error: unknown): Promise<MillraceError> {
    const failed = this.#explain(error)
    const refusal = failed.code === 'DISK_FAILED' ? this.#poison(failed) : failed
    this.#refusal = refusal
    if (refusal.retriable || this.#isStopped()) return refusal
    this.#mayBeRefused = true
    // Without room it is known to this process alone.
    await writeCleanerRefusal(this.#context.disk, this.#partition.folder, refusal).catch(() => undefined)
    return refusal
  }

  async #forgetRefusal(): Promise<void> {
    if (!this.#mayBeRefused) return
    await removeCleanerRefusal(this.#context.disk, this.#partition.folder)
      .then(() => {
        this.#mayBeRefused = false
      })
      .catch(() => undefined)
  }

  #explain(error: unknown): MillraceError {
    const { folder } = this.#partition
    return error instanceof DamagedBatch || isMillraceError(error, 'CORRUPT_BATCH')
      ? partitionDamaged(this.#partition, `${folder} cannot be compacted: ${error.message}`, error)
      : diskError(error, `compacting ${folder}`)
  }

  async #replace(replaced: readonly Segment[], cleaned: CleanedSegment): Promise<boolean> {
    const { baseOffset, nextOffset: endOffset } = cleaned.segment
    const gapsBelow = Math.max(this.#checkpoint.gapsBelow, endOffset)
    return this.#segments.replace(replaced, cleaned, this.#partition.largestProducerId, () =>
      this.#save({ ...this.#checkpoint, gapsBelow, merged: { baseOffset, endOffset } }),
    )
  }

  async #save(checkpoint: CleanerCheckpoint): Promise<void> {
    await writeCleanerCheckpoint(this.#context.disk, this.#partition.folder, checkpoint)
    this.#checkpoint = checkpoint
  }

  /** Of producers that are remembered. */
  #lastBatches(): Map<number, LastBatch> {
    const silentSince = this.#context.clock.now() - this.#context.producerIdExpirationMs
    const found = new Map<number, LastBatch>()
    for (const { producerId, epoch, batches, lastSeenMs } of this.#producers.entries())
      if (lastSeenMs >= silentSince) found.set(producerId, { epoch, lastOffset: batches.at(-1)?.lastOffset })
    return found
  }

  #isStopped(): boolean {
    return this.#stopped || this.#partition.failure !== undefined
  }
}

/** The largest timestamp of its first batch; -1 in an empty segment. */
async function firstTimestamp(segment: Segment): Promise<number> {
  const first = await segment.read(segment.baseOffset, Infinity, 1)
  return first ? new RecordBatch(first.bytes).maxTimestamp : -1
}
