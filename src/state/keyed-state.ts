/**
 * KeyedState: the state of one operator in one task, as typed values by (namespace, key).
 *
 * A cache of live values, two maps deep, is in front of a store of bytes. So a hot entry costs two lookups,
 * and no key is built. An entry is **clean** when the store holds the same value, **dirty** when it has
 * changed since, and **pending** while its change is part of a commit in progress. The life of a change:
 *
 *     put, delete ──▶ dirty ──changes()──▶ pending ──committed()──▶ in the store, cached clean
 *                       ▲                    │
 *                       └──── put, delete ───┘   (an entry may be pending and dirty again: it belongs to the next commit)
 *
 * `discard` forgets everything but the store, which always has the state of exactly one commit.
 *
 * Invariants: an entry that is dirty is never evicted; the store is written in `committed` alone.
 */
import { assert, MillraceError } from '../base/index.ts'
import type { Entry } from './cached-entries.ts'
import { CachedNamespaces } from './cached-namespaces.ts'
import { CleanQueue } from './clean-queue.ts'
import { CommitStep, inOneGo, stepEntriesMax } from './commit-step.ts'
import { frozen } from './frozen.ts'
import { encodeNamespace } from './namespace.ts'
import type { StateStore } from './state-store.ts'
import type { UndoLog } from './undo-log.ts'
import { valueCodec } from './value-codec.ts'

export interface KeyedStateOptions {
  /** Clean entries kept in the cache. Default 8192. */
  readonly cleanEntries?: number
  /** Notes each change, so that it can be undone. */
  readonly undo?: UndoLog | undefined
}

export interface StateEntry<V> {
  readonly namespace: number
  readonly key: string
  readonly value: V
}

/** A change as the changelog and the store take it: undefined deletes. */
export type StateChange = [storeKey: string, value: Uint8Array | undefined]

const cleanEntriesDefault = 8192
/** Bytes that an entry in the cache costs besides its key and value. */
const entryOverhead = 96
/** The assumed size of a value until some have been written. */
const valueBytesGuess = 64

/**
 * Typed state by (namespace, key). The namespace is a window's start, a timer's time, or 0; a safe integer.
 * The key is a binary string, the record key's bytes.
 *
 * Obligations of the owner: the store is restored before the first call, and nothing else writes to it from
 * then on.
 */
export class KeyedState<V> {
  readonly name: string
  readonly #store: StateStore
  readonly #undo: UndoLog | undefined

  readonly #namespaces: CachedNamespaces<V>
  #dirty: Entry<V>[] = []
  #dirtyBytes = 0
  #pending: { readonly entries: Entry<V>[]; readonly changes: StateChange[] } | undefined

  readonly #clean: CleanQueue<V>

  #valueBytes = valueBytesGuess

  constructor(name: string, store: StateStore, options: KeyedStateOptions = {}) {
    this.name = name
    this.#store = store
    this.#namespaces = new CachedNamespaces(name, store)
    this.#undo = options.undo
    this.#clean = new CleanQueue(options.cleanEntries ?? cleanEntriesDefault)
  }

  /**
   * An estimate of the memory that changes since the last commit take. The caller bounds it by committing
   * early.
   */
  get dirtyBytes(): number {
    return this.#dirtyBytes
  }

  get(namespace: number, key: string): V | undefined {
    const entry = this.#namespaces.get(namespace)?.entries.get(key)
    return entry === undefined ? this.#load(namespace, key) : entry.value
  }

  /**
   * The value is kept by reference, so never change it after that. Freeze a value that the program has seen.
   */
  put(namespace: number, key: string, value: V): void {
    if (this.#undo?.isOpen) this.#undo.changes(this, namespace, key, this.get(namespace, key))
    assert(value !== undefined, 'undefined means a missing entry: use delete')
    const bucket = this.#namespaces.ensure(namespace)
    const entry = bucket.entries.get(key) ?? bucket.add(key, undefined, 'unknown')
    const isNew = entry.value === undefined
    entry.value = value
    if (isNew) {
      bucket.live++
      if (entry.inStore !== 'stored') bucket.cameNew(key)
      this.#namespaces.came(namespace)
    }
    if (!entry.dirty) this.#markDirty(entry)
    const bytes = entryOverhead + key.length + this.#weigh(value)
    this.#dirtyBytes += bytes - entry.bytes
    entry.bytes = bytes
  }

  delete(namespace: number, key: string): void {
    if (this.#undo?.isOpen) this.#undo.changes(this, namespace, key, this.get(namespace, key))
    const bucket = this.#namespaces.ensure(namespace)
    this.#deleteEntry(bucket.entries.get(key) ?? bucket.add(key, undefined, 'unknown'))
  }

  /**
   * Entries with from ≤ namespace < to, by namespace and then key, each as it is when the scan comes to it.
   * State may change, and commits may happen, between two entries. The scan may miss entries that are put
   * into its current namespace. With `afterKey` it begins after that key in the first namespace.
   */
  *scan(fromNamespace: number, toNamespace: number, afterKey?: string): Generator<StateEntry<V>> {
    for (const namespace of this.#namespaces.between(fromNamespace, toNamespace)) {
      let after = namespace === fromNamespace ? afterKey : undefined
      do {
        const { keys, goOnAfter } = this.#namespaces.gather(namespace, after)
        for (const key of keys) {
          const entry = this.#namespaces.get(namespace)?.entries.get(key)
          const value = entry ? entry.value : this.#read(namespace, key)
          if (value !== undefined) yield { namespace, key, value }
        }
        after = goOnAfter
      } while (after !== undefined)
    }
  }

  /**
   * Deletes entries with from ≤ namespace < to, and yields after every `perTurn()` of them, so that the owner
   * can let the event loop turn. As in a scan, commits may happen meanwhile. Entries that were never
   * committed leave no trace.
   */
  *deleteInTurns(from: number, to: number, perTurn: () => number): Generator<void> {
    let deleted = 0
    for (const namespace of this.#namespaces.between(from, to)) {
      let after: string | undefined
      do {
        const { keys, goOnAfter } = this.#namespaces.gather(namespace, after)
        for (const key of keys) {
          const bucket = this.#namespaces.ensure(namespace)
          // An entry that is not cached was found in the store.
          this.#deleteEntry(bucket.entries.get(key) ?? bucket.add(key, undefined, 'stored'))
          if (++deleted < perTurn()) continue
          yield
          deleted = 0
        }
        after = goOnAfter
      } while (after !== undefined)
    }
  }

  /** The lowest namespace with an entry, for deadlines. */
  firstNamespace(): number | undefined {
    return this.#namespaces.firstFrom(Number.NEGATIVE_INFINITY)
  }

  /**
   * The changes since the last commit, in the form of changelog and store. An entry that was created and
   * deleted in between is not among them. Later calls return the same until {@link committed} or
   * {@link discard}; later changes belong to the next commit. An empty list need not be committed: a later
   * call returns the changes up to then.
   *
   * @throws MillraceError INVALID_ARGUMENT for a value that cannot be written, naming the state
   */
  changes(): StateChange[] {
    return inOneGo(this.changesInSteps())
  }

  /**
   * As {@link changes}, in steps of a few milliseconds, so that the owner can let the event loop turn. The
   * state must not change before the last step.
   */
  *changesInSteps(): Generator<void, StateChange[]> {
    if (this.#pending) {
      if (this.#pending.changes.length > 0) return this.#pending.changes
      yield* this.#settle()
    }
    const changes: StateChange[] = []
    const step = new CommitStep()
    let valueBytes = 0
    for (const entry of this.#dirty) {
      if (step.isOver()) yield
      const storeKey = encodeNamespace(entry.bucket.namespace) + entry.key
      if (entry.value !== undefined) {
        const bytes = this.#encode(entry.value)
        valueBytes += bytes.length
        step.wrote(bytes.length)
        changes.push([storeKey, bytes])
        continue
      }
      if (entry.inStore === 'unknown')
        entry.inStore = this.#store.get(storeKey) === undefined ? 'absent' : 'stored'
      if (entry.inStore === 'stored') changes.push([storeKey, undefined])
    }
    // Entries are marked only after all values were encoded: a value that cannot be written leaves the state
    // as it was.
    const entries = this.#dirty
    for (const entry of entries) {
      if (step.isOver()) yield
      entry.dirty = false
      entry.pending = entry.value === undefined ? 'gone' : 'put'
      entry.bytes = 0
    }
    if (changes.length > 0) this.#valueBytes = valueBytes / changes.length
    this.#dirty = []
    this.#dirtyBytes = 0
    this.#pending = { entries, changes }
    return changes
  }

  /** Applies the changes to the store, once they are committed and the changelog is at `position`. */
  committed(position: number): void {
    inOneGo(this.committedInSteps(position))
  }

  /**
   * As {@link committed}, in steps of a few milliseconds. The state must not be used before the last step.
   */
  *committedInSteps(position: number): Generator<void> {
    const changes = this.#pending?.changes ?? (yield* this.changesInSteps())
    let from = 0
    for (; changes.length - from > stepEntriesMax; from += stepEntriesMax) {
      this.#store.apply(changes.slice(from, from + stepEntriesMax), undefined)
      yield
    }
    this.#store.apply(from === 0 ? changes : changes.slice(from), position)
    yield* this.#settle()
  }

  /** For use after a commit that failed or was fenced: forgets all changes, and the whole cache. */
  discard(): void {
    this.#namespaces.clear()
    this.#dirty = []
    this.#dirtyBytes = 0
    this.#pending = undefined
    this.#clean.clear()
  }

  /** Ends the pending state of entries, whose changes are in the store now. */
  *#settle(): Generator<void> {
    const { entries } = this.#pending!
    this.#pending = undefined
    const step = new CommitStep()
    for (const entry of entries) {
      if (step.isOver()) yield
      entry.inStore = entry.pending === 'put' ? 'stored' : 'absent'
      entry.pending = undefined
      entry.bucket.settled()
      if (entry.dirty) continue
      if (entry.value === undefined) this.#namespaces.remove(entry)
      else this.#keepClean(entry)
    }
  }

  #read(namespace: number, key: string): V | undefined {
    const bytes = this.#store.get(encodeNamespace(namespace) + key)
    return bytes && this.#decode(bytes)
  }

  /** Asks the store, and remembers the answer. */
  #load(namespace: number, key: string): V | undefined {
    const value = this.#read(namespace, key)
    const bucket = this.#namespaces.ensure(namespace)
    const entry = bucket.add(key, value, value === undefined ? 'absent' : 'stored')
    if (value !== undefined) bucket.live++
    this.#keepClean(entry)
    return value
  }

  #markDirty(entry: Entry<V>): void {
    entry.dirty = true
    entry.bytes = entryOverhead + entry.key.length
    this.#dirtyBytes += entry.bytes
    this.#dirty.push(entry)
  }

  #deleteEntry(entry: Entry<V>): void {
    const { bucket } = entry
    if (entry.value !== undefined) {
      entry.value = undefined
      bucket.live--
    }
    this.#namespaces.went(bucket.namespace)
    if (!entry.dirty && (entry.inStore !== 'absent' || entry.pending === 'put')) this.#markDirty(entry)
  }

  /** Keeps a clean entry as long as there is room. */
  #keepClean(entry: Entry<V>): void {
    this.#clean.add(entry)
    for (let oldest; (oldest = this.#clean.takeExcess());) this.#namespaces.remove(oldest)
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

  #decode(bytes: Uint8Array): V {
    try {
      return frozen(valueCodec.decode(bytes) as V)
    } catch (error) {
      throw new MillraceError(
        'STATE_INCOMPATIBLE',
        `State '${this.name}' holds a value that this program cannot read: ${(error as Error).message}. Was it written by another version? Start from scratch with { restart: true }.`,
        { cause: error },
      )
    }
  }
}
