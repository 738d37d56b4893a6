/** The cache of KeyedState: entries, and the bucket that holds the entries of one namespace. */
import { firstFrom, SortedKeys } from './sorted-keys.ts'

/** Whether the store holds a key; `unknown` until the answer is needed. */
export type InStore = 'unknown' | 'absent' | 'stored'

/** One cached entry. */
export class Entry<V> {
  readonly bucket: Bucket<V>
  readonly key: string
  /** Undefined: deleted, or known not to exist. */
  value: V | undefined
  /** Whether the store holds the key; the store is asked only when the answer is needed. */
  inStore: InStore
  dirty = false
  /** What the commit in progress does with the entry. */
  pending: 'put' | 'gone' | undefined
  /** Whether the entry is in the {@link CleanQueue}. */
  queued = false
  /** The entry's share of the dirty bytes. */
  bytes = 0

  constructor(bucket: Bucket<V>, key: string, value: V | undefined, inStore: InStore) {
    this.bucket = bucket
    this.key = key
    this.value = value
    this.inStore = inStore
  }
}

/**
 * Up to this many new keys of a namespace are sorted at each question. With more, their order is maintained.
 */
const unorderedMax = 4096

/** The cached entries of one namespace. */
export class Bucket<V> {
  readonly namespace: number
  readonly entries: Map<string, Entry<V>> = new Map()
  /** Entries that have a value. */
  live = 0
  /**
   * Keys that have a value and are not known to be in the store, in order; undefined when they must be sorted
   * again.
   */
  #fresh: string[] | undefined
  /** An upper bound of the keys that were added since the last commit. */
  #came = 0
  /** The order of the new keys, maintained once there are many. */
  #order: SortedKeys | undefined

  constructor(namespace: number) {
    this.namespace = namespace
  }

  /** A key got a value, and is not known to be in the store. */
  cameNew(key: string): void {
    this.#fresh = undefined
    this.#came += 1
    if (this.#order) this.#order.add(key)
    else if (this.#came > unorderedMax) this.#keepOrder()
  }

  /** The new keys are in the store now, or were deleted. */
  settled(): void {
    this.#fresh = this.#order = undefined
    this.#came = 0
  }

  /**
   * The first `count` keys at or after `from` that have a value and are not known to be in the store, in
   * order. There may be fewer.
   */
  freshKeys(from: string, count: number): string[] {
    if (!this.#order) {
      this.#fresh ??= [...this.#freshEntries()].sort()
      const first = firstFrom(this.#fresh, from)
      return this.#fresh.slice(first, first + count)
    }
    const keys: string[] = []
    for (const key of this.#order.range(from, undefined)) if (keys.push(key) === count) break
    return keys
  }

  add(key: string, value: V | undefined, inStore: InStore): Entry<V> {
    const entry = new Entry(this, key, value, inStore)
    this.entries.set(key, entry)
    return entry
  }

  #keepOrder(): void {
    const isFresh = (key: string): boolean => isFreshEntry(this.entries.get(key))
    this.#order = new SortedKeys(isFresh)
    for (const key of this.#freshEntries()) this.#order.add(key)
  }

  *#freshEntries(): Generator<string> {
    for (const [key, entry] of this.entries) if (isFreshEntry(entry)) yield key
  }
}

function isFreshEntry(entry: Entry<unknown> | undefined): boolean {
  return entry !== undefined && entry.value !== undefined && entry.inStore !== 'stored'
}
