/** What KeyedState caches: entries, and the bucket that holds those of one namespace. */

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
  /** What the commit under way makes of it. */
  pending: 'put' | 'gone' | undefined
  /** Stands in the {@link CleanQueue}. */
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

/** The cached entries of one namespace. */
export class Bucket<V> {
  readonly namespace: number
  readonly entries: Map<string, Entry<V>> = new Map()
  /** How many have a value. */
  live = 0
  /** Keys with a value that the store does not give, in order; undefined when they have to be sorted again. */
  fresh: string[] | undefined

  constructor(namespace: number) {
    this.namespace = namespace
  }

  freshKeys(): string[] {
    if (this.fresh) return this.fresh
    this.fresh = []
    for (const [key, entry] of this.entries)
      if (entry.value !== undefined && entry.inStore !== 'stored') this.fresh.push(key)
    return this.fresh.sort()
  }

  add(key: string, value: V | undefined, inStore: InStore): Entry<V> {
    const entry = new Entry(this, key, value, inStore)
    this.entries.set(key, entry)
    return entry
  }
}
