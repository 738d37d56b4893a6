/**
 * Live values whose keys are looked up again and again, by namespace and key: a table in which each key has
 * one slot, and takes it from the key that had it before. A key that has lost its slot is found by its bytes,
 * as one that is looked up for the first time. So keys that were chosen to collide cost no more than that.
 *
 * A Map would be slower: it asks the runtime for the hash of each new string, which takes 150 ns or more, and
 * records bring their keys as new strings.
 */
import type { Live } from './live-values.ts'

/** Slots at first and at most: powers of two. */
const slotsMin = 64
const slotsMax = 2 ** 14
/** Chars of a key that are hashed: of a longer one every second, third … is. */
const hashedMax = 16

export class RepeatedKeys<V> {
  #slots: (Live<V> | undefined)[] = emptySlots(slotsMin)
  #taken = 0

  get(namespace: number, key: string): Live<V> | undefined {
    const live = this.#slots[this.#slotOf(namespace, key)]
    return live?.key === key && live.namespace === namespace ? live : undefined
  }

  add(live: Live<V>): void {
    if (2 * this.#taken >= this.#slots.length && this.#slots.length < slotsMax) this.#grow()
    const slot = this.#slotOf(live.namespace, live.key!)
    if (this.#slots[slot] === undefined) this.#taken += 1
    this.#slots[slot] = live
  }

  remove(live: Live<V>): void {
    const slot = this.#slotOf(live.namespace, live.key!)
    // Another key may have taken it.
    if (this.#slots[slot] !== live) return
    this.#slots[slot] = undefined
    this.#taken -= 1
  }

  #grow(): void {
    const before = this.#slots
    this.#slots = emptySlots(2 * before.length)
    this.#taken = 0
    for (const live of before) if (live) this.add(live)
  }

  #slotOf(namespace: number, key: string): number {
    const { length } = key
    const step = length < 2 * hashedMax ? 1 : Math.floor(length / hashedMax)
    let hash = Math.imul(namespace | 0, 0x9e37_79b1)
    for (let at = 0; at < length; at += step) hash = Math.imul(hash ^ key.charCodeAt(at), 0x0100_0193)
    return (hash ^ (hash >>> 15)) & (this.#slots.length - 1)
  }
}

function emptySlots<V>(count: number): (Live<V> | undefined)[] {
  return Array.from({ length: count }, () => undefined)
}
