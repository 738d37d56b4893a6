/**
 * Offsets that open transactions hold. They count once their transaction is committed, or never; a lookup
 * waits for that (KIP-447), so that a successor never starts from before its predecessor's last commit.
 */
import type { TopicPartition } from '../../port/index.ts'
import type { StoredOffset } from './stored-offset.ts'

/** An offset in the log, whether it counts yet or not. */
export interface AppendedOffset extends StoredOffset {
  /** The log offset of its append. Of two offsets for one partition the one appended later counts. */
  readonly appendedAt: number
}

export interface PendingOffset {
  readonly group: string
  readonly offset: AppendedOffset
}

/** What one transaction will commit. */
interface Pending {
  offsets: PendingOffset[]
  ended: PromiseWithResolvers<void>
  /** Why it could not be ended the last time. */
  heldBy: unknown
}

export type PartitionKey = string
export const keyOf = ({ topic, partition }: TopicPartition): PartitionKey => `${topic}/${partition}`

export class PendingOffsets {
  /** By producer id: a producer has one transaction at a time. */
  readonly #byProducer = new Map<number, Pending>()

  get isEmpty(): boolean {
    return this.#byProducer.size === 0
  }

  add(producerId: number, offset: PendingOffset): void {
    let pending = this.#byProducer.get(producerId)
    if (!pending) {
      pending = { offsets: [], ended: unended(), heldBy: undefined }
      this.#byProducer.set(producerId, pending)
    }
    pending.offsets.push(offset)
  }

  /** What transactions hold for a group; for these partitions, if they are given. */
  of(group: string, partitions?: readonly TopicPartition[]): ReadonlySet<PendingOffset> {
    const found = new Set<PendingOffset>()
    if (this.isEmpty) return found
    const keys = partitions && new Set(partitions.map(keyOf))
    for (const { offsets } of this.#byProducer.values())
      for (const each of offsets)
        if (each.group === group && (!keys || keys.has(keyOf(each.offset)))) found.add(each)
    return found
  }

  /** The groups that transactions hold offsets of. */
  groups(): ReadonlySet<string> {
    const found = new Set<string>()
    for (const { offsets } of this.#byProducer.values()) for (const { group } of offsets) found.add(group)
    return found
  }

  /** These do not count, however their transactions end: newer offsets are in their place. */
  drop(replaced: ReadonlySet<PendingOffset>): void {
    if (replaced.size === 0) return
    for (const pending of this.#byProducer.values())
      pending.offsets = pending.offsets.filter(each => !replaced.has(each))
  }

  /**
   * The outcome of a producer's transaction is decided: gives what it held, for the caller to apply in this
   * turn. Undefined: it held no offsets.
   */
  settle(producerId: number): readonly PendingOffset[] | undefined {
    const pending = this.#byProducer.get(producerId)
    if (!pending) return undefined
    this.#byProducer.delete(producerId)
    pending.ended.resolve()
    return pending.offsets
  }

  /**
   * The outcome of a producer's transaction is not known before the next start: waiting calls are told why.
   */
  undecided(producerId: number, error: unknown): void {
    this.#byProducer.get(producerId)?.ended.reject(error)
  }

  /** The same of all transactions that are still open. */
  undecidedAll(error: unknown): void {
    for (const pending of this.#byProducer.values()) pending.ended.reject(error)
  }

  /** The transaction of a producer found no room to end: until it does, waiting calls are told why. */
  held(producerId: number, error: unknown): void {
    const pending = this.#byProducer.get(producerId)
    if (!pending) return
    pending.heldBy = error
    pending.ended.reject(error)
    pending.ended = unended()
  }

  /**
   * Resolves when no transaction holds offsets of these partitions.
   * @throws what {@link held} or {@link undecided} was told
   */
  async settled(group: string, partitions: readonly TopicPartition[]): Promise<void> {
    const keys = new Set(partitions.map(keyOf))
    for (let pending; (pending = this.#holding(group, keys));) {
      if (pending.heldBy !== undefined) throw pending.heldBy
      await pending.ended.promise
    }
  }

  /** Whether a transaction holds an offset of the group; of this partition, if one is given. */
  holds(group: string, partition?: TopicPartition): boolean {
    const key = partition && keyOf(partition)
    for (const { offsets } of this.#byProducer.values())
      if (offsets.some(each => each.group === group && (key === undefined || keyOf(each.offset) === key)))
        return true
    return false
  }

  #holding(group: string, keys: ReadonlySet<PartitionKey>): Pending | undefined {
    for (const pending of this.#byProducer.values())
      if (pending.offsets.some(each => each.group === group && keys.has(keyOf(each.offset)))) return pending
    return undefined
  }
}

/** Rejects nowhere unless somebody waits. */
function unended(): PromiseWithResolvers<void> {
  const ended = Promise.withResolvers<void>()
  ended.promise.catch(() => undefined)
  return ended
}
