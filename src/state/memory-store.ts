/**
 * State in memory: hash maps of binary strings, and the order of their keys beside them (see sorted-keys.ts),
 * for the few operations that need the order.
 *
 * Values are binary strings, too: one byte per char, and a header of 16 bytes. A Uint8Array costs more than
 * 100 bytes, and a view of a fetched batch would keep the whole batch alive.
 */
import { fromLatin1, latin1 } from '../base/index.ts'
import { SortedKeys } from './sorted-keys.ts'
import type { StateStore } from './state-store.ts'

/**
 * The entries are spread over this many maps. A map that grows moves all its entries at once, so small maps
 * cause only short pauses. JavaScript's limit of 2^24 entries applies to each map.
 */
const shardCount = 32

/**
 * A store that lives as long as the process; `position` is undefined until the first
 * {@link StateStore.apply}.
 */
export function memoryStore(): StateStore {
  const shards = Array.from({ length: shardCount }, () => new Map<string, string>())
  const keysInOrder = new SortedKeys(key => shardOf(key).has(key))
  let position: number | undefined
  let size = 0

  /** The shard of a key, by the key's last chars, which differ the most: so that digits reach all shards. */
  function shardOf(key: string): Map<string, string> {
    const { length } = key
    const last = length > 1 ? key.charCodeAt(length - 1) * 11 + key.charCodeAt(length - 2) : length
    return shards[last % shardCount]!
  }

  function set(key: string, value: string): void {
    const shard = shardOf(key)
    const before = shard.size
    shard.set(key, value)
    if (shard.size === before) return
    size++
    keysInOrder.add(key)
  }

  function remove(key: string): void {
    if (!shardOf(key).delete(key)) return
    size--
    keysInOrder.remove()
  }

  function clear(): void {
    for (const shard of shards) shard.clear()
    keysInOrder.clear()
    size = 0
    position = undefined
  }

  return {
    get(key) {
      const value = shardOf(key).get(key)
      return value === undefined ? undefined : fromLatin1(value)
    },
    *range(from, to) {
      for (const key of keysInOrder.range(from, to)) yield [key, fromLatin1(shardOf(key).get(key)!)]
    },
    keys: (from, to) => keysInOrder.range(from, to),
    apply(writes, newPosition) {
      for (const [key, value] of writes) {
        if (value === undefined) remove(key)
        else set(key, latin1(value))
      }
      position = newPosition ?? position
    },
    get position() {
      return position
    },
    get size() {
      return size
    },
    clear,
    close: clear,
  }
}
