/**
 * Committed offsets of groups, kept in `__consumer_offsets`.
 *
 * An offset committed in a transaction is appended as part of that transaction and is **pending** until its marker: then it counts, or it never
 * was. Whoever asks for the offsets of a group waits for what is pending (KIP-447), so that a successor never starts from before its
 * predecessor's last commit. At start the log is read from its beginning, markers included.
 */
import { fromUtf8, MillraceError, type Clock } from '../base/index.ts'
import type { Partition } from '../log/index.ts'
import type { GroupCommit, OffsetCommit, TopicPartition } from '../port/index.ts'
import { controlMarkerOf, type RecordBatch } from '../wire/index.ts'
import { InternalLog, type InternalRecord } from './internal-log.ts'
import { decodeOffsetKey, decodeOffsetValue, encodeOffsetKey, encodeOffsetValue } from './internal-records.ts'

/** Kafka's `offset.metadata.max.bytes`: held here as well, so that a program that runs here runs on a cluster. */
const metadataBytesMax = 4096
/** The log is written anew past this. Reading it at start takes milliseconds. */
const logBytesMax = 8 << 20

type Key = string
const keyOf = ({ topic, partition }: TopicPartition): Key => `${topic}/${partition}`

/** What one transaction will commit. */
interface Pending {
  readonly commits: { readonly group: string; readonly offset: OffsetCommit }[]
  readonly ended: Promise<void>
  readonly end: () => void
}

export class Offsets {
  readonly #log: InternalLog
  readonly #clock: Clock
  readonly #groups = new Map<string, Map<Key, OffsetCommit>>()
  /** By producer id: a producer has one transaction at a time. */
  readonly #pending = new Map<number, Pending>()
  /** Commits that are appended and not applied yet. */
  #inFlight = 0
  #rewriting: Promise<void> | undefined

  private constructor(partition: Partition, clock: Clock) {
    this.#log = new InternalLog(partition, clock)
    this.#clock = clock
  }

  /** Replays the log. Open transactions must have been ended before. */
  static async open(partition: Partition, clock: Clock): Promise<Offsets> {
    const offsets = new Offsets(partition, clock)
    await offsets.#log.replay(batch => offsets.#replay(batch))
    await offsets.#rewriteIfOutgrown()
    return offsets
  }

  /** The partition that takes part in a transaction with offsets. */
  get partition(): Partition {
    return this.#log.partition
  }

  /** Commits outside a transaction; resolves when durable. */
  async commit(commit: GroupCommit): Promise<void> {
    if (commit.offsets.length === 0) return
    this.#inFlight += 1
    try {
      await this.#log.append(this.#records(commit)).durable
      for (const offset of commit.offsets) this.#apply(commit.group, offset)
    } finally {
      this.#inFlight -= 1
    }
    void this.#rewriteIfOutgrown()
  }

  /** Appends the offsets as part of the transaction of a producer: they count when {@link ended} says so. */
  commitInTransaction(
    producer: { producerId: number; producerEpoch: number },
    commit: GroupCommit,
  ): Promise<void> {
    const { written } = this.#log.append(this.#records(commit), { ...producer, transactional: true })
    const pending = this.#pendingOf(producer.producerId)
    for (const offset of commit.offsets) pending.commits.push({ group: commit.group, offset })
    return written
  }

  /** The marker of a producer's transaction has been appended. */
  ended(producerId: number, type: 'commit' | 'abort'): void {
    const pending = this.#pending.get(producerId)
    if (!pending) return
    this.#pending.delete(producerId)
    if (type === 'commit') for (const { group, offset } of pending.commits) this.#apply(group, offset)
    pending.end()
    void this.#rewriteIfOutgrown()
  }

  /** What is committed, once nothing is pending for these partitions. */
  async committed(
    group: string,
    partitions: readonly TopicPartition[],
  ): Promise<(OffsetCommit | undefined)[]> {
    const keys = partitions.map(keyOf)
    for (;;) {
      const pending = this.#pendingFor(group, new Set(keys))
      if (!pending) break
      await pending.ended
    }
    const committed = this.#groups.get(group)
    return keys.map(key => committed?.get(key))
  }

  /** Forgets the offsets of a topic that was deleted: one of the same name starts anew. */
  async deleteTopic(topic: string): Promise<void> {
    const tombstones: InternalRecord[] = []
    for (const [group, committed] of this.#groups)
      for (const [key, offset] of committed)
        if (offset.topic === topic) {
          committed.delete(key)
          tombstones.push({ key: encodeOffsetKey(group, offset), value: null })
        }
    if (tombstones.length > 0) await this.#log.append(tombstones).durable
  }

  /** Waits for a rewrite that is under way. */
  async close(): Promise<void> {
    await this.#rewriting
  }

  #records({ group, offsets }: GroupCommit): InternalRecord[] {
    const now = this.#clock.now()
    return offsets.map(offset => {
      const bytes = offset.metadata === undefined ? 0 : fromUtf8(offset.metadata).length
      if (bytes > metadataBytesMax)
        throw new MillraceError(
          'INVALID_ARGUMENT',
          `The metadata of an offset of group '${group}' has ${bytes} bytes; the limit is Kafka's, ${metadataBytesMax}.`,
        )
      return { key: encodeOffsetKey(group, offset), value: encodeOffsetValue(offset, now) }
    })
  }

  #apply(group: string, offset: OffsetCommit): void {
    let committed = this.#groups.get(group)
    if (!committed) this.#groups.set(group, (committed = new Map()))
    const { topic, partition, metadata } = offset
    committed.set(keyOf(offset), {
      topic,
      partition,
      offset: offset.offset,
      ...(metadata ? { metadata } : {}),
    })
  }

  #pendingOf(producerId: number): Pending {
    let pending = this.#pending.get(producerId)
    if (!pending) {
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#pending.set(producerId, (pending = { commits: [], ended: promise, end: resolve }))
    }
    return pending
  }

  #pendingFor(group: string, keys: ReadonlySet<Key>): Pending | undefined {
    for (const pending of this.#pending.values())
      if (pending.commits.some(commit => commit.group === group && keys.has(keyOf(commit.offset))))
        return pending
    return undefined
  }

  #replay(batch: RecordBatch): void {
    if (batch.isControl) {
      const marker = controlMarkerOf(batch)
      if (marker) this.ended(batch.producerId, marker.type)
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
        const offset: OffsetCommit = { topic, partition, ...decodeOffsetValue(value) }
        if (batch.isTransactional) this.#pendingOf(batch.producerId).commits.push({ group, offset })
        else this.#apply(group, offset)
      }
    }
  }

  /** Only while nothing is pending or in flight: it lies before the rewrite, is not in it, and would be dropped. */
  #rewriteIfOutgrown(): Promise<void> {
    const busy = this.#rewriting !== undefined || this.#pending.size > 0 || this.#inFlight > 0
    if (busy || !this.#log.outgrown(logBytesMax)) return Promise.resolve()
    const now = this.#clock.now()
    const records = function* (
      groups: ReadonlyMap<string, ReadonlyMap<Key, OffsetCommit>>,
    ): Generator<InternalRecord> {
      for (const [group, committed] of groups)
        for (const offset of committed.values())
          yield { key: encodeOffsetKey(group, offset), value: encodeOffsetValue(offset, now) }
    }
    this.#rewriting = this.#log
      .rewrite(records(this.#groups))
      // The log is as good as before, only longer; a failing disk shows itself to the next append.
      .catch(() => undefined)
      .finally(() => {
        this.#rewriting = undefined
      })
    return this.#rewriting
  }
}
