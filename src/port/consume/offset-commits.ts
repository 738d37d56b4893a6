/**
 * When a consumer's offsets are committed: by themselves a while after something was processed, and when
 * somebody asks. Only what has moved is sent.
 */
import type { Clock, Timer } from '../../base/index.ts'
import type { AssignedPartition } from './assigned-partitions.ts'

/** Commits offsets of partitions of the consumer's topic. */
export type SendOffsets = (
  offsets: readonly { readonly partition: number; readonly offset: number }[],
) => Promise<void>

export interface OffsetCommitsContext {
  readonly clock: Clock
  /** How long after something was processed it is committed by itself; undefined: never. */
  readonly everyMs: number | undefined
  readonly send: SendOffsets
  /** All that something may have to be committed for. */
  readonly partitions: () => readonly AssignedPartition[]
  /** Called with what a commit that nobody awaits has failed with. */
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
   * Something was processed: it is committed within {@link OffsetCommitsContext.everyMs}, also while a body
   * is at work.
   */
  processed(): void {
    const { clock, everyMs } = this.#context
    if (everyMs === undefined || this.#timer !== undefined) return
    this.#timer = clock.schedule(everyMs, () => this.startNow())
  }

  /** Starts a commit that nobody awaits, unless one is in progress or none are made by themselves. */
  startNow(): void {
    const { everyMs, partitions, onFailure } = this.#context
    this.#cancelTimer()
    if (everyMs === undefined) return
    // What has moved meanwhile waits for its own turn.
    if (this.#underWay) return this.processed()
    this.#underWay = this.commit(partitions())
      .catch(onFailure)
      .finally(() => {
        this.#underWay = undefined
      })
  }

  /** Commits what has been processed of these since the last commit. */
  async commit(partitions: readonly AssignedPartition[]): Promise<void> {
    const moved = partitions
      .filter(({ processed, committed }) => processed !== committed)
      .map(assigned => ({ assigned, offset: assigned.processed }))
    if (moved.length === 0) return
    await this.#context.send(moved.map(({ assigned, offset }) => ({ partition: assigned.partition, offset })))
    for (const { assigned, offset } of moved) assigned.committed = offset
  }

  /** As {@link commit}, if commits are made by themselves. */
  async commitAutomatically(partitions: readonly AssignedPartition[]): Promise<void> {
    if (this.#context.everyMs !== undefined) await this.commit(partitions)
  }

  /** The last automatic commit. Nothing is started by itself after that. */
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
