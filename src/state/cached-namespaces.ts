/**
 * The namespaces of a state: the cached entries of each, and the order of namespaces and keys over cache and
 * store together.
 *
 * Invariant: no live entry has a namespace below the floor.
 */
import BTreeModule from 'sorted-btree'
import { assert } from '../base/index.ts'
import { Bucket, type Entry } from './cached-entries.ts'
import { decodeNamespace, encodeNamespace, lowerBound, namespaceLength, upperBound } from './namespace.ts'
import type { StateStore } from './state-store.ts'

/**
 * The module is CommonJS: `import` gives its exports in Node and Deno, and its default export itself in Bun.
 */
const BTree =
  (BTreeModule as Partial<typeof BTreeModule>).default ??
  (BTreeModule as unknown as typeof BTreeModule.default)

/** Keys that a scan reads ahead. */
const scanChunk = 512

const byNumber = (a: number, b: number): number => a - b

export class CachedNamespaces<V> {
  /** The name of the state, for messages. */
  readonly #state: string
  readonly #store: StateStore
  readonly #buckets = new Map<number, Bucket<V>>()
  /** The same buckets in order. */
  readonly #order = new BTree<number, Bucket<V>>(undefined, byNumber, 32)
  /** The bucket used last: most calls go to the same one again. */
  #last: Bucket<V> | undefined
  /** No live entry is below it. */
  #floor = Number.MIN_SAFE_INTEGER
  /** Whether the floor is the namespace of a live entry. */
  #floorIsLive = false

  constructor(state: string, store: StateStore) {
    this.#state = state
    this.#store = store
  }

  clear(): void {
    this.#buckets.clear()
    this.#order.clear()
    this.#last = undefined
    this.#floor = Number.MIN_SAFE_INTEGER
    this.#floorIsLive = false
  }

  /** An entry of the namespace has got a value. */
  came(namespace: number): void {
    if (namespace > this.#floor) return
    this.#floor = namespace
    this.#floorIsLive = true
  }

  /** An entry of the namespace may have lost its value. */
  went(namespace: number): void {
    if (namespace === this.#floor) this.#floorIsLive = false
  }

  /** The cached entries of a namespace. */
  get(namespace: number): Bucket<V> | undefined {
    if (this.#last?.namespace === namespace) return this.#last
    const bucket = this.#buckets.get(namespace)
    if (bucket) this.#last = bucket
    return bucket
  }

  /** The cached entries of a namespace. They are created if they are missing. */
  ensure(namespace: number): Bucket<V> {
    const known = this.get(namespace)
    if (known) return known
    assert(
      Number.isSafeInteger(namespace),
      `the namespace ${namespace} of state '${this.#state}' is a safe integer`,
    )
    const bucket = new Bucket<V>(namespace)
    this.#buckets.set(namespace, bucket)
    this.#order.set(namespace, bucket)
    this.#last = bucket
    return bucket
  }

  /** Takes an entry out of the cache. */
  remove(entry: Entry<V>): void {
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
   * The lowest namespace at or after `from` with an entry. The lowest namespace of all with an entry is
   * remembered as the floor.
   */
  firstFrom(from: number): number | undefined {
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
      // Cached entries of this namespace have no value: they were deleted, so their keys in the store do not
      // count.
      if (!this.#buckets.get(namespace)?.entries.has(storeKey.slice(namespaceLength))) return namespace
    }
    return cached
  }

  /**
   * Namespaces with an entry, from ≤ namespace < to, in order. Each is looked up when the loop comes to it.
   */
  *between(from: number, to: number): Generator<number> {
    for (let at = this.firstFrom(from); at !== undefined && at < to; at = this.firstFrom(at + 1)) yield at
  }

  /**
   * The next keys of a namespace, in order. The rest comes after the key `goOnAfter`; undefined at the end.
   */
  gather(
    namespace: number,
    after: string | undefined,
  ): { readonly keys: string[]; readonly goOnAfter: string | undefined } {
    // No string lies between a key and the same key followed by a zero byte.
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
}
