/**
 * The entries of a state in memory: a table with what is stored, as bytes; the live values, which are
 * objects; and the order of keys, for a state that is scanned.
 */
import { assert, bufferOf, MillraceError, type Random } from '../base/index.ts'
import { EntryTable, type EntryTableLimits } from './entry-table.ts'
import { frozen } from './frozen.ts'
import { KeyHash } from './key-hash.ts'
import { KeyOrder } from './key-order.ts'
import { type Live, LiveValues } from './live-values.ts'
import type { SortedKeysLimits } from './sorted-keys.ts'
import { readValue } from './value-reader.ts'

/** Keys that a scan reads ahead. */
const scanChunk = 512

/** Limits that tests make small. */
export interface StateLimits extends EntryTableLimits, SortedKeysLimits {}

export interface StateEntriesOptions {
  /** Clean values that stay live. */
  readonly cleanEntries: number
  /** Whether the order of keys is kept from the beginning. */
  readonly isScanned: boolean
  readonly limits?: StateLimits | undefined
  /** Draws the key of the hashes. */
  readonly random: Random
}

export class StateEntries<V> {
  /** The name of the state, for messages. */
  readonly #state: string
  readonly #table: EntryTable
  readonly #live: LiveValues<V>
  readonly #limits: StateLimits | undefined
  /** Undefined until it is asked for. */
  #order: KeyOrder | undefined

  constructor(state: string, { cleanEntries, isScanned, limits, random }: StateEntriesOptions) {
    this.#state = state
    this.#limits = limits
    this.#live = new LiveValues(cleanEntries)
    const moved = (number: number, place: number): void => {
      this.#live.get(number).place = place
    }
    this.#table = new EntryTable(state, new KeyHash(random), moved, limits)
    if (isScanned) this.#order = this.#emptyOrder()
  }

  /** The live value of a key; undefined if there is no entry. It may be one that was deleted. */
  find(namespace: number, key: string): Live<V> | undefined {
    const found = this.#live.find(namespace, key)
    if (found) return found
    const place = this.#placeOf(namespace, key)
    if (place === 0) return undefined
    const number = this.#table.live(place)
    return number === 0 ? this.#revive(place, namespace, key) : this.#live.again(number)
  }

  /**
   * Puts a value. `found` is the answer that {@link find} has just given for the key. If that was undefined,
   * the key gets an entry, with room for a stored value of about so many bytes.
   */
  put(found: Live<V> | undefined, namespace: number, key: string, value: V, valueBytes: number): Live<V> {
    const live = found ?? this.#insert(namespace, key, valueBytes)
    const isNew = live.value === undefined
    live.value = value
    // After the value, as the order may ask at once which keys have one.
    if (isNew) this.#order?.came(namespace, key)
    return live
  }

  /** The value of a key that will not be asked for again soon: it does not become live. */
  peek(namespace: number, key: string): V | undefined {
    const place = this.#placeOf(namespace, key)
    if (place === 0) return undefined
    const number = this.#table.live(place)
    return number === 0 ? this.#decode(place) : this.#live.get(number).value
  }

  /** Deletes a value, and returns the live entry that has none now; undefined if there was no value. */
  delete(namespace: number, key: string): Live<V> | undefined {
    const place = this.#placeOf(namespace, key)
    if (place === 0 || !this.#hasValue(place)) return undefined
    const number = this.#table.live(place)
    // What is stored is not read, only to be deleted.
    const live = number === 0 ? this.#makeLive(place, namespace, key, undefined) : this.#live.get(number)
    live.value = undefined
    this.#order?.went(namespace)
    return live
  }

  isStored({ place }: Live<V>): boolean {
    return this.#table.isStored(place)
  }

  /** A copy of the stored key. */
  keyOf({ place }: Live<V>): Uint8Array {
    return this.#table.keyOf(place)
  }

  /** Stores the bytes of a value; undefined: nothing is stored. */
  store(live: Live<V>, bytes: Uint8Array | undefined): void {
    if (bytes) live.place = this.#table.store(live.place, bytes, 0, bytes.length)
    else this.#table.unstore(live.place)
  }

  /** What is stored is the value: it stays live as long as there is room. Without a value it is removed. */
  settle(live: Live<V>): void {
    if (live.value !== undefined) return this.#keepClean(live)
    this.#table.remove(live.place)
    this.#live.release(live)
  }

  /** The lowest namespace at or after `from` with a value. */
  firstNamespace(from: number): number | undefined {
    return this.#ordered().firstFrom(from)
  }

  /**
   * Keys of namespaces with from ≤ namespace < to, in order and in parts; some may have no value any more.
   * With `afterKey` it begins after that key in the first namespace.
   */
  *keysBetween(
    from: number,
    to: number,
    afterKey?: string,
  ): Generator<{ readonly namespace: number; readonly keys: readonly string[] }> {
    const order = this.#ordered()
    for (let at = order.firstFrom(from); at !== undefined && at < to; at = order.firstFrom(at + 1)) {
      let after = at === from ? afterKey : undefined
      for (let isLast = false; !isLast;) {
        const keys = order.keysAfter(at, after, scanChunk)
        yield { namespace: at, keys }
        isLast = keys.length < scanChunk
        after = keys.at(-1)
      }
    }
  }

  /** Bytes that {@link store} and {@link settle} have moved so far, besides what they were given. */
  get movedBytes(): number {
    return this.#table.movedBytes
  }

  get storedCount(): number {
    return this.#table.storedCount
  }

  /** The stored entries, in no order: copies of the stored key and of the value. */
  *stored(): Generator<readonly [storeKey: Uint8Array, value: Uint8Array]> {
    for (const place of this.#table.places())
      if (this.#table.isStored(place)) yield [this.#table.keyOf(place), this.#table.read(place, copyOf)]
  }

  /** A copy of what is stored under a stored key. */
  storedValue(storeKey: Uint8Array): Uint8Array | undefined {
    this.#table.key.setBytes(bufferOf(storeKey), 0, storeKey.length)
    const place = this.#table.find()
    return place !== 0 && this.#table.isStored(place) ? this.#table.read(place, copyOf) : undefined
  }

  /** Stores an entry that is not live: its stored key and its value are in `bytes`. */
  restore(bytes: Buffer, keyStart: number, keyEnd: number, valueStart: number, valueEnd: number): void {
    const table = this.#table
    table.key.setBytes(bytes, keyStart, keyEnd)
    const place = table.find()
    table.store(place || table.insert(valueEnd - valueStart), bytes, valueStart, valueEnd)
    if (place === 0) this.#order?.cameJoined(bytes.latin1Slice(keyStart, keyEnd))
  }

  /** Removes an entry that is not live: its stored key is in `bytes`. */
  restoreTombstone(bytes: Buffer, keyStart: number, keyEnd: number): void {
    this.#table.key.setBytes(bytes, keyStart, keyEnd)
    const place = this.#table.find()
    if (place === 0) return
    this.#table.remove(place)
    this.#order?.wentJoined(bytes.latin1Slice(keyStart, keyEnd))
  }

  /** Removes all entries. None may be live. */
  clear(): void {
    this.#table.clear()
    if (this.#order) this.#order = this.#emptyOrder()
  }

  #placeOf(namespace: number, key: string): number {
    // Another number would be cut to that of another entry. The message is not made unless it is needed.
    if (!Number.isSafeInteger(namespace))
      assert(false, `the namespace ${namespace} of state '${this.#state}' is a safe integer`)
    this.#table.key.set(namespace, key)
    return this.#table.find()
  }

  #hasValue(place: number): boolean {
    const number = this.#table.live(place)
    return number === 0 ? this.#table.isStored(place) : this.#live.get(number).value !== undefined
  }

  #ordered(): KeyOrder {
    if (this.#order) return this.#order
    this.#order = this.#emptyOrder()
    for (const place of this.#table.places())
      if (this.#hasValue(place)) this.#order.cameJoined(this.#table.keyOf(place).latin1Slice())
    return this.#order
  }

  #emptyOrder(): KeyOrder {
    return new KeyOrder(storeKey => {
      this.#table.key.setJoined(storeKey)
      const place = this.#table.find()
      return place !== 0 && this.#hasValue(place)
    }, this.#limits)
  }

  #insert(namespace: number, key: string, valueBytes: number): Live<V> {
    return this.#makeLive(this.#table.insert(Math.ceil(valueBytes)), namespace, key, undefined)
  }

  /** Makes the stored value of an entry live. */
  #revive(place: number, namespace: number, key: string): Live<V> {
    const live = this.#makeLive(place, namespace, key, this.#decode(place))
    this.#keepClean(live)
    return live
  }

  #makeLive(place: number, namespace: number, key: string, value: V | undefined): Live<V> {
    const live = this.#live.add(place, namespace, key, value)
    this.#table.setLive(place, live.number)
    return live
  }

  #keepClean(live: Live<V>): void {
    this.#live.queue(live)
    for (let oldest; (oldest = this.#live.excess());) {
      this.#table.setLive(oldest.place, 0)
      this.#live.release(oldest)
    }
  }

  #decode(place: number): V {
    try {
      return frozen(this.#table.read(place, readValue) as V)
    } catch (error) {
      throw new MillraceError(
        'STATE_INCOMPATIBLE',
        `State '${this.#state}' holds a value that this program cannot read: ${(error as Error).message}. Was it written by another version? Start from scratch with { restart: true }.`,
        { cause: error },
      )
    }
  }
}

function copyOf(bytes: Buffer, start: number, end: number): Uint8Array {
  return Buffer.from(bytes.subarray(start, end))
}
