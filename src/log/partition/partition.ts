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
 */
import type { MillraceError } from '../../base/index.ts'
import { AdvanceListeners } from './advance-listeners.ts'
import type { AppendReceipt } from './append-receipt.ts'
import { Availability } from './availability.ts'
import { saveEpochs } from '../epochs/epoch-checkpoint.ts'
import type { EpochEnd, LeaderEpochs } from '../epochs/leader-epochs.ts'
import type { Flush } from './flush.ts'
import { GroupCommit } from './group-commit.ts'
import { PartitionAppender } from './partition-appender.ts'
import type { PartitionContext, PartitionDescription } from './partition-context.ts'
import type { PartitionConfig } from '../files/partition-config.ts'
import { LogStart } from './log-start.ts'
import { PartitionEnd } from './partition-end.ts'
import type { PartitionSettings } from './partition-settings.ts'
import { PartitionCompaction } from './partition-compaction.ts'
import { PartitionReader, type Isolation, type ReadOptions, type ReadResult } from './partition-reader.ts'
import { PartitionSegments } from './partition-segments.ts'
import type { Marker, OpenTransaction, ProducerEntry, ProducerState } from '../producers/producer-state.ts'
import type { FoundRecord } from '../segment/timestamp-search.ts'
import type { StoppedPartition } from '../recovery/clean-stop.ts'
import type { RecoveredLog } from '../recovery/recovery.ts'
import { SafeRecords } from './safe-records.ts'
import { Safety } from './safety.ts'
import type { UncommittedSync } from './uncommitted-sync.ts'

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
  readonly #safe: SafeRecords
  readonly #commit: GroupCommit
  readonly #appender: PartitionAppender
  readonly #reader: PartitionReader
  readonly #listeners = new AdvanceListeners()
  readonly #availability: Availability
  readonly #start: LogStart
  readonly #end: PartitionEnd
  #settings: PartitionSettings

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
    const { name } = this
    const queuedBytes = (): number => this.#commit.queuedBytes
    this.#availability = new Availability({ name, ...context, queuedBytes }, failure, reason => {
      this.#appender.break(reason)
      context.fatal(reason)
      this.#listeners.notify()
    })
    const safety = new Safety(context.durability, this)
    const poison = (error: unknown): MillraceError => this.#availability.poison(error)
    const { producers, cleaner } = log
    const segments = new PartitionSegments(folder, log.segments, log.snapshotOffset, context)
    segments.configure(settings)
    this.#segments = segments
    this.#producers = producers
    this.#start = new LogStart(segments, log.logStartOffset, this, {
      safety,
      saveLogStarts: () => context.saveLogStarts(),
      moved: () => this.#listeners.notify(),
      isOver: () => this.#availability.isOver,
    })
    this.compaction = new PartitionCompaction(context, this, segments, producers, cleaner, poison)
    this.#commit = new GroupCommit(
      {
        roll: flush => this.#roll(flush),
        write: flush => segments.write(flush),
        sync: () => segments.sync(),
        written: flush => this.#written(flush),
        synced: () => this.#synced(),
        rejected: (flushes, error) => this.#appender.takeBack(flushes, error),
        failed: poison,
      },
      segments.active.nextOffset,
      () => context.clock.yield(),
    )
    this.#safe = new SafeRecords({
      clock: context.clock,
      source: this,
      commit: this.#commit,
      safety,
      firstOpenOffset: () => producers.firstOpenOffset,
      isOver: () => this.#availability.isOver,
      moved: () => this.#listeners.notify(),
    })
    const { visibility } = this.#safe
    const looked = context.readOnly ? visibility : undefined
    this.#reader = new PartitionReader(this, segments, looked, this.#availability)
    const appending = { ...context, where: name, leaderEpoch: epochs.latest }
    const parts = { segments, producers, visibility, commit: this.#commit, safety, source: this }
    this.#appender = new PartitionAppender(appending, parts)
    const ending = { availability: this.#availability, segments, commit: this.#commit, safe: this.#safe }
    this.#end = new PartitionEnd(this, { ...ending, appender: this.#appender }, context)
  }

  /** The present settings. */
  get settings(): PartitionSettings {
    return this.#settings
  }

  /** Replaces the settings, from the next append and the next round of retention on. */
  configure(settings: PartitionSettings): void {
    this.#settings = settings
    this.#segments.configure(settings)
    if (this.#availability.isOver || this.#context.readOnly) return
    this.#safe.configured()
    this.#appender.hasAdvanced()
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
    return this.#safe.highWatermark
  }

  /** Everything below is safe and belongs to no open transaction. */
  get lastStableOffset(): number {
    return this.#safe.lastStableOffset
  }

  /** The present end for readers: the last stable offset, for read_uncommitted the high watermark. */
  readableEnd(isolation: Isolation): number {
    return this.#safe.readableEnd(isolation)
  }

  /** Who waits for records of open transactions says so here. */
  get uncommitted(): UncommittedSync {
    return this.#safe.uncommitted
  }

  /** Bytes of its records in the files. */
  get sizeBytes(): number {
    return this.#segments.sizeBytes
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
  producers(): Iterable<ProducerEntry> {
    return this.#producers.entries()
  }

  /** The largest producer id that the partition has ever seen; -1: none. A new one must be larger. */
  get largestProducerId(): number {
    return this.#producers.largestId
  }

  /** Why the partition refuses; undefined while it works. */
  get failure(): MillraceError | undefined {
    return this.#availability.failure
  }

  /**
   * Appends one batch, whose bytes belong to the log from here on: offsets are written into them, and they
   * are held until they are on the disk. Its content is its caller's: batches from outside are admitted first
   * (`broker/admission/admission.ts`).
   * @throws MillraceError CORRUPT_BATCH, UNSUPPORTED_FORMAT, RECORD_TOO_LARGE, INVALID_ARGUMENT,
   *   OUT_OF_ORDER_SEQUENCE, PRODUCER_FENCED, INVALID_TXN_STATE, LIMIT_EXCEEDED (retriable: too much waits
   *   for the disk), PARTITION_POISONED, PARTITION_DAMAGED, CLOSED
   */
  append(bytes: Uint8Array): AppendReceipt {
    this.#availability.checkWritable()
    return this.#appender.append(bytes)
  }

  /**
   * Calls `append`, which calls {@link append}: at once, or if too much is on its way to the disk once there
   * is room. Calls keep their order. One that waits fails with what those before it fail with: DISK_FULL,
   * PARTITION_POISONED, CLOSED.
   */
  inTurn<T>(append: () => T): T | Promise<T> {
    return this.#appender.inTurn(append)
  }

  /**
   * Ends a producer's transaction. The marker's epoch is the producer's, or a later one, which then fences
   * it.
   * @throws MillraceError PRODUCER_FENCED, TRANSACTION_COORDINATOR_FENCED, LIMIT_EXCEEDED,
   *   PARTITION_POISONED, PARTITION_DAMAGED, CLOSED
   */
  appendMarker(marker: Marker): AppendReceipt {
    this.#availability.checkWritable()
    return this.#appender.appendMarker(marker)
  }

  /** Resolves when everything appended so far is on the disk. DISK_FULL, PARTITION_POISONED. */
  async sync(): Promise<void> {
    this.#availability.check()
    await this.#commit.sync()
  }

  /** Resolves when it is durable where the log starts. DISK_FULL, DISK_FAILED. */
  syncStart(): Promise<void> {
    return this.#start.sync()
  }

  /** Resolves when everything appended so far is safe (`safety.ts`). DISK_FULL, PARTITION_POISONED. */
  async settle(): Promise<void> {
    this.#availability.check()
    await this.#safe.settle()
  }

  /** Refuses appends of the producer with an epoch below this one from now on. */
  fence(producerId: number, producerEpoch: number): void {
    this.#availability.checkWritable()
    this.#producers.fence(producerId, producerEpoch)
  }

  /**
   * Reads whole batches from `offset` on: as many as fit into `maxBytes`, at least one if there is any. At
   * the end the result is empty. The bytes are in memory that `memory` lends; the caller gives it back
   * (`lent`).
   * @throws MillraceError OFFSET_OUT_OF_RANGE below the log's start or beyond its end; PARTITION_DAMAGED if
   *   the bytes have changed
   */
  read(offset: number, options: ReadOptions): Promise<ReadResult> {
    return this.#reader.read(offset, options)
  }

  /** The first record with this timestamp or a later one; undefined if no readable one has. */
  offsetForTimestamp(timestamp: number): Promise<FoundRecord | undefined> {
    return this.#reader.find(timestamp, this.highWatermark)
  }

  /** The first readable record with the largest timestamp (KIP-734); undefined if there is none. */
  offsetOfLargestTimestamp(isolation: Isolation): Promise<FoundRecord | undefined> {
    return this.#reader.findLargest(isolation)
  }

  /**
   * Calls `listener` once: when high watermark, last stable offset or log start have moved next, or the
   * partition has failed. Returns a function that withdraws it.
   */
  whenAdvanced(listener: () => void): () => void {
    return this.#listeners.add(listener)
  }

  /** Drops segments wholly below `offset`, if they are safe and decided. Resolves when they are gone. */
  async dropBefore(offset: number): Promise<void> {
    this.#availability.checkWritable()
    await this.#start.dropBefore(Math.min(offset, this.lastStableOffset))
  }

  /**
   * Deletes the records below `offset`, at the most the high watermark: the log then starts there. Resolves
   * with its start when that is durable. Records below an earlier start are gone already.
   * @throws MillraceError OFFSET_OUT_OF_RANGE above the high watermark; DISK_FULL, PARTITION_POISONED,
   *   PARTITION_DAMAGED, CLOSED
   */
  async deleteRecords(offset: number): Promise<number> {
    this.#availability.checkWritable()
    return this.#start.deleteRecords(offset)
  }

  /** Drops segments that retention does not keep. An active one that is too old is rolled first (Kafka). */
  retain(): Promise<void> {
    return this.#start.retain(this.#context.clock.now())
  }

  /** Begins a new segment, unless the active one is empty. DISK_FULL, PARTITION_POISONED, CLOSED. */
  async roll(): Promise<void> {
    this.#availability.checkWritable()
    await this.#appender.roll()
  }

  /**
   * Forgets producers that have not written for `producer.id.expiration.ms`, and those with this id or a
   * later one, unless a transaction of theirs is open. One that writes again is taken at any sequence number.
   */
  expireProducers(fromId: number = Infinity): void {
    const { clock, producerIdExpirationMs } = this.#context
    if (!this.#context.readOnly) this.#producers.expire(clock.now() - producerIdExpirationMs, fromId)
  }

  /**
   * Writes out everything, and saves files that make the next start quick. False: these could not be saved,
   * and the next start recovers.
   */
  close(): Promise<boolean> {
    return this.#end.close()
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
    this.#availability.fail(error)
    await this.#end.abandon(error)
    this.#listeners.notify()
  }

  #written(flush: Flush): void {
    this.#context.wrote(flush.sizeBytes)
    this.#safe.written()
    this.#appender.hasAdvanced()
  }

  #synced(): void {
    this.#safe.synced()
    this.#appender.hasAdvanced()
  }

  async #roll(flush: Flush): Promise<void> {
    if (!(await this.#segments.roll(flush, this.largestProducerId))) return
    const dropFailed = (error: unknown): void => this.#availability.dropFailed(error)
    await saveEpochs(this.#context.disk, this.folder, this.epochs).catch(dropFailed)
    this.#context.rolled()
    this.retain().catch(dropFailed)
  }
}
