/**
 * Committed offsets of groups, kept in `__consumer_offsets`, and beside them the groups that have members.
 *
 * An offset committed in a transaction is appended as part of that transaction and is **pending** until its
 * marker: then it counts, or it never was. A lookup of a group's offsets waits for pending ones (KIP-447), so
 * that a successor never starts from before its predecessor's last commit. At start the log is read from its
 * beginning, markers included.
 *
 * A commit outside of transactions, or a deletion, is newer than what open transactions appended before it:
 * that does not count, whatever their outcome. Of the offsets of two transactions the later one in the log
 * counts, whichever marker comes last. So the last one in the log holds, as in Kafka.
 *
 * This file has the log and what is on its way into it. Which committed offset counts: committed-offsets.ts.
 */
import type { Clock, MillraceError } from '../../base/index.ts'
import type { Partition } from '../../log/index.ts'
import type { GroupCommit, OffsetCommit, TopicPartition } from '../../port/index.ts'
import { controlMarkerOf, type RecordBatch } from '../../wire/index.ts'
import { CommittedOffsets } from './committed-offsets.ts'
import { decodeGroupKey, decodeGroupValue, type KeptGroup } from './group-records.ts'
import { InternalLog, type InternalLimits, type InternalRecord } from '../internal/internal-log.ts'
import { decodeOffsetKey, decodeOffsetValue, type StoredOffset } from './stored-offset.ts'
import { commitOf, groupRecord, offsetRecords, tombstones } from './offset-records.ts'
import { keyOf, PendingOffsets, type AppendedOffset, type PartitionKey } from './pending-offsets.ts'

export interface OffsetsContext {
  readonly clock: Clock
  readonly limits?: InternalLimits
  /** The id of an existing topic. */
  topicId(topic: string): string | undefined
}

/** The committed offsets of a group at one moment. */
export interface OffsetsNow {
  readonly all: readonly OffsetCommit[]
  get(partition: TopicPartition): OffsetCommit | undefined
  /** Whether an open transaction, or a commit in flight, is about to change the partition's offset. */
  isPending(partition: TopicPartition): boolean
}

/** Offsets of a group, or the group itself: appended, and not applied yet. */
interface InFlight {
  readonly group: string
  readonly offsets: readonly StoredOffset[]
}

export class Offsets {
  readonly #log: InternalLog
  readonly #context: OffsetsContext
  readonly #committed: CommittedOffsets
  /** The groups that had members, as they were last kept. */
  readonly #kept = new Map<string, KeptGroup>()
  readonly #pending = new PendingOffsets()
  readonly #inFlight = new Set<InFlight>()
  /** Why the log could not be read. */
  #failure: MillraceError | undefined

  private constructor(partition: Partition, context: OffsetsContext) {
    this.#log = new InternalLog(partition, context.clock, context.limits)
    this.#committed = new CommittedOffsets(topic => context.topicId(topic))
    this.#context = context
  }

  /**
   * Replays the log. Open transactions must have been ended before. If the partition is damaged, its calls
   * fail with the reason, and the rest of the log works without it.
   */
  static async open(partition: Partition, context: OffsetsContext): Promise<Offsets> {
    const offsets = await Offsets.look(partition, context)
    if (!offsets.#failure) await offsets.#rewriteIfOutgrown()
    return offsets
  }

  /** The same for a read-only log, which stays unchanged. */
  static async look(partition: Partition, context: OffsetsContext): Promise<Offsets> {
    const offsets = new Offsets(partition, context)
    offsets.#failure = await offsets.#log.tryReplay(batch => offsets.#replay(batch))
    return offsets
  }

  /** The partition that takes part in a transaction with offsets. */
  get partition(): Partition {
    return this.#log.partition
  }

  /** The PARTITION_DAMAGED error, if nothing can be committed or looked up. */
  checkUsable(): void {
    if (this.#failure) throw this.#failure
  }

  /**
   * The outcomes of all transactions that are still open are unknown: a caller that asks for what they hold
   * is told why.
   */
  undecidedAll(error: unknown): void {
    this.#pending.undecidedAll(error)
  }

  /** Groups with committed offsets. */
  groups(): string[] {
    return [...this.#committed.groups()].filter(group => this.#committed.of(group).length > 0)
  }

  /** All groups of which anything is kept, committed, pending or in flight. */
  names(): ReadonlySet<string> {
    const inFlight = Array.from(this.#inFlight, ({ group }) => group)
    return new Set([...this.#kept.keys(), ...this.groups(), ...this.#pending.groups(), ...inFlight])
  }

  /** All committed offsets of a group, without pending ones. */
  of(group: string): OffsetCommit[] {
    return this.#committed.of(group).map(commitOf)
  }

  /** The groups that were kept: {@link keepGroup}. */
  get kept(): ReadonlyMap<string, KeptGroup> {
    return this.#kept
  }

  /** Keeps the members of a group, or its generation alone. Resolves when durable. */
  async keepGroup(group: string, kept: KeptGroup): Promise<void> {
    this.checkUsable()
    const change = { group, offsets: [] }
    await this.#appending(change, [groupRecord(group, kept)], () => this.#keepGroup(group, kept))
  }

  /** Commits outside a transaction; resolves when durable. */
  async commit({ group, offsets }: GroupCommit): Promise<void> {
    await this.#apply(group, this.#stored({ offsets }), [])
  }

  /** Replaces all committed offsets of a group. */
  async replace(group: string, offsets: readonly OffsetCommit[]): Promise<void> {
    const stored = this.#stored({ offsets })
    const keys = new Set(stored.map(keyOf))
    const others = this.#partitionsOf(group).filter(each => !keys.has(keyOf(each)))
    await this.#apply(group, stored, others)
  }

  /** Appends the offsets as part of the transaction of a producer: they count when {@link ended} says so. */
  async commitInTransaction(
    producer: { producerId: number; producerEpoch: number },
    commit: GroupCommit,
  ): Promise<void> {
    if (commit.offsets.length === 0) return
    const stored = this.#stored(commit)
    const { baseOffset: appendedAt, written } = this.#log.append([...offsetRecords(commit.group, stored)], {
      ...producer,
      transactional: true,
    })
    for (const offset of stored)
      this.#pending.add(producer.producerId, { group: commit.group, offset: { ...offset, appendedAt } })
    await written
  }

  /**
   * The outcome of a producer's transaction is decided, and its marker appended to {@link partition} if it
   * takes part.
   */
  ended(producerId: number, type: 'commit' | 'abort'): void {
    if (!this.#settle(producerId, type)) return
    this.#log.marked()
    void this.#rewriteIfOutgrown()
  }

  /**
   * The outcome of a producer's transaction is not known before the next start: nor are its committed
   * offsets.
   */
  undecided(producerId: number, error: unknown): void {
    this.#pending.undecided(producerId, error)
  }

  /**
   * The transaction of a producer could not be ended for lack of room. Until then a lookup of its offsets
   * fails with the reason.
   */
  held(producerId: number, error: unknown): void {
    this.#pending.held(producerId, error)
  }

  /**
   * The committed offsets, once nothing is pending for these partitions.
   * @throws MillraceError DISK_FULL (retriable) if a transaction with such offsets cannot end for lack of
   *   room; the disk's error, if it left the outcome open
   */
  async committed(
    group: string,
    partitions: readonly TopicPartition[],
  ): Promise<(OffsetCommit | undefined)[]> {
    this.checkUsable()
    await this.#pending.settled(group, partitions)
    return partitions.map(partition => {
      const offset = this.#committed.get(group, partition)
      return offset && commitOf(offset)
    })
  }

  /** The committed offsets as they are now, with what is pending: {@link committed} waits for that. */
  now(group: string): OffsetsNow {
    this.checkUsable()
    const pending = new Set(Array.from(this.#pending.of(group), ({ offset }) => keyOf(offset)))
    for (const change of this.#inFlight)
      if (change.group === group) for (const offset of change.offsets) pending.add(keyOf(offset))
    const all = new Map(this.#committed.of(group).map(offset => [keyOf(offset), commitOf(offset)]))
    return {
      all: [...all.values()],
      get: partition => all.get(keyOf(partition)),
      isPending: partition => pending.has(keyOf(partition)),
    }
  }

  /** Forgets the offsets of a topic that was deleted. */
  async forgetTopic(topic: string): Promise<void> {
    // They carry the topic's id, so this only saves space.
    if (this.#failure) return
    for (const group of this.#committed.groups()) {
      const gone = this.#committed.all(group).filter(offset => offset.topic === topic)
      await this.#apply(group, [], gone)
    }
  }

  /**
   * Forgets the offsets of a group for some partitions, also those that are pending or in flight: as in
   * Kafka. All is appended in this turn: what is committed later stays.
   */
  async forget(group: string, partitions: readonly TopicPartition[]): Promise<void> {
    this.checkUsable()
    const keys = new Set(partitions.map(keyOf))
    const gone = this.#partitionsOf(group).filter(each => keys.has(keyOf(each)))
    await this.#apply(group, [], gone)
  }

  /** Forgets those offsets of a group that are chosen, except where newer ones are pending. */
  async forgetWhere(group: string, isGone: (offset: StoredOffset) => boolean): Promise<void> {
    const gone = this.#committed.all(group).filter(offset => isGone(offset) && !this.isPending(group, offset))
    await this.#apply(group, [], gone)
  }

  /**
   * Whether a transaction or a commit in flight has offsets of the group; of this partition, if one is given.
   * Without a partition, a group that is being kept counts as well.
   */
  isPending(group: string, partition?: TopicPartition): boolean {
    if (this.#pending.holds(group, partition)) return true
    const key = partition && keyOf(partition)
    for (const change of this.#inFlight)
      if (change.group === group && (!key || change.offsets.some(offset => keyOf(offset) === key)))
        return true
    return false
  }

  /**
   * Forgets a group, with its offsets. All is appended in this turn: what is kept or committed later stays.
   */
  async forgetGroup(group: string): Promise<void> {
    this.checkUsable()
    const gone = this.#partitionsOf(group)
    const replaced = this.#pending.of(group)
    const record = this.#kept.has(group) || this.isPending(group) ? [groupRecord(group, undefined)] : []
    await this.#appending({ group, offsets: [] }, [...record, ...tombstones(group, gone)], appendedAt => {
      this.#kept.delete(group)
      this.#pending.drop(replaced)
      this.#committed.drop(group, gone, appendedAt)
    })
  }

  /** Waits for a rewrite in progress. */
  async close(): Promise<void> {
    await this.#log.idle()
  }

  /** Appends the new offsets of a group and those to delete, and applies them once they are durable. */
  async #apply(
    group: string,
    offsets: readonly StoredOffset[],
    gone: readonly TopicPartition[],
  ): Promise<void> {
    const change = { group, offsets }
    const replaced = this.#pending.of(group, [...offsets, ...gone])
    const records = [...offsetRecords(group, offsets), ...tombstones(group, gone)]
    await this.#appending(change, records, appendedAt => {
      this.#pending.drop(replaced)
      this.#committed.drop(group, gone, appendedAt)
      for (const offset of offsets) this.#committed.keep(group, { ...offset, appendedAt })
    })
  }

  /** The partitions for which the group has offsets, or will have once what is in flight is durable. */
  #partitionsOf(group: string): TopicPartition[] {
    const found = new Map<PartitionKey, TopicPartition>()
    for (const offset of this.#committed.all(group)) found.set(keyOf(offset), offset)
    for (const change of this.#inFlight)
      if (change.group === group) for (const offset of change.offsets) found.set(keyOf(offset), offset)
    for (const { offset } of this.#pending.of(group)) found.set(keyOf(offset), offset)
    return [...found.values()]
  }

  /** Appends the records, and calls `apply` once they are durable. */
  async #appending(
    change: InFlight,
    records: readonly InternalRecord[],
    apply: (appendedAt: number) => void,
  ): Promise<void> {
    if (records.length === 0) return
    this.#inFlight.add(change)
    try {
      const { baseOffset, durable } = this.#log.append(records)
      await durable
      apply(baseOffset)
    } finally {
      this.#inFlight.delete(change)
    }
    void this.#rewriteIfOutgrown()
  }

  #keepGroup(group: string, kept: KeptGroup | undefined): void {
    if (kept) this.#kept.set(group, kept)
    else this.#kept.delete(group)
  }

  #stored({ offsets }: Pick<GroupCommit, 'offsets'>): StoredOffset[] {
    const committedMs = this.#context.clock.now()
    return offsets.map(({ topic, partition, offset, leaderEpoch = -1, metadata = '' }) => {
      const topicId = this.#context.topicId(topic)
      return { topic, partition, offset, leaderEpoch, metadata, committedMs, topicId }
    })
  }

  /** Applies the outcome of a transaction. False if it holds no offsets. */
  #settle(producerId: number, type: 'commit' | 'abort'): boolean {
    const held = this.#pending.settle(producerId)
    if (held && type === 'commit') for (const { group, offset } of held) this.#committed.keep(group, offset)
    return held !== undefined
  }

  #replay(batch: RecordBatch): void {
    if (batch.isControl) {
      const marker = controlMarkerOf(batch)
      if (marker) this.#settle(batch.producerId, marker.type)
      return
    }
    const records = batch.records()
    while (records.next()) {
      const bytes = records.key()!
      const value = records.value()
      const name = decodeGroupKey(bytes)
      if (name !== undefined) this.#keepGroup(name, value ? decodeGroupValue(value) : undefined)
      const key = decodeOffsetKey(bytes)
      if (!key) continue
      const { group, topic, partition } = key
      if (!batch.isTransactional) this.#pending.drop(this.#pending.of(group, [key]))
      if (value === null) this.#committed.delete(group, key)
      else {
        const appendedAt = batch.baseOffset
        const offset: AppendedOffset = { topic, partition, ...decodeOffsetValue(value), appendedAt }
        if (batch.isTransactional) this.#pending.add(batch.producerId, { group, offset })
        else this.#committed.keep(group, offset)
      }
    }
  }

  /**
   * Only while nothing is pending or in flight: such offsets are before the rewrite, not in it, and would be
   * dropped.
   */
  #rewriteIfOutgrown(): Promise<void> {
    if (!this.#pending.isEmpty || this.#inFlight.size > 0) return Promise.resolve()
    return this.#log.rewriteIfOutgrown(() => this.#allRecords())
  }

  *#allRecords(): Generator<InternalRecord> {
    for (const [group, kept] of this.#kept) yield groupRecord(group, kept)
    for (const group of this.#committed.groups()) yield* offsetRecords(group, this.#committed.all(group))
  }
}
