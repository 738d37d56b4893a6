/**
 * The end of a partition's log, for appends. One call checks a batch, sets its offsets in place and queues it
 * for the disk. So the end, the producers and the plan of segments are ahead of the written end. A write that
 * finds no room takes them back.
 */
import type { Clock } from '../../base/index.ts'
import { assignOffsets, controlBatch, RecordBatch } from '../../wire/index.ts'
import { checkAppend } from './append-check.ts'
import { Receipt, type AppendReceipt } from './append-receipt.ts'
import type { Flush, Outcome } from './flush.ts'
import type { GroupCommit } from './group-commit.ts'
import { HeldAppends } from './held-appends.ts'
import type { PartitionSegments } from './partition-segments.ts'
import type { SettingsSource } from './partition-settings.ts'
import type { Marker, ProducerEntry, ProducerState } from '../producers/producer-state.ts'
import { RollPlan } from './roll-plan.ts'
import type { Safety } from './safety.ts'
import type { Visibility } from './visibility.ts'

export interface AppenderConfig {
  readonly clock: Clock
  readonly producerIdExpirationMs: number
  readonly pendingBytesMax: number
  /** The present one, which each batch carries. */
  readonly leaderEpoch: number
  /** The partition's name, for messages. */
  readonly where: string
}

/** The partition's pipeline for appends. */
export interface AppenderParts {
  readonly segments: PartitionSegments
  readonly producers: ProducerState
  readonly visibility: Visibility
  readonly commit: GroupCommit
  readonly safety: Safety
  /** The partition, for its present settings. */
  readonly source: SettingsSource
}

export class PartitionAppender {
  readonly #config: AppenderConfig
  readonly #segments: PartitionSegments
  readonly #producers: ProducerState
  readonly #visibility: Visibility
  readonly #commit: GroupCommit
  readonly #safety: Safety
  readonly #source: SettingsSource
  readonly #plan: RollPlan
  readonly #held: HeldAppends
  #endOffset: number

  constructor(
    config: AppenderConfig,
    { segments, producers, visibility, commit, safety, source }: AppenderParts,
  ) {
    this.#config = config
    this.#segments = segments
    this.#producers = producers
    this.#visibility = visibility
    this.#commit = commit
    this.#safety = safety
    this.#source = source
    this.#plan = new RollPlan(source, segments.active)
    this.#endOffset = segments.active.nextOffset
    this.#held = new HeldAppends({
      // While nothing is pending there is room for a batch of any size.
      hasRoom: () => this.#pendingBytes < config.pendingBytesMax || this.#pendingBytes === 0,
      makeRoom: () => {
        // Transactional batches ask for no sync. Writes need no request.
        if (safety.isSynced) commit.requestSync()
      },
    })
  }

  /** The offset that the next record gets. */
  get endOffset(): number {
    return this.#endOffset
  }

  /** See `Partition.inTurn`. */
  inTurn<T>(append: () => T): T | Promise<T> {
    return this.#held.inTurn(append)
  }

  /** What was on its way to the disk is safe: appends that wait may have room. */
  hasAdvanced(): void {
    this.#held.release()
  }

  /** Ends the pipeline: all callers that wait get `error`. */
  break(error: Error): void {
    this.#commit.break(error)
    this.#held.fail(error)
  }

  /** See `Partition.append`. */
  append(bytes: Uint8Array): AppendReceipt {
    const batch = new RecordBatch(bytes)
    checkAppend(batch, bytes, this.#source.settings.segmentBytes, this.#config.where)
    const isIdempotent = batch.producerId !== -1
    if (isIdempotent) {
      const original = this.#producers.check(batch, this.#config.where)
      if (original)
        return this.#receipt(
          original.firstOffset,
          original.lastOffset,
          this.#commit.outcomeAt(original.lastOffset, 'written'),
          this.#commit.outcomeAt(original.lastOffset, 'durable'),
          this.#commit.wantsSyncAt(original.lastOffset),
          true,
        )
    }
    const baseOffset = this.#endOffset
    assignOffsets(bytes, baseOffset, this.#config.leaderEpoch)
    const { lastOffset } = batch
    const roll = this.#planRoll(bytes.length, lastOffset)
    const replaced = isIdempotent ? this.#producers.append(batch, this.#config.clock.now()) : undefined
    this.#endOffset = lastOffset + 1
    const wantsSync = !batch.isTransactional && this.#needsSync
    const flush = this.#commit.append(
      { bytes, lastOffset, maxTimestamp: batch.maxTimestamp, aborted: undefined },
      baseOffset,
      roll,
      replaced,
      wantsSync,
    )
    return this.#receipt(baseOffset, lastOffset, flush.written, flush.durable, wantsSync, false)
  }

  /** Begins a new segment, unless the last one is empty. Resolves when that is done. */
  async roll(): Promise<void> {
    if (!this.#plan.roll(this.#endOffset)) return this.#commit.write()
    await this.#commit.roll(this.#endOffset, this.#producersNow()).written.promise
  }

  /** See `Partition.appendMarker`. */
  appendMarker(marker: Marker): AppendReceipt {
    this.#producers.checkMarker(marker, this.#config.where)
    const offset = this.#endOffset
    const now = this.#config.clock.now()
    const bytes = controlBatch({ ...marker, timestamp: now })
    assignOffsets(bytes, offset, this.#config.leaderEpoch)
    const roll = this.#planRoll(bytes.length, offset)
    const { replaced, ended } = this.#producers.mark(marker, offset, now)
    if (ended) this.#visibility.end(ended)
    this.#endOffset = offset + 1
    const wantsSync = this.#needsSync
    const flush = this.#commit.append(
      // A marker has the machine's time, not that of records: the time index leaves it out.
      { bytes, lastOffset: offset, maxTimestamp: -1, aborted: marker.type === 'abort' ? ended : undefined },
      offset,
      roll,
      replaced,
      wantsSync,
    )
    return this.#receipt(offset, offset, flush.written, flush.durable, wantsSync, false)
  }

  /**
   * These flushes were not written and never will be: the log ends before the first of them again. What waits
   * for room behind them fails with them.
   */
  takeBack(flushes: readonly Flush[], error: unknown): void {
    this.#held.fail(error)
    const [first] = flushes
    if (!first) return
    this.#endOffset = first.baseOffset
    this.#producers.rollBack(flushes.toReversed().flatMap(({ undo }) => [...undo.entries()]))
    this.#visibility.rollBack(first.baseOffset)
    const rollsFirst = first.roll !== undefined && this.#segments.active.baseOffset !== first.baseOffset
    this.#plan.reset(this.#segments.active, rollsFirst)
  }

  /** Bytes that were appended and are not safe yet. */
  get #pendingBytes(): number {
    const { queuedBytes, unsyncedBytes } = this.#commit
    return this.#safety.isSynced ? queuedBytes + unsyncedBytes : queuedBytes
  }

  #receipt(
    baseOffset: number,
    lastOffset: number,
    written: Outcome,
    durable: Outcome,
    wantsSync: boolean,
    duplicate: boolean,
  ): AppendReceipt {
    const safe = wantsSync || this.#safety.isSynced ? durable : written
    return new Receipt(baseOffset, lastOffset, duplicate, written, safe)
  }

  /** What was appended last may not be acknowledged before it is synced. */
  get #needsSync(): boolean {
    return this.#safety.needsSync(this.#endOffset - this.#commit.syncedOffset)
  }

  /** The producers as of now, if the batch must begin a new segment. */
  #planRoll(batchBytes: number, lastOffset: number): readonly ProducerEntry[] | undefined {
    const now = this.#config.clock.now()
    const isNew = this.#plan.place(batchBytes, this.#endOffset, lastOffset, now, this.#segments.active)
    return isNew ? this.#producersNow() : undefined
  }

  #producersNow(): readonly ProducerEntry[] {
    this.#producers.expire(this.#config.clock.now() - this.#config.producerIdExpirationMs)
    return [...this.#producers.entries()]
  }
}
