/**
 * Decides when a consumer's offsets are committed: some time after a record was processed, and on request.
 * Only changed offsets are sent.
 */
import type { Clock, Timer } from '../../base/index.ts'
import type { AssignedPartition } from './assigned-partitions.ts'

/** Commits offsets of partitions of the consumer's topic. */
export type SendOffsets = (offsets: readonly ProcessedOffset[]) => Promise<void>

/** An offset to commit: see {@link AssignedPartition}. */
export type ProcessedOffset = Pick<AssignedPartition, 'partition' | 'leaderEpoch'> & {
  readonly offset: number
}

export interface OffsetCommitsContext {
  readonly clock: Clock
  /** How long after a record was processed the automatic commit comes; undefined: never. */
  readonly everyMs: number | undefined
  readonly send: SendOffsets
  /** The partitions that may need a commit. */
  readonly partitions: () => readonly AssignedPartition[]
  /** Called with the error of a commit that nobody awaits. */
  readonly onFailure: (error: unknown) => void
}

export class OffsetCommits {
  readonly #context: OffsetCommitsContext
  #timer: Timer | undefined
  #underWay: Promise<void> | undefined

  constructor(context: OffsetCommitsContext) {
    this.#context = context
  }

  /**
   * A record was processed: it is committed within {@link OffsetCommitsContext.everyMs}, also while a body is
   * at work.
   */
  processed(): void {
    const { clock, everyMs } = this.#context
    if (everyMs === undefined || this.#timer !== undefined) return
    this.#timer = clock.schedule(everyMs, () => this.startNow())
  }

  /** Starts a commit that nobody awaits, unless one is in progress or automatic commits are off. */
  startNow(): void {
    const { everyMs, partitions, onFailure } = this.#context
    this.#cancelTimer()
    if (everyMs === undefined) return
    // Offsets that change meanwhile wait for the next commit.
    if (this.#underWay) return this.processed()
    this.#underWay = this.commit(partitions())
      .catch(onFailure)
      .finally(() => {
        this.#underWay = undefined
      })
  }

  /** Commits the records of these that were processed since the last commit. */
  async commit(partitions: readonly AssignedPartition[]): Promise<void> {
    const moved = partitions
      .filter(({ processed, committed }) => processed !== committed)
      .map(assigned => ({ assigned, offset: assigned.processed }))
    if (moved.length === 0) return
    await this.#context.send(
      moved.map(({ assigned: { partition, leaderEpoch }, offset }) => ({ partition, offset, leaderEpoch })),
    )
    for (const { assigned, offset } of moved) assigned.committed = offset
  }

  /** As {@link commit}, if automatic commits are on. */
  async commitAutomatically(partitions: readonly AssignedPartition[]): Promise<void> {
    if (this.#context.everyMs !== undefined) await this.commit(partitions)
  }

  /** The last automatic commit. No later one is started. */
  async end(): Promise<void> {
    this.#cancelTimer()
    await this.#underWay
    this.#cancelTimer()
    await this.commitAutomatically(this.#context.partitions())
  }

  #cancelTimer(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }
}
