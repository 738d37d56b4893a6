/**
 * Live values whose keys are looked up again and again, by namespace and key. A Map finds a string that it
 * has seen before in a fraction of the time of a look-up by bytes, since the string knows its hash.
 */
import type { Live } from './live-values.ts'

/** With more keys than this it starts from scratch: keys in use come back with their next look-up. */
const keysMax = 8192

export class RepeatedKeys<V> {
  #byNamespace = new Map<number, Map<string, Live<V>>>()
  #count = 0
  /** The namespace used last: most calls are for the same one again. */
  #namespace: number | undefined
  #keys: Map<string, Live<V>> | undefined

  get(namespace: number, key: string): Live<V> | undefined {
    return this.#of(namespace)?.get(key)
  }

  add(live: Live<V>): void {
    if (this.#count >= keysMax) this.#clear()
    const { namespace, key } = live
    let keys = this.#of(namespace)
    if (!keys) {
      keys = new Map()
      this.#byNamespace.set(namespace, keys)
      this.#keys = keys
    }
    keys.set(key!, live)
    this.#count += 1
  }

  remove({ namespace, key }: Live<V>): void {
    const keys = this.#of(namespace)
    // It may have been cleared away.
    if (!keys?.delete(key!)) return
    this.#count -= 1
    if (keys.size > 0) return
    this.#byNamespace.delete(namespace)
    this.#keys = undefined
  }

  #of(namespace: number): Map<string, Live<V>> | undefined {
    if (namespace === this.#namespace) return this.#keys
    this.#namespace = namespace
    return (this.#keys = this.#byNamespace.get(namespace))
  }

  #clear(): void {
    this.#byNamespace = new Map()
    this.#count = 0
    this.#namespace = this.#keys = undefined
  }
}
