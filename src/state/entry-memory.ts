/**
 * The memory of a state's entries: chunks outside of the heap. So the garbage collector has nothing to do
 * with entries, however many there are.
 *
 *     ┌──────┬────────────┬──────────────┬──────┬──────────────────────┬───────┬───────┐
 *     │ size │ key length │ value length │ live │ key, padded to words │ value │ slack │
 *     └──────┴────────────┴──────────────┴──────┴──────────────────────┴───────┴───────┘
 *     4 bytes  4            4              4
 *
 * The size, in bytes, is a multiple of {@link unit}; it is negative once the entry is free. A value length of
 * -1 means that there is no value. `live` is the number that the owner has for the entry, 0 for none.
 *
 * Entries are allocated one after the other. A chunk of which more than half is free is **sparse**: its owner
 * moves the entries that are left to other chunks, and drops it. These may need one new chunk, never two: it
 * is no smaller than any with more than one entry. So a move always finds room, also in a full memory.
 */
import { assert, MillraceError } from '../base/index.ts'

/** An entry begins at a multiple of this many bytes. */
const unit = 8
/** A place is the number of a chunk, followed by so many bits that count its units. */
const placeBits = 17
const unitMask = 2 ** placeBits - 1
const chunkBytesMin = 1024
/** An entry of more than half of this gets a chunk that holds nothing else. */
const chunkBytesMaxDefault = unit * 2 ** placeBits
/** One more for moves; number 0 is left out. */
const chunksMaxDefault = 2 ** (31 - placeBits) - 2

/** Limits that tests make small. */
export interface EntryMemoryLimits {
  /** The bytes of a chunk: a power of two. Default and maximum: 1 MiB. */
  readonly chunkBytesMax?: number
  /**
   * Chunks at one time, and one more for moves. Default and maximum: 16382, so that places fit into 31 bits.
   */
  readonly chunksMax?: number
}

/** The words of an entry, by their order. */
export const keyLengthWord = 1
export const valueLengthWord = 2
export const liveWord = 3
export const keyWord = 4

/** A part of the memory: its bytes, and the same bytes as words of four. */
export class Chunk {
  readonly number: number
  readonly bytes: Buffer
  readonly words: Int32Array
  /** Bytes up to the end of the last entry. */
  used = 0
  /** Bytes of them that are free again. */
  free = 0

  constructor(number: number, size: number) {
    this.number = number
    // Not Buffer.alloc: small buffers share their memory, and need not begin at a word.
    const memory = new ArrayBuffer(size)
    this.bytes = Buffer.from(memory)
    this.words = new Int32Array(memory)
  }

  /** The places of the entries that are not free. They may be freed meanwhile. */
  *places(): Generator<number> {
    for (let at = 0; at < this.used;) {
      const size = this.words[at / 4]!
      if (size > 0) yield this.number * 2 ** placeBits + at / unit
      at += Math.abs(size)
    }
  }
}

export class EntryMemory {
  /** By number. Number 0 is left out, so that no place is 0. */
  readonly #chunks: (Chunk | undefined)[] = [undefined]
  #count = 0
  /** Grows; all other chunks are full. */
  #open: Chunk
  /** Chunks that were sparse when they got full: perhaps nothing is left in them that could be freed. */
  readonly #fullAndSparse = new Set<Chunk>()
  readonly #state: string
  readonly #chunkBytesMax: number
  readonly #chunksMax: number

  /** @param state the name of the state, for messages */
  constructor(state: string, limits: EntryMemoryLimits = {}) {
    this.#state = state
    this.#chunkBytesMax = limits.chunkBytesMax ?? chunkBytesMaxDefault
    this.#chunksMax = limits.chunksMax ?? chunksMaxDefault
    this.#open = this.#addChunk(Math.min(chunkBytesMin, this.#chunkBytesMax))
  }

  /** The chunk that a place is in. */
  chunk(place: number): Chunk {
    return this.#chunks[place >>> placeBits]!
  }

  /**
   * A new entry with room for a key and a value. It has a size and a key length, and no value yet.
   *
   * @param isMove for an entry of a sparse chunk, which is dropped then: it always finds room
   * @throws MillraceError LIMIT_EXCEEDED if the memory is full; nothing has changed then
   */
  allocate(keyBytes: number, valueBytes: number, isMove: boolean): number {
    const size = sizeOf(keyBytes, valueBytes)
    const chunk = this.#chunkWith(size, isMove ? this.#chunksMax + 1 : this.#chunksMax)
    const at = chunk.used / 4
    const place = chunk.number * 2 ** placeBits + chunk.used / unit
    chunk.used += size
    chunk.words[at] = size
    chunk.words[at + keyLengthWord] = keyBytes
    chunk.words[at + valueLengthWord] = -1
    chunk.words[at + liveWord] = 0
    return place
  }

  /** Whether a new entry finds room. */
  hasRoom(keyBytes: number, valueBytes: number): boolean {
    const { used, bytes } = this.#open
    return used + sizeOf(keyBytes, valueBytes) <= bytes.length || this.#count < this.#chunksMax
  }

  /** Frees an entry. Returns a sparse chunk, if there is one. */
  free(place: number): Chunk | undefined {
    const chunk = this.chunk(place)
    const at = wordOf(place)
    const size = chunk.words[at]!
    assert(size > 0, 'an entry is freed once')
    chunk.words[at] = -size
    chunk.free += size
    const sparse = chunk !== this.#open && isSparse(chunk) ? chunk : firstOf(this.#fullAndSparse)
    if (sparse) this.#fullAndSparse.delete(sparse)
    return sparse
  }

  /** Drops a chunk whose entries are all free. */
  drop({ number }: Chunk): void {
    this.#chunks[number] = undefined
    this.#count -= 1
  }

  clear(): void {
    this.#chunks.length = 1
    this.#count = 0
    this.#fullAndSparse.clear()
    this.#open = this.#addChunk(Math.min(chunkBytesMin, this.#chunkBytesMax))
  }

  /** The places of all entries, in no order. No entry may be allocated meanwhile. */
  *places(): Generator<number> {
    for (const chunk of this.#chunks) if (chunk) yield* chunk.places()
  }

  #chunkWith(size: number, chunksMax: number): Chunk {
    if (this.#open.used + size <= this.#open.bytes.length) return this.#open
    if (this.#count >= chunksMax)
      throw new MillraceError(
        'LIMIT_EXCEEDED',
        `State '${this.#state}' of this task is full: it takes up to 16 GiB, and a value above 512 KiB counts as 1 MiB at least. Spread the keys over more partitions, or keep less: smaller values, shorter windows, fewer keys.`,
      )
    if (size > this.#chunkBytesMax / 2) return this.#addChunk(size)
    if (isSparse(this.#open)) this.#fullAndSparse.add(this.#open)
    // Each chunk is twice as long as the one before, so that a small state takes little memory.
    let length = this.#open.bytes.length
    do length = Math.min(2 * length, this.#chunkBytesMax)
    while (length < size)
    return (this.#open = this.#addChunk(length))
  }

  #addChunk(size: number): Chunk {
    const unused = this.#chunks.indexOf(undefined, 1)
    const number = unused < 0 ? this.#chunks.length : unused
    this.#count += 1
    return (this.#chunks[number] = new Chunk(number, size))
  }
}

/** The bytes of an entry. */
function sizeOf(keyBytes: number, valueBytes: number): number {
  return Math.ceil((4 * keyWord + padded(keyBytes) + valueBytes) / unit) * unit
}

function isSparse({ used, free }: Chunk): boolean {
  return 2 * free > used
}

function firstOf<T>(set: ReadonlySet<T>): T | undefined {
  for (const each of set) return each
  return undefined
}

/** The bytes of a key, with those that fill its last word. */
export function padded(keyBytes: number): number {
  return (keyBytes + 3) & ~3
}

/** The index of an entry's first word in its chunk. */
export function wordOf(place: number): number {
  return (place & unitMask) * (unit / 4)
}
