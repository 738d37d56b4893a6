/**
 * The records of a partition that are safe, and that readers see: the high watermark and the last stable
 * offset, as they follow what is written and synced. Records that nobody has asked to be synced are synced
 * here, where a reader waits for them (`uncommitted-sync`) or `flush.ms` asks for it (`timed-sync`).
 */
import type { Clock } from '../../base/index.ts'
import type { GroupCommit } from './group-commit.ts'
import type { Isolation } from './partition-reader.ts'
import type { SettingsSource } from './partition-settings.ts'
import type { Safety } from './safety.ts'
import { TimedSync } from './timed-sync.ts'
import { UncommittedSync } from './uncommitted-sync.ts'
import { Visibility } from './visibility.ts'

/** The partition, which changes meanwhile. */
export interface SafeRecordsSource extends SettingsSource {
  readonly logStartOffset: number
  readonly logEndOffset: number
}

export interface SafeRecordsContext {
  readonly clock: Pick<Clock, 'schedule'>
  readonly source: SafeRecordsSource
  readonly commit: GroupCommit
  readonly safety: Safety
  /** The first offset of the oldest open transaction. */
  firstOpenOffset(): number | undefined
  /** The partition takes no more calls. */
  isOver(): boolean
  /** High watermark or last stable offset have moved. */
  moved(): void
}

export class SafeRecords {
  readonly visibility: Visibility
  readonly uncommitted: UncommittedSync
  readonly #timed: TimedSync
  readonly #context: SafeRecordsContext

  constructor(context: SafeRecordsContext) {
    const { clock, source, commit, safety } = context
    this.#context = context
    this.visibility = new Visibility(commit.writtenOffset)
    const sync = (): Promise<void> => commit.syncWritten()
    this.uncommitted = new UncommittedSync(clock, {
      // Where written is safe, records show once they are written.
      isBehind: () => safety.isSynced && !context.isOver() && this.highWatermark < source.logEndOffset,
      sync,
    })
    this.#timed = new TimedSync(clock, {
      source,
      // Where synced is safe, each append asks for a sync, or its commit does.
      isBehind: () => !safety.isSynced && !context.isOver() && commit.syncedOffset < commit.writtenOffset,
      sync,
    })
  }

  get highWatermark(): number {
    return this.visibility.highWatermark
  }

  get lastStableOffset(): number {
    const firstOpenOffset = this.#context.firstOpenOffset()
    return Math.max(this.#context.source.logStartOffset, this.visibility.lastStableOffset(firstOpenOffset))
  }

  /** See `Partition.readableEnd`. */
  readableEnd(isolation: Isolation): number {
    return isolation === 'read_committed' ? this.lastStableOffset : this.highWatermark
  }

  /** Resolves when everything appended so far is safe, and as much of it synced as the settings ask. */
  async settle(): Promise<void> {
    const { source, commit, safety } = this.#context
    const unsynced = source.logEndOffset - commit.syncedOffset
    await (safety.needsSync(unsynced) ? commit.sync() : commit.write())
  }

  /** Appends were written. */
  written(): void {
    this.uncommitted.appended()
    if (!this.#context.safety.isSynced) this.#advance()
    this.#timed.written()
  }

  /** What was written was synced. */
  synced(): void {
    this.#advance()
  }

  /** The settings have changed: they hold for what is appended already, too. */
  configured(): void {
    const { source, commit, safety } = this.#context
    if (safety.needsSync(source.logEndOffset - commit.syncedOffset)) commit.requestSync()
    this.#advance()
    this.#timed.configured()
  }

  /** Nothing more is synced by itself. */
  stop(): void {
    this.#timed.stop()
  }

  #advance(): void {
    const { commit, safety } = this.#context
    const stableBefore = this.lastStableOffset
    const isHigher = this.visibility.advance(safety.isSynced ? commit.syncedOffset : commit.writtenOffset)
    if (isHigher) this.uncommitted.advanced()
    if (isHigher || this.lastStableOffset !== stableBefore) this.#context.moved()
  }
}
