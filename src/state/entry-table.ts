/**
 * The entries of a state by key, as bytes: what the last commit has left, and the keys that came since. An
 * index finds an entry by the hash of its key; then the keys are compared.
 *
 * An entry may move when another one is stored or removed. Who keeps the place of an entry gives it a number
 * (`live`), and is told under that number where the entry has moved.
 */
import {
  EntryMemory,
  type EntryMemoryLimits,
  keyLengthWord,
  keyWord,
  liveWord,
  padded,
  valueLengthWord,
  wordOf,
} from './entry-memory.ts'
import type { Chunk } from './entry-memory.ts'
import { HashIndex } from './hash-index.ts'
import { KeyBytes } from './key-bytes.ts'
import type { KeyHash } from './key-hash.ts'

/** Fewer bytes are copied one by one: a call of the runtime takes longer. */
const copiedByCallMin = 64
/** An entry that needs less than half of its size is written again, unless it is as short as this. */
const spaciousBytes = 128

/** Limits that tests make small. */
export interface EntryTableLimits extends EntryMemoryLimits {
  readonly pageSlotsMax?: number
}

export class EntryTable {
  /** The key that {@link find} and {@link insert} take. */
  readonly key: KeyBytes
  readonly #keyHash: KeyHash
  readonly #index: HashIndex
  readonly #memory: EntryMemory
  readonly #moved: (live: number, place: number) => void
  #stored = 0
  #movedBytes = 0

  /**
   * @param state the name of the state, for messages
   * @param keyHash hashes the keys
   * @param moved an entry with a `live` number is at another place now
   */
  constructor(
    state: string,
    keyHash: KeyHash,
    moved: (live: number, place: number) => void,
    limits: EntryTableLimits = {},
  ) {
    this.#keyHash = keyHash
    this.key = new KeyBytes(keyHash)
    this.#moved = moved
    this.#index = new HashIndex(limits.pageSlotsMax)
    this.#memory = new EntryMemory(state, limits)
  }

  /** Entries that have a stored value. */
  get storedCount(): number {
    return this.#stored
  }

  /** Bytes of entries that were moved out of sparse chunks so far, for callers that bound their work. */
  get movedBytes(): number {
    return this.#movedBytes
  }

  /** The place of the key's entry; 0 if there is none. */
  find(): number {
    const { hash, length, words } = this.key
    const last = (length - 1) >> 2
    for (let place = this.#index.first(hash); place !== 0; place = this.#index.next(hash)) {
      const entry = this.#memory.chunk(place).words
      const at = wordOf(place)
      if (entry[at + keyLengthWord] !== length) continue
      const keyAt = at + keyWord
      let n = last
      while (n >= 0 && entry[keyAt + n] === words[n]) n -= 1
      if (n < 0) return place
    }
    return 0
  }

  /** Adds an entry for the key, which has none, with room for a value of so many bytes. */
  insert(valueBytes: number): number {
    const { hash, length, words } = this.key
    const place = this.#memory.allocate(length, valueBytes, false)
    const entry = this.#memory.chunk(place).words
    const keyAt = wordOf(place) + keyWord
    for (let n = (length - 1) >> 2; n >= 0; n -= 1) entry[keyAt + n] = words[n]!
    this.#index.add(hash, place)
    return place
  }

  remove(place: number): void {
    const { words } = this.#memory.chunk(place)
    const at = wordOf(place)
    if (words[at + valueLengthWord]! >= 0) this.#stored -= 1
    this.#index.remove(this.#keyHash.of(words, at + keyWord, words[at + keyLengthWord]!), place)
    this.#free(place)
  }

  /** Whether an entry has a stored value. */
  isStored(place: number): boolean {
    return this.#memory.chunk(place).words[wordOf(place) + valueLengthWord]! >= 0
  }

  /** Stores the bytes from start to end as an entry's value. Returns the entry's place from now on. */
  store(place: number, source: Uint8Array, start: number, end: number): number {
    const chunk = this.#memory.chunk(place)
    const at = wordOf(place)
    const { words } = chunk
    const keyLength = words[at + keyLengthWord]!
    const needed = 4 * keyWord + padded(keyLength) + end - start
    const size = words[at]!
    const isNew = words[at + valueLengthWord]! < 0
    // Also a full memory takes a value that has become shorter.
    const stays = size <= spaciousBytes || 2 * needed >= size || !this.#memory.hasRoom(keyLength, end - start)
    if (needed <= size && stays) {
      write(chunk, at, source, start, end)
      if (isNew) this.#stored += 1
      return place
    }
    const to = this.#copyOf(place, end - start, false)
    if (isNew) this.#stored += 1
    write(this.#memory.chunk(to), wordOf(to), source, start, end)
    this.#free(place)
    return to
  }

  /** The entry stays, without a stored value. */
  unstore(place: number): void {
    const { words } = this.#memory.chunk(place)
    const at = wordOf(place) + valueLengthWord
    if (words[at]! >= 0) this.#stored -= 1
    words[at] = -1
  }

  live(place: number): number {
    return this.#memory.chunk(place).words[wordOf(place) + liveWord]!
  }

  setLive(place: number, live: number): void {
    this.#memory.chunk(place).words[wordOf(place) + liveWord] = live
  }

  /** Calls `read` with the bytes that the stored value is in. */
  read<T>(place: number, read: (bytes: Buffer, start: number, end: number) => T): T {
    const { bytes, words } = this.#memory.chunk(place)
    const at = wordOf(place)
    const start = 4 * (at + keyWord) + padded(words[at + keyLengthWord]!)
    return read(bytes, start, start + words[at + valueLengthWord]!)
  }

  /** A copy of an entry's key. */
  keyOf(place: number): Buffer {
    const { bytes, words } = this.#memory.chunk(place)
    const at = wordOf(place)
    const length = words[at + keyLengthWord]!
    const start = 4 * (at + keyWord)
    const key = Buffer.allocUnsafe(length)
    if (length >= copiedByCallMin) bytes.copy(key, 0, start, start + length)
    else for (let n = 0; n < length; n += 1) key[n] = bytes[start + n]!
    return key
  }

  /** The places of all entries, in no order. No entry may be added or stored meanwhile. */
  places(): Generator<number> {
    return this.#memory.places()
  }

  clear(): void {
    this.#index.clear()
    this.#memory.clear()
    this.#stored = 0
  }

  #free(place: number): void {
    const sparse = this.#memory.free(place)
    if (!sparse) return
    this.#movedBytes += sparse.used - sparse.free
    for (const left of sparse.places()) {
      const { words } = sparse
      const at = wordOf(left)
      const length = words[at + valueLengthWord]!
      const to = this.#copyOf(left, Math.max(0, length), true)
      const start = 4 * (at + keyWord) + padded(words[at + keyLengthWord]!)
      if (length >= 0) write(this.#memory.chunk(to), wordOf(to), sparse.bytes, start, start + length)
    }
    this.#memory.drop(sparse)
  }

  /** Moves an entry to a new place, without its value. The old place is not free yet. See `allocate`. */
  #copyOf(from: number, valueBytes: number, isMove: boolean): number {
    const { words } = this.#memory.chunk(from)
    const at = wordOf(from)
    const length = words[at + keyLengthWord]!
    const live = words[at + liveWord]!
    const to = this.#memory.allocate(length, valueBytes, isMove)
    const copy = this.#memory.chunk(to).words
    const copyAt = wordOf(to)
    copy[copyAt + liveWord] = live
    for (let n = (length - 1) >> 2; n >= 0; n -= 1) copy[copyAt + keyWord + n] = words[at + keyWord + n]!
    this.#index.moved(this.#keyHash.of(words, at + keyWord, length), from, to)
    if (live !== 0) this.#moved(live, to)
    return to
  }
}

/** Writes the value of the entry at a word of its chunk. */
function write({ bytes, words }: Chunk, at: number, source: Uint8Array, start: number, end: number): void {
  let to = 4 * (at + keyWord) + padded(words[at + keyLengthWord]!)
  words[at + valueLengthWord] = end - start
  if (end - start >= copiedByCallMin) bytes.set(source.subarray(start, end), to)
  else for (let from = start; from < end;) bytes[to++] = source[from++]!
}
