/**
 * The offsets of a sink whose target has transactions. A sink stores its offsets in the target, in the
 * transaction of the rows; this file decides what follows from them:
 *
 * - **Owner.** Offsets belong to one topic, by its id. Offsets of another topic are refused.
 * - **Fencing.** Opening raises an epoch in the target. A writer that finds another epoch was replaced.
 * - **Once.** A write whose offsets the target already has is skipped.
 *
 * A target implements {@link OffsetStore} in its own language: three statements in SQL, say. The DuckDB sink
 * is an example (connectors/duckdb-offsets.ts). The obligations of a sink, which this fulfils, are in
 * sink.ts.
 */
import { MillraceError } from '../base/index.ts'
import type { Offsets } from './sink.ts'

/** A partition's offset in a target, and the epoch of the writer that has claimed it. */
export interface StoredOffset {
  /** The next offset to deliver; undefined until a write has moved it. */
  readonly next: number | undefined
  readonly epoch: number
}

/**
 * The storage of the offsets of one sink and topic, in a target. Each call runs within the transaction that
 * the sink has open. A call may throw the sink's errors, such as SINK_FAILED.
 */
export interface OffsetStore {
  /** The id of the topic that the offsets belong to; undefined if the target has none. */
  owner(): Promise<string | undefined>
  /** All partitions of the sink and topic; empty before the first claim. */
  read(): Promise<ReadonlyMap<number, StoredOffset>>
  /**
   * Stores `topicId` as the owner, sets `epoch` for all partitions, and adds those below `partitions` that
   * are missing, without an offset.
   */
  claim(topicId: string, epoch: number, partitions: number): Promise<void>
  /** Sets the next offsets of these partitions. */
  move(to: Offsets): Promise<void>
}

/** Whose offsets these are, with the words for messages. */
export interface OffsetOwner {
  /** The sink's name. */
  readonly sink: string
  readonly topic: string
  readonly topicId: string
  /** The target, for people: the path of its file, its address. */
  readonly target: string
  /** What a user can do about offsets of another topic, as sentences. */
  readonly remedy: string
}

/**
 * The offsets of one open sink.
 *
 * @example
 * // In `open`, within a transaction of the target:
 * const offsets = await TransactionalOffsets.open(store, owner)
 * await offsets.claim(context.partitions)
 * // In `write`, within another one:
 * await offsets.once(to, () => insert(rows))
 */
export class TransactionalOffsets {
  readonly #store: OffsetStore
  readonly #owner: OffsetOwner
  #epoch = 0
  /** Partitions in the target since the claim. */
  #count = 0

  private constructor(store: OffsetStore, owner: OffsetOwner) {
    this.#store = store
    this.#owner = owner
  }

  /**
   * Checks that the stored offsets, if any, belong to the owner's topic. Changes nothing and fences no
   * writer.
   * @throws MillraceError SINK_CHANGED
   */
  static async open(store: OffsetStore, owner: OffsetOwner): Promise<TransactionalOffsets> {
    const { sink, topic, topicId, target, remedy } = owner
    const ownerId = await store.owner()
    if (ownerId !== undefined && ownerId !== topicId && isMoved(await store.read()))
      throw new MillraceError(
        'SINK_CHANGED',
        `The offsets of '${sink}' in ${target} belong to another topic '${topic}': in another log, or one that was deleted and created again. ${remedy}`,
      )
    return new TransactionalOffsets(store, owner)
  }

  /** Whether the target has an offset: whether a write has moved one since the offsets were last deleted. */
  async isMoved(): Promise<boolean> {
    return isMoved(await this.#store.read())
  }

  /**
   * Takes the sink over: binds the offsets to the topic, and fences earlier writers. Last, since it writes.
   */
  async claim(partitions: number): Promise<void> {
    const stored = await this.#store.read()
    this.#epoch = Math.max(0, ...Array.from(stored.values(), ({ epoch }) => epoch)) + 1
    this.#count = new Set([...stored.keys(), ...Array(partitions).keys()]).size
    await this.#store.claim(this.#owner.topicId, this.#epoch, partitions)
  }

  /** The answer of a writer's `committed`. */
  async committed(): Promise<Offsets> {
    const stored = await this.#store.read()
    return new Map(
      [...stored].flatMap(([partition, { next }]) => (next === undefined ? [] : [[partition, next]])),
    )
  }

  /**
   * Calls `write` and moves the offsets to `to`, unless an earlier attempt at this write took effect: then it
   * does neither. Resolves to whether it has written.
   * @throws MillraceError SINK_FENCED for a replaced writer; SINK_CHANGED if the offsets were deleted
   *   meanwhile
   */
  async once(to: Offsets, write: () => Promise<void>): Promise<boolean> {
    const { sink, target } = this.#owner
    const stored = await this.#store.read()
    for (const { epoch } of stored.values())
      if (epoch !== this.#epoch)
        throw new MillraceError(
          'SINK_FENCED',
          `Another writer of the sink '${sink}' has opened ${target} since, so this one may no longer write. Run one instance, or give each sink its own name.`,
        )
    if (stored.size < this.#count)
      throw new MillraceError(
        'SINK_CHANGED',
        `The offsets of '${sink}' in ${target} were deleted while it was open. Start the delivery again.`,
      )
    if ([...to].every(([partition, offset]) => (stored.get(partition)?.next ?? -1) >= offset)) return false
    await write()
    await this.#store.move(to)
    return true
  }
}

function isMoved(stored: ReadonlyMap<number, StoredOffset>): boolean {
  return [...stored.values()].some(({ next }) => next !== undefined)
}
