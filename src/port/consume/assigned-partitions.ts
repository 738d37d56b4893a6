/**
 * The partitions that a consumer has, and how far each is processed.
 *
 * A record that is handed out is **at work** until the next one is requested, or the caller says that it is
 * done: only then it counts as processed. A partition that is given away is **leaving** until then: no more
 * of it is handed out, but the record at work may still be finished and committed.
 */
import type { TopicPartition } from '../log-port.ts'

/** A partition and its position. */
export interface AssignedPartition {
  readonly partition: number
  /** Everything below is processed: the offset to commit. */
  processed: number
  /** The leader epoch of the batch that was processed last (KIP-320). -1: none since the last seek. */
  leaderEpoch: number
  /** The committed offset; -1: none. */
  committed: number
  /** Where the iteration ends. */
  readonly end: number
}

export class AssignedPartitions implements Iterable<AssignedPartition> {
  /** In the order in which they are served; the one served last is at the end. */
  readonly #assigned = new Map<number, AssignedPartition>()
  readonly #leaving = new Map<number, AssignedPartition>()
  /** The record or batch at work, and the offset that counts as processed once it is done. */
  #work: { readonly partition: number; readonly nextOffset: number; readonly leaderEpoch: number } | undefined
  /** Resolves when the work in progress is done. */
  #idle: PromiseWithResolvers<void> | undefined;

  [Symbol.iterator](): IterableIterator<AssignedPartition> {
    return this.#assigned.values()
  }

  get(partition: number): AssignedPartition | undefined {
    return this.#assigned.get(partition)
  }

  /** Adds a partition, to be served last; replaces an earlier entry. */
  add(assigned: AssignedPartition): void {
    this.#assigned.delete(assigned.partition)
    this.#assigned.set(assigned.partition, assigned)
  }

  /** Hands out no more of it. */
  remove(partition: number): void {
    this.#assigned.delete(partition)
  }

  /** The partitions that may need a commit: all, and those that are leaving. */
  all(): AssignedPartition[] {
    return [...this.#assigned.values(), ...this.#leaving.values()]
  }

  /** A record or a batch is handed out; with it done, everything below `nextOffset` is processed. */
  beginWork(partition: number, nextOffset: number, leaderEpoch: number): void {
    this.#work = { partition, nextOffset, leaderEpoch }
  }

  /** The partition of the record or batch at work. */
  get atWork(): number | undefined {
    return this.#work?.partition
  }

  /** Resolves when the present work is done, or dropped. */
  async idle(): Promise<void> {
    if (this.#work) await (this.#idle ??= Promise.withResolvers()).promise
  }

  /** The records handed out count as processed now. Returns whether there were any. */
  finishWork(): boolean {
    const work = this.#work
    if (!work) return false
    const assigned = this.#assigned.get(work.partition) ?? this.#leaving.get(work.partition)
    if (assigned) {
      assigned.processed = work.nextOffset
      assigned.leaderEpoch = work.leaderEpoch
    }
    this.#endWork()
    return true
  }

  /** The records handed out of this partition will not count as processed. Default: of any partition. */
  dropWork(partition: number | undefined = this.#work?.partition): void {
    if (this.#work?.partition === partition) this.#endWork()
  }

  /** Marks these as leaving, and returns those that were assigned. */
  beginLeaving(partitions: readonly TopicPartition[]): AssignedPartition[] {
    const leaving = partitions.flatMap(({ partition }) => this.#assigned.get(partition) ?? [])
    for (const assigned of leaving) {
      this.#assigned.delete(assigned.partition)
      this.#leaving.set(assigned.partition, assigned)
    }
    return leaving
  }

  /** Resolves when nothing is at work on a partition that is leaving. */
  async leavingIdle(): Promise<void> {
    while (this.#work && this.#leaving.has(this.#work.partition)) await this.idle()
  }

  /** Whether it is leaving still: it may have been lost before. */
  isLeaving(assigned: AssignedPartition): boolean {
    return this.#leaving.get(assigned.partition) === assigned
  }

  /** These have left. */
  endLeaving(leaving: readonly AssignedPartition[]): void {
    for (const assigned of leaving) if (this.isLeaving(assigned)) this.#leaving.delete(assigned.partition)
  }

  /** These have another owner already: their records no longer count. */
  lose(partitions: readonly TopicPartition[]): void {
    for (const { partition } of partitions) {
      this.#assigned.delete(partition)
      this.#leaving.delete(partition)
      this.dropWork(partition)
    }
  }

  #endWork(): void {
    this.#work = undefined
    this.#idle?.resolve()
    this.#idle = undefined
  }
}
