/**
 * The order of a state's keys, by namespace and then key, for a state that is scanned: the namespaces that
 * have a key, and all keys in sorted runs.
 */
import BTreeModule from 'sorted-btree'
import { decodeNamespace, encodeNamespace, namespaceLength, upperBound } from './namespace.ts'
import { SortedKeys, type SortedKeysLimits } from './sorted-keys.ts'

/**
 * The module is CommonJS: `import` gives its exports in Node and Deno, and its default export itself in Bun.
 */
const BTree =
  (BTreeModule as Partial<typeof BTreeModule>).default ??
  (BTreeModule as unknown as typeof BTreeModule.default)

const byNumber = (a: number, b: number): number => a - b

interface Keys {
  readonly namespace: number
  count: number
}

export class KeyOrder {
  /** The namespaces that have a key. */
  readonly #namespaces = new BTree<number, Keys>(undefined, byNumber, 32)
  /** The one used last: most calls are for the same one again. */
  #last: Keys | undefined
  /** The start of the lowest namespace, as a stored key. Undefined until it is asked for. */
  #lowest: string | undefined
  readonly #keys: SortedKeys

  /** @param isThere whether a key that came has not gone, by the stored key */
  constructor(isThere: (storeKey: string) => boolean, limits?: SortedKeysLimits) {
    // Most keys that have gone are in namespaces whose time is over: these are not looked up.
    this.#keys = new SortedKeys(storeKey => storeKey >= this.#lowestKey() && isThere(storeKey), limits)
  }

  /** A key has come that was not there: `isThere` already answers true for it. */
  came(namespace: number, key: string): void {
    this.#came(namespace, encodeNamespace(namespace) + key)
  }

  /** As {@link came}, with the stored key. */
  cameJoined(storeKey: string): void {
    this.#came(decodeNamespace(storeKey), storeKey)
  }

  /** A key that was there has gone: `isThere` already answers false for it. */
  went(namespace: number): void {
    this.#keys.remove()
    const known = this.#find(namespace)!
    known.count -= 1
    if (known.count > 0) return
    this.#namespaces.delete(namespace)
    this.#last = this.#lowest = undefined
  }

  /** As {@link went}, with the stored key. */
  wentJoined(storeKey: string): void {
    this.went(decodeNamespace(storeKey))
  }

  /** The lowest namespace at or after `from` that has a key. */
  firstFrom(from: number): number | undefined {
    return this.#namespaces.getPairOrNextHigher(from)?.[0]
  }

  /**
   * Up to `count` keys of a namespace, in order; with `after`, those after that key. Some may have gone.
   */
  keysAfter(namespace: number, after: string | undefined, count: number): string[] {
    // No string lies between a key and the same key followed by a zero byte.
    const from = encodeNamespace(namespace) + (after === undefined ? '' : `${after}\0`)
    const keys: string[] = []
    for (const storeKey of this.#keys.range(from, upperBound(namespace + 1)))
      if (keys.push(storeKey.slice(namespaceLength)) === count) break
    return keys
  }

  #came(namespace: number, storeKey: string): void {
    const known = this.#find(namespace)
    if (known) known.count += 1
    else {
      this.#last = { namespace, count: 1 }
      this.#namespaces.set(namespace, this.#last)
      this.#lowest = undefined
    }
    // After the namespace, as this may ask at once which keys are there.
    this.#keys.add(storeKey)
  }

  #lowestKey(): string {
    return (this.#lowest ??= encodeNamespace(this.#namespaces.minKey() ?? Number.MAX_SAFE_INTEGER))
  }

  #find(namespace: number): Keys | undefined {
    if (this.#last?.namespace === namespace) return this.#last
    const known = this.#namespaces.get(namespace)
    if (known) this.#last = known
    return known
  }
}
