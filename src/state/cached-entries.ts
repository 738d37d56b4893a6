/** What KeyedState caches: entries, and the bucket that holds those of one namespace. */
import { firstFrom, SortedKeys } from './sorted-keys.ts'

/** Whether the store holds a key; `unknown` until somebody needs the answer. */
export type InStore = 'unknown' | 'absent' | 'stored'

/** One cached entry. */
export class Entry<V> {
  readonly bucket: Bucket<V>
  readonly key: string
  /** Undefined: deleted, or known not to exist. */
  value: V | undefined
  /** Whether the store holds the key; asked only where the answer is needed. */
  inStore: InStore
  dirty = false
  /** What the commit in progress makes of it. */
  pending: 'put' | 'gone' | undefined
  /** Is in the {@link CleanQueue}. */
  queued = false
  /** Its part of the dirty bytes. */
  bytes = 0

  constructor(bucket: Bucket<V>, key: string, value: V | undefined, inStore: InStore) {
    this.bucket = bucket
    this.key = key
    this.value = value
    this.inStore = inStore
  }
}

/** So many new keys of a namespace are sorted whenever somebody asks; of more the order is kept. */
const unorderedMax = 4096

/** The cached entries of one namespace. */
export class Bucket<V> {
  readonly namespace: number
  readonly entries: Map<string, Entry<V>> = new Map()
  /** How many have a value. */
  live = 0
  /**
   * Keys with a value that the store does not give, in order; undefined when they have to be sorted again.
   */
  #fresh: string[] | undefined
  /** Those that have come since the last commit, at most. */
  #came = 0
  /** Where many have come: their order, kept while they come. */
  #order: SortedKeys | undefined

  constructor(namespace: number) {
    this.namespace = namespace
  }

  /** A key has got a value that the store does not give. */
  cameNew(key: string): void {
    this.#fresh = undefined
    this.#came += 1
    if (this.#order) this.#order.add(key)
    else if (this.#came > unorderedMax) this.#keepOrder()
  }

  /** What had come is in the store, or has gone. */
  settled(): void {
    this.#fresh = this.#order = undefined
    this.#came = 0
  }

  /**
   * Keys from `from` on with a value that the store does not give, in order: `count` of them, if there are so
   * many.
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
