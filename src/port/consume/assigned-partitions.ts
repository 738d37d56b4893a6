/**
 * The partitions that a consumer has, and how far each is processed.
 *
 * What is handed out is **at work** until the next thing is asked for, or somebody says that it is done: only
 * then it counts as processed. A partition that is given away is **leaving** until then: nothing more of it
 * is handed out, but what is at work on it may still be done, and be committed with it.
 */
import type { TopicPartition } from '../log-port.ts'

/** A partition and where it stands. */
export interface AssignedPartition {
  readonly partition: number
  /** Everything below is processed: the offset to commit. */
  processed: number
  /** What is committed; -1: nothing. */
  committed: number
  /** Where the iteration ends. */
  readonly end: number
}

export class AssignedPartitions implements Iterable<AssignedPartition> {
  /** In the order in which they are served; the one served last is at the end. */
  readonly #assigned = new Map<number, AssignedPartition>()
  readonly #leaving = new Map<number, AssignedPartition>()
  /** What is at work, and the offset that is processed once it is done. */
  #work: { readonly partition: number; readonly nextOffset: number } | undefined
  /** Resolved when what is at work is done. */
  #idle: PromiseWithResolvers<void> | undefined;

  [Symbol.iterator](): IterableIterator<AssignedPartition> {
    return this.#assigned.values()
  }

  get(partition: number): AssignedPartition | undefined {
    return this.#assigned.get(partition)
  }

  /** Takes one in, to be served last; in the place of what was known of it. */
  add(assigned: AssignedPartition): void {
    this.#assigned.delete(assigned.partition)
    this.#assigned.set(assigned.partition, assigned)
  }

  /** Nothing more is handed out of it. */
  remove(partition: number): void {
    this.#assigned.delete(partition)
  }

  /** Those that something may have to be committed for: all of them, and those that are leaving. */
  all(): AssignedPartition[] {
    return [...this.#assigned.values(), ...this.#leaving.values()]
  }

  /** A record or a batch is handed out; with it done, everything below `nextOffset` is processed. */
  beginWork(partition: number, nextOffset: number): void {
    this.#work = { partition, nextOffset }
  }

  /** The partition of what is at work. */
  get atWork(): number | undefined {
    return this.#work?.partition
  }

  /** Resolves when what is at work now is done, or dropped. */
  async idle(): Promise<void> {
    if (this.#work) await (this.#idle ??= Promise.withResolvers()).promise
  }

  /** What was handed out counts as processed now; whether anything was. */
  finishWork(): boolean {
    const work = this.#work
    if (!work) return false
    const assigned = this.#assigned.get(work.partition) ?? this.#leaving.get(work.partition)
    if (assigned) assigned.processed = work.nextOffset
    this.#endWork()
    return true
  }

  /** What was handed out will not count as processed, if it is of this partition. Default: of any. */
  dropWork(partition: number | undefined = this.#work?.partition): void {
    if (this.#work?.partition === partition) this.#endWork()
  }

  /** Has these leave, and gives those that were there. */
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

  /** These are somebody else's already: nothing of them counts any more. */
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
