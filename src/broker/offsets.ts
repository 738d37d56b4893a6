/**
 * Committed offsets of groups, kept in `__consumer_offsets`.
 *
 * An offset committed in a transaction is appended as part of that transaction and is **pending** until its
 * marker: then it counts, or it never was. Asking for the offsets of a group waits for what is pending
 * (KIP-447), so that a successor never starts from before its predecessor's last commit. At start the log is
 * read from its beginning, markers included.
 *
 * Each offset carries the id of its topic, and counts for that topic only: neither what a deletion has not
 * reached yet, nor a transaction that ends after its topic was deleted, says anything of another topic of
 * that name.
 */
import { fromUtf8, MillraceError, type Clock } from '../base/index.ts'
import type { Partition } from '../log/index.ts'
import type { GroupCommit, OffsetCommit, TopicPartition } from '../port/index.ts'
import { controlMarkerOf, type RecordBatch } from '../wire/index.ts'
import { InternalLog, type InternalLimits, type InternalRecord } from './internal-log.ts'
import {
  decodeOffsetKey,
  decodeOffsetValue,
  encodeOffsetKey,
  encodeOffsetValue,
  type StoredOffset,
} from './internal-records.ts'
import { keyOf, PendingOffsets, type PartitionKey } from './pending-offsets.ts'

/**
 * What the format of an offset holds. A cluster takes 4096 bytes by default (`offset.metadata.max.bytes`).
 */
const metadataBytesMax = 32_767

export interface OffsetsContext {
  readonly clock: Clock
  readonly limits?: InternalLimits
  /** The id of a topic that is there. */
  topicId(topic: string): string | undefined
}

export class Offsets {
  readonly #log: InternalLog
  readonly #context: OffsetsContext
  readonly #groups = new Map<string, Map<PartitionKey, StoredOffset>>()
  readonly #pending = new PendingOffsets()
  /** Commits that are appended and not applied yet. */
  #inFlight = 0
  /** Why the log could not be read. */
  #failure: MillraceError | undefined

  private constructor(partition: Partition, context: OffsetsContext) {
    this.#log = new InternalLog(partition, context.clock, context.limits)
    this.#context = context
  }

  /**
   * Replays the log. Open transactions must have been ended before. Where the partition is damaged,
   * everything that is asked of it fails with why; the rest of the log works without it.
   */
  static async open(partition: Partition, context: OffsetsContext): Promise<Offsets> {
    const offsets = await Offsets.look(partition, context)
    if (!offsets.#failure) await offsets.#rewriteIfOutgrown()
    return offsets
  }

  /** The same for a log that is only read: it stays as it is. */
  static async look(partition: Partition, context: OffsetsContext): Promise<Offsets> {
    const offsets = new Offsets(partition, context)
    offsets.#failure = await offsets.#log.tryReplay(batch => offsets.#replay(batch))
    return offsets
  }

  /** The partition that takes part in a transaction with offsets. */
  get partition(): Partition {
    return this.#log.partition
  }

  /** PARTITION_DAMAGED: why nothing can be committed or looked up. */
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

  /** Groups that have committed something. */
  groups(): string[] {
    return [...this.#groups.keys()].filter(group => this.of(group).length > 0)
  }

  /** Everything that a group has committed, without what is pending. */
  of(group: string): OffsetCommit[] {
    return [...(this.#groups.get(group)?.values() ?? [])]
      .filter(offset => this.#counts(offset))
      .map(asCommitted)
  }

  /** Commits outside a transaction; resolves when durable. */
  async commit({ group, offsets }: GroupCommit): Promise<void> {
    await this.#apply(group, this.#stored({ group, offsets }), [])
  }

  /** Replaces everything that a group has committed. */
  async replace(group: string, offsets: readonly OffsetCommit[]): Promise<void> {
    const stored = this.#stored({ group, offsets })
    const keys = new Set(stored.map(keyOf))
    const others = [...(this.#groups.get(group)?.values() ?? [])].filter(each => !keys.has(keyOf(each)))
    await this.#apply(group, stored, others)
  }

  /** Appends the offsets as part of the transaction of a producer: they count when {@link ended} says so. */
  commitInTransaction(
    producer: { producerId: number; producerEpoch: number },
    commit: GroupCommit,
  ): Promise<void> {
    const stored = this.#stored(commit)
    const { written } = this.#log.append([...this.#records(commit.group, stored)], {
      ...producer,
      transactional: true,
    })
    for (const offset of stored) this.#pending.add(producer.producerId, { group: commit.group, offset })
    return written
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
   * The outcome of a producer's transaction is not known before the next start: nor is what it has committed.
   */
  undecided(producerId: number, error: unknown): void {
    this.#pending.undecided(producerId, error)
  }

  /**
   * The transaction of a producer could not be ended for want of room: until it is, callers that ask for its
   * offsets are told why.
   */
  held(producerId: number, error: unknown): void {
    this.#pending.held(producerId, error)
  }

  /**
   * What is committed, once nothing is pending for these partitions.
   * @throws MillraceError DISK_FULL (retriable) where a transaction with such offsets cannot end for want of
   *   room; what the disk failed with, where it left the outcome open
   */
  async committed(
    group: string,
    partitions: readonly TopicPartition[],
  ): Promise<(OffsetCommit | undefined)[]> {
    this.checkUsable()
    await this.#pending.settled(group, partitions)
    const committed = this.#groups.get(group)
    return partitions.map(partition => {
      const offset = committed?.get(keyOf(partition))
      return offset && this.#counts(offset) ? asCommitted(offset) : undefined
    })
  }

  /** Forgets the offsets of a topic that was deleted. */
  async forgetTopic(topic: string): Promise<void> {
    // They carry the topic's id: it is well to be rid of them, and no more.
    if (this.#failure) return
    for (const [group, committed] of this.#groups) {
      const gone = [...committed.values()].filter(offset => offset.topic === topic)
      await this.#apply(group, [], gone)
    }
  }

  /** Forgets a group. */
  async forgetGroup(group: string): Promise<void> {
    await this.#apply(group, [], [...(this.#groups.get(group)?.values() ?? [])])
  }

  /** Waits for a rewrite in progress. */
  async close(): Promise<void> {
    await this.#log.idle()
  }

  /** Appends, and once that is durable applies, what a group has now and what it has no more. */
  async #apply(
    group: string,
    offsets: readonly StoredOffset[],
    gone: readonly StoredOffset[],
  ): Promise<void> {
    if (offsets.length + gone.length === 0) return
    const tombstones = gone.map(offset => ({ key: encodeOffsetKey(group, offset), value: null }))
    this.#inFlight += 1
    try {
      await this.#log.append([...this.#records(group, offsets), ...tombstones]).durable
      const committed = this.#groups.get(group)
      for (const offset of gone) committed?.delete(keyOf(offset))
      if (committed?.size === 0) this.#groups.delete(group)
      for (const offset of offsets) this.#keep(group, offset)
    } finally {
      this.#inFlight -= 1
    }
    void this.#rewriteIfOutgrown()
  }

  #stored({ group, offsets }: GroupCommit): StoredOffset[] {
    const committedMs = this.#context.clock.now()
    return offsets.map(({ topic, partition, offset, metadata = '' }) => {
      const bytes = fromUtf8(metadata).length
      if (bytes > metadataBytesMax)
        throw new MillraceError(
          'INVALID_ARGUMENT',
          `The metadata of an offset of group '${group}' has ${bytes} bytes; the format of an offset holds ${metadataBytesMax}. Keep less beside it.`,
        )
      return { topic, partition, offset, metadata, committedMs, topicId: this.#context.topicId(topic) }
    })
  }

  *#records(group: string, offsets: Iterable<StoredOffset>): Generator<InternalRecord> {
    for (const offset of offsets)
      yield { key: encodeOffsetKey(group, offset), value: encodeOffsetValue(offset) }
  }

  #keep(group: string, offset: StoredOffset): void {
    // The topic may have been deleted since the offset was appended, and another one of its name have offsets
    // here.
    if (!this.#counts(offset)) return
    let committed = this.#groups.get(group)
    if (!committed) this.#groups.set(group, (committed = new Map()))
    committed.set(keyOf(offset), offset)
  }

  /** Whether the topic of the offset is the one that has its name now. 0.1.0 wrote no ids. */
  #counts({ topic, topicId }: StoredOffset): boolean {
    return topicId === undefined || topicId === this.#context.topicId(topic)
  }

  /** Applies what a transaction has decided. False: it holds no offsets. */
  #settle(producerId: number, type: 'commit' | 'abort'): boolean {
    const held = this.#pending.settle(producerId)
    if (held && type === 'commit') for (const { group, offset } of held) this.#keep(group, offset)
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
      const key = decodeOffsetKey(records.key()!)
      if (!key) continue
      const { group, topic, partition } = key
      const value = records.value()
      if (value === null) this.#groups.get(group)?.delete(keyOf(key))
      else {
        const offset: StoredOffset = { topic, partition, ...decodeOffsetValue(value) }
        if (batch.isTransactional) this.#pending.add(batch.producerId, { group, offset })
        else this.#keep(group, offset)
      }
    }
  }

  /**
   * Only while nothing is pending or in flight: it lies before the rewrite, is not in it, and would be
   * dropped.
   */
  #rewriteIfOutgrown(): Promise<void> {
    if (!this.#pending.isEmpty || this.#inFlight > 0) return Promise.resolve()
    return this.#log.rewriteIfOutgrown(() => this.#allRecords())
  }

  *#allRecords(): Generator<InternalRecord> {
    for (const [group, committed] of this.#groups) yield* this.#records(group, committed.values())
  }
}

function asCommitted({ topic, partition, offset, metadata }: StoredOffset): OffsetCommit {
  return { topic, partition, offset, ...(metadata === '' ? {} : { metadata }) }
}
