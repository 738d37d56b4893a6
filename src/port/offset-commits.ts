/** When a consumer's offsets are committed: now and then by themselves, and when somebody asks. Only what has moved is sent. */
import type { Clock } from '../base/index.ts'
import type { AssignedPartition } from './assigned-partitions.ts'

/** Commits offsets of partitions of the consumer's topic. */
export type SendOffsets = (
  offsets: readonly { readonly partition: number; readonly offset: number }[],
) => Promise<void>

export class OffsetCommits {
  /** How often offsets are committed by themselves; undefined: never. */
  readonly everyMs: number | undefined
  readonly #clock: Clock
  readonly #send: SendOffsets
  #lastAt = 0
  #underWay: Promise<void> | undefined
  /** What a commit that nobody awaited has failed with. */
  #failure: unknown

  constructor(clock: Clock, everyMs: number | undefined, send: SendOffsets) {
    this.#clock = clock
    this.everyMs = everyMs
    this.#send = send
  }

  /** Starts a commit when it is time for one. Throws what the last one that was started so has failed with. */
  startIfDue(partitions: Iterable<AssignedPartition>): void {
    const failure = this.#failure
    this.#failure = undefined
    if (failure !== undefined) throw failure
    const { everyMs } = this
    if (everyMs === undefined || this.#underWay || this.#clock.monotonic() - this.#lastAt < everyMs) return
    this.#underWay = this.commit([...partitions])
      .catch((error: unknown) => {
        this.#failure = error
      })
      .finally(() => {
        this.#underWay = undefined
      })
  }

  /** Resolves when no commit that was started by itself is under way. */
  async idle(): Promise<void> {
    await this.#underWay
  }

  /** Commits what has been processed since the last commit. */
  async commit(partitions: readonly AssignedPartition[]): Promise<void> {
    this.#lastAt = this.#clock.monotonic()
    const moved = partitions
      .filter(({ processed, committed }) => processed !== committed)
      .map(assigned => ({ assigned, offset: assigned.processed }))
    if (moved.length === 0) return
    await this.#send(moved.map(({ assigned, offset }) => ({ partition: assigned.partition, offset })))
    for (const { assigned, offset } of moved) assigned.committed = offset
  }
}
