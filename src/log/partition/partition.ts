/**
 * A partition: an ordered, append-only log of record batches, in segments.
 *
 * This file decides when the partition accepts a call, which records readers see, and how it ends. Appends go
 * through `partition-appender`, reads through `partition-reader`; `group-commit` and `partition-segments` use
 * the disk.
 *
 * Invariants
 * - logStartOffset <= lastStableOffset <= highWatermark <= written <= logEndOffset.
 * - A reader gets records below the high watermark; read-committed, below the last stable offset.
 * - A partition that failed (poisoned, damaged, closed) refuses every call with the same error. It is never
 *   brought back in this process.
 */
import { assert, isMillraceError, MillraceError } from '../../base/index.ts'
import type { AppendReceipt } from './append-receipt.ts'
import { saveEpochs } from '../epochs/epoch-checkpoint.ts'
import type { EpochEnd, LeaderEpochs } from '../epochs/leader-epochs.ts'
import { diskError } from '../files/disk-errors.ts'
import type { Flush } from './flush.ts'
import { GroupCommit } from './group-commit.ts'
import { PartitionAppender } from './partition-appender.ts'
import type { PartitionContext, PartitionDescription } from './partition-context.ts'
import type { PartitionConfig } from '../files/partition-config.ts'
import { LogStart } from './log-start.ts'
import type { PartitionSettings } from './partition-settings.ts'
import { PartitionCompaction } from './partition-compaction.ts'
import { PartitionReader, type Isolation, type ReadResult } from './partition-reader.ts'
import { PartitionSegments } from './partition-segments.ts'
import type { Marker, OpenTransaction, ProducerState } from '../producers/producer-state.ts'
import type { ReadOptions } from '../segment/segment-read.ts'
import type { StoppedPartition } from '../recovery/clean-stop.ts'
import type { RecoveredLog } from '../recovery/recovery.ts'
import { poisoned, queuedBytesMax, queueFull, readOnly } from './refusals.ts'
import { UncommittedSync } from './uncommitted-sync.ts'
import { Visibility } from './visibility.ts'

export class Partition {
  readonly topic: string
  readonly index: number
  readonly folder: string
  /**
   * What its folder states; written by the directory. The topic's id and partition count are missing if an
   * older version created it.
   */
  config: PartitionConfig
  /** `<topic>-<index>`, for messages. */
  readonly name: string
  readonly compaction: PartitionCompaction
  /** The last one is the present: each batch carries it. A start after an unclean stop raises it. */
  readonly epochs: LeaderEpochs
  readonly #context: PartitionContext
  readonly #segments: PartitionSegments
  readonly #producers: ProducerState
  readonly #visibility: Visibility
  readonly #commit: GroupCommit
  readonly #uncommitted: UncommittedSync
  readonly #appender: PartitionAppender
  readonly #reader: PartitionReader
  /** Whom the next advance wakes. */
  #waiting = new Set<() => void>()
  readonly #start: LogStart
  #settings: PartitionSettings
  #retaining: Promise<void> | undefined
  #failure: MillraceError | undefined
  #closed: MillraceError | undefined

  /** `log`, or the reason why the partition refuses. */
  constructor(
    { topic, index, folder, config, settings, epochs }: PartitionDescription,
    context: PartitionContext,
    log: RecoveredLog,
    failure?: MillraceError,
  ) {
    this.topic = topic
    this.index = index
    this.name = `${topic}-${index}`
    this.folder = folder
    this.config = config
    this.#settings = settings
    this.epochs = epochs
    this.#context = context
    this.#segments = new PartitionSegments(folder, log.segments, log.snapshotOffset, context, this)
    this.#producers = log.producers
    this.#start = new LogStart(this.#segments, log.logStartOffset, this, {
      saveLogStarts: () => context.saveLogStarts(),
      moved: () => this.#notify(),
    })
    this.compaction = new PartitionCompaction(
      context,
      this,
      this.#segments,
      this.#producers,
      log.cleaner,
      error => this.#poison(error),
    )
    this.#failure = failure
    this.#reader = new PartitionReader(this, this.#segments.all, context.readOnly, error =>
      this.#poison(error),
    )
    const endOffset = this.#segments.active.nextOffset
    this.#visibility = new Visibility(endOffset)
    this.#commit = new GroupCommit(
      {
        roll: flush => this.#roll(flush),
        write: flush => this.#segments.write(flush),
        sync: () => this.#segments.sync(),
        written: flush => this.#written(flush),
        synced: offset => this.#advance(offset),
        rejected: flushes => this.#appender.takeBack(flushes),
        failed: error => this.#poison(error),
      },
      endOffset,
    )
    this.#uncommitted = new UncommittedSync(context.clock, {
      isBehind: () => !this.#failure && !this.#closed && this.highWatermark < this.logEndOffset,
      sync: () => this.#commit.sync(),
    })
    this.#appender = new PartitionAppender(
      { ...context, where: this.name, leaderEpoch: epochs.latest },
      {
        segments: this.#segments,
        producers: this.#producers,
        visibility: this.#visibility,
        commit: this.#commit,
        source: this,
      },
    )
  }

  /** The present settings. */
  get settings(): PartitionSettings {
    return this.#settings
  }

  /** Replaces the settings, from the next append and the next round of retention on. */
  configure(settings: PartitionSettings): void {
    this.#settings = settings
  }

  /** Where a leader epoch ends (OffsetForLeaderEpoch); undefined for one beyond the present one. */
  endOfEpoch(epoch: number): EpochEnd | undefined {
    this.epochs.cutStart(this.logStartOffset)
    return this.epochs.endOf(epoch, this.logEndOffset)
  }

  /** The first offset that can be read. */
  get logStartOffset(): number {
    return this.#start.offset
  }

  /** The offset that the next record gets. */
  get logEndOffset(): number {
    return this.#appender.endOffset
  }

  /** Everything below is safe, and shown to readers. */
  get highWatermark(): number {
    return this.#visibility.highWatermark
  }

  /** Everything below is safe and belongs to no open transaction. */
  get lastStableOffset(): number {
    return Math.max(this.logStartOffset, this.#visibility.lastStableOffset(this.#producers.firstOpenOffset))
  }

  /** The present end for readers: the last stable offset, for read_uncommitted the high watermark. */
  readableEnd(isolation: Isolation): number {
    return isolation === 'read_committed' ? this.lastStableOffset : this.highWatermark
  }

  /** Everything below is on the disk. */
  get syncedOffset(): number {
    return this.#commit.syncedOffset
  }

  /** By first offset. */
  get openTransactions(): readonly OpenTransaction[] {
    return this.#producers.openTransactions()
  }

  /** Producers that have written here lately, each with the last epoch that it wrote or was ended with. */
  producers(): Iterable<{ readonly producerId: number; readonly epoch: number }> {
    return this.#producers.entries()
  }

  /** The largest producer id that the partition has ever seen; -1: none. A new one must be larger. */
  get largestProducerId(): number {
    return this.#producers.largestId
  }

  /** Why the partition refuses; undefined while it works. */
  get failure(): MillraceError | undefined {
    return this.#failure
  }

  /**
   * Appends one batch, whose bytes belong to the log from here on: offsets are written into them, and they
   * are held until they are on the disk. Its content is its caller's: batches from outside are admitted first
   * (`broker/admission.ts`).
   * @throws MillraceError CORRUPT_BATCH, UNSUPPORTED_FORMAT, RECORD_TOO_LARGE, INVALID_ARGUMENT,
   *   OUT_OF_ORDER_SEQUENCE, PRODUCER_FENCED, INVALID_TXN_STATE, LIMIT_EXCEEDED (retriable: too much waits
   *   for the disk), PARTITION_POISONED, PARTITION_DAMAGED, CLOSED
   */
  append(bytes: Uint8Array): AppendReceipt {
    this.#checkWritable()
    return this.#appender.append(bytes)
  }

  /**
   * Ends a producer's transaction. The marker's epoch is the producer's, or a later one, which then fences
   * it.
   * @throws MillraceError PRODUCER_FENCED, INVALID_TXN_STATE, LIMIT_EXCEEDED, PARTITION_POISONED,
   *   PARTITION_DAMAGED, CLOSED
   */
  appendMarker(marker: Marker): AppendReceipt {
    this.#checkWritable()
    return this.#appender.appendMarker(marker)
  }

  /** Resolves when everything appended so far is on the disk. DISK_FULL, PARTITION_POISONED. */
  async sync(): Promise<void> {
    this.#checkUsable()
    await this.#commit.sync()
  }

  /** Resolves when everything appended so far is safe: on the disk, or with `durability: 'os'` written. */
  async settle(): Promise<void> {
    this.#checkUsable()
    await (this.#context.durability === 'sync' ? this.#commit.sync() : this.#commit.write())
  }

  /** Refuses appends of the producer with an epoch below this one from now on. */
  fence(producerId: number, producerEpoch: number): void {
    this.#checkWritable()
    this.#producers.fence(producerId, producerEpoch)
  }

  /**
   * Reads whole batches from `offset` on: as many as fit into `maxBytes`, at least one if there is any. At
   * the end the result is empty. The bytes are in memory that `memory` lends; the caller gives it back
   * (`lent`).
   * @throws MillraceError OFFSET_OUT_OF_RANGE below the log's start or beyond its end; PARTITION_DAMAGED if
   *   the bytes have changed
   */
  async read(
    offset: number,
    options: { readonly maxBytes: number; readonly isolation: Isolation } & ReadOptions,
  ): Promise<ReadResult> {
    this.#checkUsable()
    const { isolation, maxBytes } = options
    if (offset < this.logStartOffset || offset > this.logEndOffset) throw this.#reader.outOfRange(offset)
    const endOffset = this.readableEnd(isolation)
    const found =
      offset < endOffset
        ? await this.#segments.reading(() => this.#reader.read(offset, endOffset, maxBytes, options))
        : undefined
    const aborted = found && isolation === 'read_committed' ? found.aborted : []
    return {
      batches: found?.bytes ?? new Uint8Array(0),
      lent: found?.lent,
      abortedTransactions: aborted.map(({ producerId, firstOffset }) => ({ producerId, firstOffset })),
      highWatermark: this.highWatermark,
      lastStableOffset: this.lastStableOffset,
      logStartOffset: this.logStartOffset,
      nextOffset: found?.nextOffset ?? offset,
    }
  }

  /** The first record with this timestamp or a later one; undefined if no readable one has. */
  async offsetForTimestamp(timestamp: number): Promise<{ offset: number; timestamp: number } | undefined> {
    this.#checkUsable()
    return this.#segments.reading(() => this.#reader.find(timestamp, this.highWatermark))
  }

  /**
   * The first record with the largest timestamp of those that are readable (KIP-734); undefined if there is
   * none.
   */
  async offsetOfLargestTimestamp(
    isolation: Isolation,
  ): Promise<{ offset: number; timestamp: number } | undefined> {
    this.#checkUsable()
    return this.#segments.reading(() => this.#reader.findLargest(this.readableEnd(isolation)))
  }

  /**
   * A reader waits at the high watermark for records of open transactions, which nobody else has synced: they
   * show within 100 ms. Counts until the high watermark moves.
   */
  wantUncommitted(): void {
    // With `durability: 'os'` they show once they are written.
    if (this.#context.durability === 'sync') this.#uncommitted.want()
  }

  /**
   * Calls `listener` once: when high watermark, last stable offset or log start have moved next, or the
   * partition has failed. Returns a function that withdraws it.
   */
  whenAdvanced(listener: () => void): () => void {
    this.#waiting.add(listener)
    return () => this.#waiting.delete(listener)
  }

  /**
   * Drops the segments that lie wholly below `offset`, as far as they are safe and decided. Resolves when
   * they are gone.
   */
  async dropBefore(offset: number): Promise<void> {
    this.#checkWritable()
    await this.#start.dropBefore(Math.min(offset, this.lastStableOffset))
  }

  /**
   * Deletes the records below `offset`, at the most the high watermark: the log then starts there. Resolves
   * with its start when that is durable. Records below an earlier start are gone already.
   * @throws MillraceError OFFSET_OUT_OF_RANGE above the high watermark; DISK_FULL, PARTITION_POISONED,
   *   PARTITION_DAMAGED, CLOSED
   */
  async deleteRecords(offset: number): Promise<number> {
    this.#checkWritable()
    if (offset > this.highWatermark)
      throw new MillraceError(
        'OFFSET_OUT_OF_RANGE',
        `${this.name} has records up to offset ${this.highWatermark}: nothing can be deleted up to ${offset}.`,
      )
    await this.#start.moveTo(offset)
    return this.logStartOffset
  }

  /**
   * Drops the segments that retention does not keep. If the newest record is too old as well, the active
   * segment is rolled and dropped, as in Kafka.
   */
  retain(): Promise<void> {
    return (this.#retaining ??= this.#retain().finally(() => {
      this.#retaining = undefined
    }))
  }

  /** Begins a new segment, unless the active one is empty. DISK_FULL, PARTITION_POISONED, CLOSED. */
  async roll(): Promise<void> {
    this.#checkWritable()
    await this.#appender.roll()
  }

  /**
   * Forgets producers that have not written for `producer.id.expiration.ms`, unless a transaction of theirs
   * is open. One that writes again is taken at any sequence number.
   */
  expireProducers(): void {
    const { clock, producerIdExpirationMs } = this.#context
    if (!this.#context.readOnly) this.#producers.expire(clock.now() - producerIdExpirationMs)
  }

  /**
   * Writes out everything, and saves files that make the next start quick. False: these could not be saved,
   * and the next start recovers.
   */
  async close(): Promise<boolean> {
    if (this.#failure) {
      await this.#abandon()
      return false
    }
    const closed = new MillraceError('CLOSED', `${this.name} is closed.`)
    const cleaned = this.compaction.stop()
    const drained = this.#drain()
    this.#closed = closed
    try {
      await drained
    } catch (error) {
      await this.#abandon()
      throw error
    }
    await this.#commit.idle()
    await cleaned
    this.#commit.break(closed)
    try {
      if (this.#failure) return false
      await this.#segments.idle()
      if (this.#context.readOnly) return true
      await this.#segments.repairIndexes()
      await saveEpochs(this.#context.disk, this.folder, this.epochs)
      this.expireProducers()
      await this.#segments.save(this.logEndOffset, [...this.#producers.entries()], this.largestProducerId)
      return true
    } catch {
      return false
    } finally {
      await this.#segments.release()
    }
  }

  /** What was saved of it by {@link close}; undefined: not everything was. */
  get stopped(): StoppedPartition | undefined {
    const { config, logStartOffset, compaction } = this
    const { entries: epochs } = this.epochs
    const { checkpoint: cleaner } = compaction
    return this.#segments.stopped({ config, logStartOffset, cleaner, epochs }, this.#producers)
  }

  /** Stops everything at once: the partition is about to be deleted. */
  async abandon(error: MillraceError): Promise<void> {
    this.#failure = error
    await this.#abandon()
    this.#notify()
  }

  async #retain(): Promise<void> {
    const isOver = (): boolean => this.#failure !== undefined || this.#closed !== undefined
    if (isOver()) return
    const offset = await this.#start.expiredBelow(this.lastStableOffset, this.#context.clock.now())
    if (isOver()) return
    if (offset === this.logEndOffset && offset > this.#segments.active.baseOffset) await this.roll()
    if (!isOver()) await this.#start.dropBefore(offset)
  }

  async #drain(): Promise<void> {
    try {
      await this.#commit.sync()
    } catch (error) {
      if (!isMillraceError(error) || !error.retriable) throw error
      // Batches that found no room were refused. Batches written before them are not yet safe.
      await this.#commit.sync()
    }
  }

  async #abandon(): Promise<void> {
    assert(this.#failure, 'an abandoned partition says why')
    this.#commit.break(this.#failure)
    await this.compaction.stop()
    await this.#commit.idle()
    await this.#segments.idle()
    await this.#segments.release()
  }

  #written(flush: Flush): void {
    this.#context.wrote(flush.sizeBytes)
    this.#uncommitted.appended()
    if (this.#context.durability === 'os') this.#advance(flush.endOffset)
  }

  #advance(offset: number): void {
    const stableBefore = this.lastStableOffset
    const safe = this.#context.durability === 'sync' ? offset : this.#commit.writtenOffset
    const isHigher = this.#visibility.advance(safe)
    if (isHigher) this.#uncommitted.advanced()
    if (isHigher || this.lastStableOffset !== stableBefore) this.#notify()
  }

  async #roll(flush: Flush): Promise<void> {
    if (!(await this.#segments.roll(flush, this.largestProducerId))) return
    await saveEpochs(this.#context.disk, this.folder, this.epochs).catch((error: unknown) =>
      this.#dropFailed(error),
    )
    this.#context.rolled()
    this.retain().catch((error: unknown) => this.#dropFailed(error))
  }

  /**
   * Files that could not be removed are below the start: the next start of the log removes them. Only a
   * failing disk is an error.
   */
  #dropFailed(error: unknown): void {
    if (this.#closed || (error instanceof MillraceError && error.retriable)) return
    this.#poison(error)
  }

  #poison(error: unknown): MillraceError {
    if (this.#failure) return this.#failure
    const cause = diskError(error, `writing ${this.name}`)
    this.#failure = poisoned(this.name, cause)
    this.#commit.break(this.#failure)
    this.#context.fatal(this.#failure)
    this.#notify()
    return this.#failure
  }

  #notify(): void {
    if (this.#waiting.size === 0) return
    const woken = this.#waiting
    // A listener may wait again.
    this.#waiting = new Set()
    for (const listener of woken) listener()
  }

  #checkUsable(): void {
    const refusal = this.#failure ?? this.#closed
    if (refusal) throw refusal
  }

  #checkWritable(): void {
    this.#checkUsable()
    if (this.#context.readOnly) throw readOnly(this.name)
    if (this.#commit.queuedBytes >= queuedBytesMax) throw queueFull(this.name)
  }
}
