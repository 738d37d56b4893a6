/**
 * The committed offsets of groups as a table: for each group and partition the offset that was appended last.
 *
 * Each offset carries the id of its topic, and counts for that topic only. So offsets that a deletion has not
 * reached yet, or of a transaction that ends after its topic was deleted, do not count for a new topic of
 * that name.
 */
import type { TopicPartition } from '../../port/index.ts'
import { keyOf, type AppendedOffset, type PartitionKey } from './pending-offsets.ts'
import type { StoredOffset } from './stored-offset.ts'

export class CommittedOffsets {
  readonly #topicId: (topic: string) => string | undefined
  readonly #groups = new Map<string, Map<PartitionKey, AppendedOffset>>()

  /** `topicId`: the id of an existing topic. */
  constructor(topicId: (topic: string) => string | undefined) {
    this.#topicId = topicId
  }

  /** Groups with offsets, also with such as do not count. */
  groups(): Iterable<string> {
    return this.#groups.keys()
  }

  /** The offsets of a group that count. */
  of(group: string): AppendedOffset[] {
    return this.all(group).filter(offset => this.#counts(offset))
  }

  /** The offsets of a group, also those that do not count. */
  all(group: string): AppendedOffset[] {
    return [...(this.#groups.get(group)?.values() ?? [])]
  }

  /** The offset of a group for a partition, if it counts. */
  get(group: string, partition: TopicPartition): AppendedOffset | undefined {
    const offset = this.#groups.get(group)?.get(keyOf(partition))
    return offset && this.#counts(offset) ? offset : undefined
  }

  /** The offset counts, unless one that was appended after it does. */
  keep(group: string, offset: AppendedOffset): void {
    // The topic may have been deleted since the append, and a new one of its name may have offsets here.
    if (!this.#counts(offset)) return
    let committed = this.#groups.get(group)
    if (!committed) this.#groups.set(group, (committed = new Map()))
    const key = keyOf(offset)
    const before = committed.get(key)
    if (!before || before.appendedAt <= offset.appendedAt || !this.#counts(before)) committed.set(key, offset)
  }

  /** Deletes what was appended before the deletion. What a transaction has appended since then stays. */
  drop(group: string, gone: readonly TopicPartition[], deletedAt: number): void {
    const committed = this.#groups.get(group)
    if (!committed) return
    for (const key of gone.map(keyOf))
      if ((committed.get(key)?.appendedAt ?? deletedAt) < deletedAt) committed.delete(key)
    if (committed.size === 0) this.#groups.delete(group)
  }

  /** Deletes the offset of a group for a partition, as a replay finds it. */
  delete(group: string, partition: TopicPartition): void {
    this.#groups.get(group)?.delete(keyOf(partition))
  }

  /** Whether the topic of the offset is the one that has its name now. 0.1.0 wrote no ids. */
  #counts({ topic, topicId }: StoredOffset): boolean {
    return topicId === undefined || topicId === this.#topicId(topic)
  }
}
