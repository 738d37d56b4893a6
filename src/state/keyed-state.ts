/**
 * KeyedState: the state of one operator in one task, as typed values by (namespace, key).
 *
 * In front of a store of bytes stands a cache of live values, two maps deep, so that a hot entry costs two
 * lookups and no key is put together. An entry is **clean** when the store holds the same, **dirty** when it
 * has changed since, and **pending** while its change is part of a commit in progress. The life of a change:
 *
 *     put, delete ──▶ dirty ──changes()──▶ pending ──committed()──▶ in the store, cached clean
 *                       ▲                    │
 *                       └──── put, delete ───┘   (an entry may be pending and dirty again: it belongs to the next commit)
 *
 * `discard` forgets everything but the store, which always stands for exactly one commit.
 *
 * Invariants: an entry that is dirty is never evicted; the store is written in `committed` alone; no live
 * entry has a namespace below the floor.
 */
import BTreeModule from 'sorted-btree'
import { assert, MillraceError } from '../base/index.ts'
import { Bucket, type Entry } from './cached-entries.ts'
import { CleanQueue } from './clean-queue.ts'
import { frozen } from './frozen.ts'
import { decodeNamespace, encodeNamespace, lowerBound, namespaceLength, upperBound } from './namespace.ts'
import type { StateStore } from './state-store.ts'
import type { UndoLog } from './undo-log.ts'
import { valueCodec } from './value-codec.ts'

/**
 * The module is CommonJS: `import` gives its exports in Node and Deno, and its default export itself in Bun.
 */
const BTree =
  (BTreeModule as Partial<typeof BTreeModule>).default ??
  (BTreeModule as unknown as typeof BTreeModule.default)

export interface KeyedStateOptions {
  /** Clean entries kept in the cache. Default 8192. */
  readonly cleanEntries?: number
  /** Is told of each change, so that it can be undone. */
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
/** Keys that a scan reads ahead. */
const scanChunk = 512
/** Entries, and bytes of values, that a step of a commit takes: a few milliseconds. */
const stepEntriesMax = 4096
const stepBytesMax = 1 << 20
/** Bytes that an entry in the cache costs beside its key and value. */
const entryOverhead = 96
/** What a value is taken to weigh until some have been written. */
const valueBytesGuess = 64

const byNumber = (a: number, b: number): number => a - b

/**
 * Typed state by (namespace, key). The namespace is a window's start, a timer's time, or 0; a safe integer.
 * The key is a binary string, the record key's bytes.
 *
 * Obligation of the owner: from the first question on nobody else writes to the store; it is restored before
 * that.
 */
export class KeyedState<V> {
  readonly name: string
  readonly #store: StateStore
  readonly #undo: UndoLog | undefined

  #buckets = new Map<number, Bucket<V>>()
  /** The same buckets in order. */
  #order = new BTree<number, Bucket<V>>(undefined, byNumber, 32)
  /** The bucket used last: most calls go to the same one again. */
  #last: Bucket<V> | undefined

  #dirty: Entry<V>[] = []
  #dirtyBytes = 0
  #pending: { readonly entries: Entry<V>[]; readonly changes: StateChange[] } | undefined

  readonly #clean: CleanQueue<V>

  /** No live entry is below it. */
  #floor = Number.MIN_SAFE_INTEGER
  /** Whether the floor is the namespace of a live entry. */
  #floorIsLive = false

  #valueBytes = valueBytesGuess

  constructor(name: string, store: StateStore, options: KeyedStateOptions = {}) {
    this.name = name
    this.#store = store
    this.#undo = options.undo
    this.#clean = new CleanQueue(options.cleanEntries ?? cleanEntriesDefault)
  }

  /**
   * An estimate of the memory that changes since the last commit take. The caller bounds it: too much means
   * commit early.
   */
  get dirtyBytes(): number {
    return this.#dirtyBytes
  }

  get(namespace: number, key: string): V | undefined {
    const entry = this.#bucket(namespace)?.entries.get(key)
    return entry === undefined ? this.#load(namespace, key) : entry.value
  }

  /** The value is kept by reference: what has been put is never mutated. Freeze what the program has seen. */
  put(namespace: number, key: string, value: V): void {
    if (this.#undo?.isOpen) this.#undo.changes(this, namespace, key, this.get(namespace, key))
    assert(value !== undefined, 'undefined stands for an entry that is not there: use delete')
    const bucket = this.#bucket(namespace) ?? this.#addBucket(namespace)
    const entry = bucket.entries.get(key) ?? bucket.add(key, undefined, 'unknown')
    const isNew = entry.value === undefined
    entry.value = value
    if (isNew) {
      bucket.live++
      if (entry.inStore !== 'stored') bucket.cameNew(key)
      if (namespace <= this.#floor) {
        this.#floor = namespace
        this.#floorIsLive = true
      }
    }
    if (!entry.dirty) this.#markDirty(entry)
    const bytes = entryOverhead + key.length + this.#weigh(value)
    this.#dirtyBytes += bytes - entry.bytes
    entry.bytes = bytes
  }

  delete(namespace: number, key: string): void {
    if (this.#undo?.isOpen) this.#undo.changes(this, namespace, key, this.get(namespace, key))
    const bucket = this.#bucket(namespace) ?? this.#addBucket(namespace)
    this.#deleteEntry(bucket.entries.get(key) ?? bucket.add(key, undefined, 'unknown'))
  }

  /**
   * Entries with from ≤ namespace < to, by namespace and then key, each as it is when the scan comes to it.
   * State may change between two of them, and commits may pass; what is put into the namespace that the scan
   * is in may be missed. With `afterKey` it begins behind that key in the first namespace.
   */
  *scan(fromNamespace: number, toNamespace: number, afterKey?: string): Generator<StateEntry<V>> {
    const to = Math.ceil(toNamespace)
    for (let at = this.#firstFrom(fromNamespace); at !== undefined && at < to; at = this.#firstFrom(at + 1)) {
      const namespace = at
      let after = namespace === fromNamespace ? afterKey : undefined
      do {
        const { keys, goOnAfter } = this.#gather(namespace, after)
        for (const key of keys) {
          const entry = this.#buckets.get(namespace)?.entries.get(key)
          const value = entry ? entry.value : this.#read(namespace, key)
          if (value !== undefined) yield { namespace, key, value }
        }
        after = goOnAfter
      } while (after !== undefined)
    }
  }

  /**
   * Deletes entries with from ≤ namespace < to, as many as `perTurn` says between two yields: for an owner
   * that lets the event loop turn meanwhile. As in a scan, commits may pass. Entries that were never
   * committed leave no trace.
   */
  *deleteInTurns(from: number, to: number, perTurn: () => number): Generator<void> {
    let deleted = 0
    for (let at = this.#firstFrom(from); at !== undefined && at < to; at = this.#firstFrom(at + 1)) {
      const namespace = at
      let after: string | undefined
      do {
        const { keys, goOnAfter } = this.#gather(namespace, after)
        for (const key of keys) {
          const bucket = this.#bucket(namespace) ?? this.#addBucket(namespace)
          // What is not cached was found in the store.
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
    return this.#firstFrom(Number.NEGATIVE_INFINITY)
  }

  /**
   * What has changed since the last commit, as changelog and store take it: an entry that was created and
   * deleted in between is not in it. Gives the same again until {@link committed} or {@link discard}; what
   * changes from now on belongs to the next commit. Nothing need not be committed: anyone who was given no
   * changes may ask again later, and is given what has changed by then.
   *
   * @throws MillraceError INVALID_ARGUMENT for a value that cannot be written, naming the state
   */
  changes(): StateChange[] {
    return inOneGo(this.changesInSteps())
  }

  /**
   * As {@link changes}, in steps of a few milliseconds, for an owner that lets the event loop turn meanwhile.
   * The state must not change before the last.
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
    // Nothing is settled before everything could be written: a value that cannot be leaves the state as it
    // was.
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

  /** The changes are committed, and the changelog stands at `position`: applies them to the store. */
  committed(position: number): void {
    inOneGo(this.committedInSteps(position))
  }

  /** As {@link committed}, in steps of a few milliseconds. The state must not be used before the last. */
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

  /** After a commit that failed or was fenced: forgets what has changed, and all that is cached. */
  discard(): void {
    this.#buckets.clear()
    this.#order.clear()
    this.#last = undefined
    this.#dirty = []
    this.#dirtyBytes = 0
    this.#pending = undefined
    this.#clean.clear()
    this.#floor = Number.MIN_SAFE_INTEGER
    this.#floorIsLive = false
  }

  /** What was pending is in the store. */
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
      if (entry.value === undefined) this.#remove(entry)
      else this.#keepClean(entry)
    }
  }

  #bucket(namespace: number): Bucket<V> | undefined {
    if (this.#last?.namespace === namespace) return this.#last
    const bucket = this.#buckets.get(namespace)
    if (bucket) this.#last = bucket
    return bucket
  }

  #addBucket(namespace: number): Bucket<V> {
    assert(
      Number.isSafeInteger(namespace),
      `the namespace ${namespace} of state '${this.name}' is a safe integer`,
    )
    const bucket = new Bucket<V>(namespace)
    this.#buckets.set(namespace, bucket)
    this.#order.set(namespace, bucket)
    this.#last = bucket
    return bucket
  }

  #read(namespace: number, key: string): V | undefined {
    const bytes = this.#store.get(encodeNamespace(namespace) + key)
    return bytes && this.#decode(bytes)
  }

  /** Asks the store, and remembers the answer. */
  #load(namespace: number, key: string): V | undefined {
    const value = this.#read(namespace, key)
    const bucket = this.#bucket(namespace) ?? this.#addBucket(namespace)
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
    if (bucket.namespace === this.#floor) this.#floorIsLive = false
    if (!entry.dirty && (entry.inStore !== 'absent' || entry.pending === 'put')) this.#markDirty(entry)
  }

  /** Keeps an entry that is clean for as long as there is room. */
  #keepClean(entry: Entry<V>): void {
    this.#clean.add(entry)
    for (let oldest; (oldest = this.#clean.takeExcess());) this.#remove(oldest)
  }

  /** Takes an entry out of the cache. */
  #remove(entry: Entry<V>): void {
    const { bucket } = entry
    if (bucket.entries.get(entry.key) !== entry) return
    bucket.entries.delete(entry.key)
    if (entry.value !== undefined) bucket.live--
    if (bucket.entries.size > 0) return
    this.#buckets.delete(bucket.namespace)
    this.#order.delete(bucket.namespace)
    if (this.#last === bucket) this.#last = undefined
  }

  /**
   * The lowest namespace at or after `from` with an entry. From the floor down the answer is remembered as
   * the floor.
   */
  #firstFrom(from: number): number | undefined {
    if (!this.#floorIsLive) {
      const first = this.#findFrom(this.#floor)
      this.#floor = first ?? Number.POSITIVE_INFINITY
      this.#floorIsLive = first !== undefined
    }
    if (!this.#floorIsLive) return undefined
    return from <= this.#floor ? this.#floor : this.#findFrom(from)
  }

  #findFrom(from: number): number | undefined {
    let cached: number | undefined
    for (const [namespace, bucket] of this.#order.entries(from)) {
      if (bucket.live === 0) continue
      cached = namespace
      break
    }
    for (const storeKey of this.#store.keys(
      lowerBound(from),
      cached === undefined ? undefined : lowerBound(cached),
    )) {
      const namespace = decodeNamespace(storeKey)
      // What is cached of it without a value has been deleted.
      if (!this.#buckets.get(namespace)?.entries.has(storeKey.slice(namespaceLength))) return namespace
    }
    return cached
  }

  /** The keys that come next in a namespace, in order; `goOnAfter` is where the rest begins. */
  #gather(
    namespace: number,
    after: string | undefined,
  ): { readonly keys: string[]; readonly goOnAfter: string | undefined } {
    // No string lies between a key and the same with a zero byte behind it.
    const from = after === undefined ? '' : `${after}\0`
    const fresh = this.#buckets.get(namespace)?.freshKeys(from, scanChunk + 1) ?? []
    const isCut = fresh.length > scanChunk
    let next = 0
    const keys: string[] = []
    let read = 0
    for (const storeKey of this.#store.keys(encodeNamespace(namespace) + from, upperBound(namespace + 1))) {
      const key = storeKey.slice(namespaceLength)
      while (next < fresh.length && fresh[next]! < key) keys.push(fresh[next++]!)
      // More new keys may lie before this one.
      if (isCut && next === fresh.length) return { keys, goOnAfter: fresh[next - 1] }
      if (fresh[next] === key) next++
      keys.push(key)
      if (++read === scanChunk) return { keys, goOnAfter: key }
    }
    while (next < fresh.length) keys.push(fresh[next++]!)
    return { keys, goOnAfter: isCut ? keys.at(-1) : undefined }
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

/** Counts what a step of a commit has done. */
class CommitStep {
  #entries = 0
  #bytes = 0

  wrote(bytes: number): void {
    this.#bytes += bytes
  }

  /** Asked before each entry: whether the step has done enough, and the next one begins. */
  isOver(): boolean {
    this.#entries += 1
    if (this.#entries <= stepEntriesMax && this.#bytes < stepBytesMax) return false
    this.#entries = 1
    this.#bytes = 0
    return true
  }
}

function inOneGo<T>(steps: Generator<void, T>): T {
  for (;;) {
    const { done, value } = steps.next()
    if (done) return value
  }
}
