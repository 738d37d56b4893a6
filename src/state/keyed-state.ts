/**
 * KeyedState: the state of one operator in one task, as typed values by (namespace, key).
 *
 * A table holds all entries as bytes: the state of the last commit, and a place for each key that came since.
 * The values that are in use are **live**: objects, which the entry knows by number. So each access is one
 * look-up, and a commit needs none. A live value is **clean** when the table holds the same, **dirty** when
 * it has changed since, and **pending** while its change is part of a commit in progress:
 *
 *     put, delete ──▶ dirty ──changes()──▶ pending ──committed()──▶ stored in the table, clean
 *                       ▲                    │
 *                       └──── put, delete ───┘
 *
 * A value may be pending and dirty again: what is dirty belongs to the next commit. Of an entry that came and
 * went since the last commit nothing is left.
 *
 * Invariants: what is dirty or pending stays live; values are stored in `committed` alone. So the table
 * always has the stored values of exactly one commit.
 */
import { assert, MillraceError, type Random, systemRandom } from '../base/index.ts'
import { CommitStep, inOneGo } from './commit-step.ts'
import type { Live } from './live-values.ts'
import { StateEntries, type StateLimits } from './state-entries.ts'
import type { UndoLog } from './undo-log.ts'
import { valueCodec } from './value-codec.ts'

/** How an operator uses its state. */
export interface StateUse {
  /**
   * Whether it will be scanned, or asked for its first namespace: then the order of its keys is kept from the
   * beginning. Otherwise the first question sorts all keys at once. Default false.
   */
  readonly isScanned?: boolean
}

export interface KeyedStateOptions extends StateUse {
  /** Clean values that stay live. Default 8192. */
  readonly cleanEntries?: number
  /** Notes each change, so that it can be undone. */
  readonly undo?: UndoLog | undefined
  readonly limits?: StateLimits
  /** Draws the key of the hashes, which shows nowhere. Default: the machine's randomness. */
  readonly random?: Random
}

export interface StateEntry<V> {
  readonly namespace: number
  readonly key: string
  readonly value: V
}

/** A change as the changelog takes it, with the stored key: undefined deletes. */
export type StateChange = readonly [storeKey: Uint8Array, value: Uint8Array | undefined]

const cleanEntriesDefault = 8192
/** Bytes that a live value costs besides its key and value. */
const liveOverhead = 96
/** The assumed size of a value until some have been written. */
const valueBytesGuess = 64
/** New entries get room for a larger value than most, so that a commit need not move them. */
const valueBytesSpare = 1.25
/** They get no more room than this, as an average may come from a few very large values. */
const valueRoomMax = 1024

interface Pending<V> {
  readonly live: readonly Live<V>[]
  /** What is stored for each; undefined: nothing. */
  readonly values: readonly (Uint8Array | undefined)[]
  readonly changes: StateChange[]
}

/**
 * Typed state by (namespace, key). The namespace is a window's start, a timer's time, or 0; a safe integer.
 * The key is a binary string, the record key's bytes: no char is above 0xff, which is not checked.
 *
 * Obligation of the owner: a state is restored before the first other call.
 */
export class KeyedState<V> {
  readonly name: string
  readonly #undo: UndoLog | undefined

  readonly #entries: StateEntries<V>
  /** The changelog offset that the stored values represent. */
  #position: number | undefined

  #dirty: Live<V>[] = []
  #dirtyBytes = 0
  #pending: Pending<V> | undefined

  #valueBytes = valueBytesGuess

  constructor(name: string, options: KeyedStateOptions = {}) {
    this.name = name
    this.#undo = options.undo
    const { cleanEntries = cleanEntriesDefault, isScanned = false, limits, random = systemRandom } = options
    this.#entries = new StateEntries(name, { cleanEntries, isScanned, limits, random })
  }

  /**
   * An estimate of the memory that changes since the last commit take. The caller bounds it by committing
   * early.
   */
  get dirtyBytes(): number {
    return this.#dirtyBytes
  }

  get(namespace: number, key: string): V | undefined {
    return this.#entries.find(namespace, key)?.value
  }

  /**
   * The value is kept by reference, so never change it after that. Freeze a value that the program has seen.
   *
   * @throws MillraceError LIMIT_EXCEEDED if the state is full, naming it
   */
  put(namespace: number, key: string, value: V): void {
    assert(value !== undefined, 'undefined means a missing entry: use delete')
    const found = this.#entries.find(namespace, key)
    if (this.#undo?.isOpen) this.#undo.changes(this, namespace, key, found?.value)
    const live = this.#entries.put(found, namespace, key, value, this.#roomFor(value))
    if (!live.isDirty) this.#markDirty(live, key)
    const bytes = liveOverhead + key.length + this.#weigh(value)
    this.#dirtyBytes += bytes - live.bytes
    live.bytes = bytes
  }

  delete(namespace: number, key: string): void {
    if (this.#undo?.isOpen) this.#undo.changes(this, namespace, key, this.get(namespace, key))
    this.#deleteEntry(namespace, key)
  }

  /**
   * Entries with from ≤ namespace < to, by namespace and then key, each as it is when the scan comes to it.
   * State may change, and commits may happen, between two entries. The scan may miss entries that are put
   * into its current namespace. With `afterKey` it begins after that key in the first namespace.
   */
  *scan(fromNamespace: number, toNamespace: number, afterKey?: string): Generator<StateEntry<V>> {
    for (const { namespace, keys } of this.#entries.keysBetween(fromNamespace, toNamespace, afterKey))
      for (const key of keys) {
        const value = this.#entries.peek(namespace, key)
        if (value !== undefined) yield { namespace, key, value }
      }
  }

  /**
   * Deletes entries with from ≤ namespace < to, and yields after every `perTurn()` of them, so that the owner
   * can let the event loop turn. As in a scan, commits may happen meanwhile. Entries that were never
   * committed leave no trace.
   */
  *deleteInTurns(from: number, to: number, perTurn: () => number): Generator<void> {
    let deleted = 0
    for (const { namespace, keys } of this.#entries.keysBetween(from, to))
      for (const key of keys) {
        this.#deleteEntry(namespace, key)
        if (++deleted < perTurn()) continue
        yield
        deleted = 0
      }
  }

  /** The lowest namespace at or after `from` with an entry, for deadlines. */
  firstNamespace(from: number = Number.NEGATIVE_INFINITY): number | undefined {
    return this.#entries.firstNamespace(from)
  }

  /**
   * The changes since the last commit, in the form of the changelog. An entry that was created and deleted in
   * between is not among them. Later calls return the same until {@link committed}; later changes belong to
   * the next commit. An empty list need not be committed: a later call returns the changes up to then.
   *
   * @throws MillraceError INVALID_ARGUMENT for a value that cannot be written, naming the state
   */
  changes(): readonly StateChange[] {
    return inOneGo(this.changesInSteps())
  }

  /**
   * As {@link changes}, in steps of a few milliseconds, so that the owner can let the event loop turn. The
   * state must not change before the last step.
   */
  *changesInSteps(): Generator<void, readonly StateChange[]> {
    if (this.#pending) {
      if (this.#pending.changes.length > 0) return this.#pending.changes
      yield* this.#settle(this.#pending)
    }
    const live = this.#dirty
    const values: (Uint8Array | undefined)[] = []
    const changes: StateChange[] = []
    const step = new CommitStep()
    let valueBytes = 0
    for (const each of live) {
      if (step.isOver()) yield
      const bytes = each.value === undefined ? undefined : this.#encode(each.value)
      values.push(bytes)
      if (bytes) {
        valueBytes += bytes.length
        step.wrote(bytes.length)
      }
      if (bytes || this.#entries.isStored(each)) changes.push([this.#entries.keyOf(each), bytes])
    }
    // Values are marked only after all were encoded: one that cannot be written leaves the state as it was.
    for (const each of live) {
      if (step.isOver()) yield
      each.dirtyAt = -1
      each.isPending = true
      each.bytes = 0
    }
    if (changes.length > 0) this.#valueBytes = valueBytes / changes.length
    this.#dirty = []
    this.#dirtyBytes = 0
    this.#pending = { live, values, changes }
    return changes
  }

  /** Stores the changes, once they are committed and the changelog is at `position`. */
  committed(position: number): void {
    inOneGo(this.committedInSteps(position))
  }

  /**
   * As {@link committed}, in steps of a few milliseconds. The state must not be used before the last step.
   */
  *committedInSteps(position: number): Generator<void> {
    if (!this.#pending) yield* this.changesInSteps()
    yield* this.#settle(this.#pending!)
    this.#position = position
  }

  /**
   * The changelog offset of the stored values, which have all changes below it. Undefined for a state that
   * must be restored from the beginning.
   */
  get position(): number | undefined {
    return this.#position
  }

  /** Entries that are stored. */
  get storedCount(): number {
    return this.#entries.storedCount
  }

  /** The stored entries, in no order: copies of the stored key and of the value. */
  stored(): Generator<readonly [storeKey: Uint8Array, value: Uint8Array]> {
    return this.#entries.stored()
  }

  /** A copy of what is stored under a stored key. */
  storedValue(storeKey: Uint8Array): Uint8Array | undefined {
    return this.#entries.storedValue(storeKey)
  }

  /**
   * Restores an entry from its changelog: its stored key and its value are in `bytes`. A `valueStart` below 0
   * deletes.
   */
  restore(bytes: Buffer, keyStart: number, keyEnd: number, valueStart: number, valueEnd: number): void {
    if (valueStart < 0) this.#entries.restoreTombstone(bytes, keyStart, keyEnd)
    else this.#entries.restore(bytes, keyStart, keyEnd, valueStart, valueEnd)
  }

  /** The changelog was restored up to `position`; undefined: nothing of it, all entries are removed. */
  restored(position: number | undefined): void {
    this.#position = position
    if (position === undefined) this.#entries.clear()
  }

  #deleteEntry(namespace: number, key: string): void {
    const live = this.#entries.delete(namespace, key)
    if (!live) return
    if (!live.isPending && !this.#entries.isStored(live)) this.#forget(live)
    else if (!live.isDirty) this.#markDirty(live, key)
  }

  /** Removes an entry that came and went since the last commit: windows bring many of them. */
  #forget(live: Live<V>): void {
    this.#dirtyBytes -= live.bytes
    live.bytes = 0
    const last = this.#dirty.pop()!
    if (last !== live) {
      this.#dirty[live.dirtyAt] = last
      last.dirtyAt = live.dirtyAt
    }
    live.dirtyAt = -1
    this.#entries.settle(live)
  }

  #markDirty(live: Live<V>, key: string): void {
    live.dirtyAt = this.#dirty.length
    live.bytes = liveOverhead + key.length
    this.#dirtyBytes += live.bytes
    this.#dirty.push(live)
  }

  /** Ends the commit in progress: stores its values. */
  *#settle({ live, values }: Pending<V>): Generator<void> {
    this.#pending = undefined
    const step = new CommitStep()
    for (const [n, each] of live.entries()) {
      if (step.isOver()) yield
      const moved = this.#entries.movedBytes
      this.#entries.store(each, values[n])
      each.isPending = false
      if (!each.isDirty) this.#entries.settle(each)
      step.wrote((values[n]?.length ?? 0) + this.#entries.movedBytes - moved)
    }
  }

  /** The bytes of a new entry for its value: no more than dirty bytes count, or than the value can need. */
  #roomFor(value: V): number {
    const most =
      typeof value === 'number' ? 9 : typeof value === 'string' ? 6 + 2 * value.length : valueRoomMax
    return Math.min(valueBytesSpare * this.#valueBytes, most, valueRoomMax)
  }

  #weigh(value: V): number {
    if (typeof value === 'number') return 8
    if (typeof value === 'string') return value.length
    if (Array.isArray(value)) return Math.max(this.#valueBytes, 16 * value.length)
    return this.#valueBytes
  }

  #encode(value: V): Uint8Array {
    try {
      return valueCodec.encode(value)
    } catch (error) {
      throw new MillraceError(
        'INVALID_ARGUMENT',
        `State '${this.name}' holds a value that cannot be written. ${(error as Error).message}`,
        { cause: error },
      )
    }
  }
}
