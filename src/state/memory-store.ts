/**
 * State in memory: a B+ tree of binary strings.
 *
 * Values are kept as binary strings as well: one byte per char and 16 bytes of header, where a Uint8Array of its own costs more than 100 bytes and a
 * view of a fetched batch would keep the whole batch alive.
 */
import BTreeModule from 'sorted-btree'
import { fromLatin1, latin1 } from '../base/index.ts'
import type { StateStore } from './state-store.ts'

// A CommonJS package: under Node the class is a property of what the default import gives.
const BTree = BTreeModule.default

const byChars = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/** A store that lives as long as the process; `position` is undefined until the first {@link StateStore.apply}. */
export function memoryStore(): StateStore {
  const tree = new BTree<string, string>(undefined, byChars, 64)
  let position: number | undefined

  function* range(from: string, to: string | undefined): Generator<readonly [string, Uint8Array]> {
    for (const [key, value] of tree.entries(from)) {
      if (to !== undefined && key >= to) return
      yield [key, fromLatin1(value)]
    }
  }

  function* keys(from: string, to: string | undefined): Generator<string> {
    for (const key of tree.keys(from)) {
      if (to !== undefined && key >= to) return
      yield key
    }
  }

  return {
    get(key) {
      const value = tree.get(key)
      return value === undefined ? undefined : fromLatin1(value)
    },
    range,
    keys,
    apply(writes, newPosition) {
      for (const [key, value] of writes) {
        if (value === undefined) tree.delete(key)
        else tree.set(key, latin1(value))
      }
      position = newPosition
    },
    deleteRange(from, to) {
      tree.deleteRange(from, to, false)
    },
    get position() {
      return position
    },
    get size() {
      return tree.size
    },
    clear() {
      tree.clear()
      position = undefined
    },
    close() {
      tree.clear()
      position = undefined
    },
  }
}
