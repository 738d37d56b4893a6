/**
 * The states of process, as programs see them: a value, a map or a list for each key. All of them are entries
 * (entries.ts):
 *
 *     value    key → value
 *     map      key, then the map's key as JSON → value
 *     list     key, then the place → value; key → the next place
 *
 * In a map and in a list the key is preceded by its length: no key is the beginning of another one.
 */
import { given, storable } from '../../state/index.ts'
import type { Entries } from './entries.ts'
import { jsonKeyCodec } from './key-codec.ts'

/** A value for each key. */
export interface ValueState<V> {
  /** Undefined for none. */
  get(): V | undefined
  set(value: V): void
  clear(): void
}

/** A map for each key. Each of its entries is stored by itself. */
export interface MapState<K, V> {
  get(key: K): V | undefined
  has(key: K): boolean
  set(key: K, value: V): void
  delete(key: K): void
  /** In the order of the keys as JSON. */
  entries(): (readonly [key: K, value: V])[]
  clear(): void
}

/** A list for each key. Each of its values is stored by itself. */
export interface ListState<V> {
  push(...values: readonly V[]): void
  /** In the order in which they were added. */
  values(): V[]
  clear(): void
}

/** The key whose record, or timer, is processed. */
export interface CurrentKey {
  readonly key: unknown
  readonly rawKey: string
}

export const valueOf = <V>(entries: Entries<V>, at: CurrentKey): ValueState<V> => ({
  get: () => given(entries.get(at.rawKey)),
  set: value => entries.put(at.rawKey, kept(value, at)),
  clear: () => entries.delete(at.rawKey),
})

export const mapOf = <K, V>(entries: Entries<V>, at: CurrentKey): MapState<K, V> => {
  const keyOf = (key: K): string => prefixOf(at) + jsonKeyCodec.encode(key)
  return {
    get: key => given(entries.get(keyOf(key))),
    has: key => entries.get(keyOf(key)) !== undefined,
    set: (key, value) => entries.put(keyOf(key), kept(value, at)),
    delete: key => entries.delete(keyOf(key)),
    entries() {
      const prefix = prefixOf(at)
      return entries
        .startingWith(prefix)
        .map(([key, value]) => [jsonKeyCodec.decode(key.slice(prefix.length)) as K, given(value)])
    },
    clear() {
      for (const [key] of entries.startingWith(prefixOf(at))) entries.delete(key)
    },
  }
}

export const listOf = <V>(entries: Entries<V | number>, at: CurrentKey): ListState<V> => ({
  push(...values) {
    const prefix = prefixOf(at)
    // What is stored under the key alone is the next place.
    let next = (entries.get(prefix) as number | undefined) ?? 0
    for (const value of values) {
      entries.put(prefix + placeOf(next), kept(value, at))
      next += 1
    }
    entries.put(prefix, next)
  },
  values: () => entries.startingWith(prefixOf(at)).map(([, value]) => given(value as V)),
  clear() {
    const prefix = prefixOf(at)
    for (const [key] of entries.startingWith(prefix)) entries.delete(key)
    entries.delete(prefix)
  },
})

function prefixOf({ rawKey }: CurrentKey): string {
  return `${rawKey.length}:${rawKey}`
}

/** A place in a list, so that text sorts as numbers do. */
function placeOf(n: number): string {
  return n.toString(36).padStart(11, '0')
}

function kept<V>(value: V, { key }: CurrentKey): V {
  if (value === undefined) throw new TypeError('a state cannot hold undefined: use clear(), or null')
  return storable(value, key)
}
