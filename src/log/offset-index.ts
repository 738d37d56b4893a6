/**
 * The offset index of a segment: sparse, one entry per `indexIntervalBytes` or so of log.
 *
 * ```
 * entry, 8 bytes, big-endian:  0 relative offset  int32   last offset of a batch, less the segment's base offset
 *                              4 position         int32   where that batch begins in the .log file
 * ```
 * Entries ascend in both. Kept in the file's form, so that saving it is writing it. Derived data: a file that does not make sense is
 * rebuilt from the log. Apache Kafka preallocates the file of its active segment: a tail of zero entries is left out on reading.
 */
import { assert } from '../base/index.ts'

const entryBytes = 8
/** Kafka's `segment.index.bytes`, 10 MiB: a segment whose index is full is rolled. */
const entriesMax = Math.floor((10 * 1024 * 1024) / entryBytes)

export class OffsetIndex {
  readonly baseOffset: number
  #bytes: Buffer
  #count: number

  constructor(baseOffset: number, bytes: Buffer = Buffer.alloc(0)) {
    this.baseOffset = baseOffset
    this.#bytes = bytes
    this.#count = 0
    const held = Math.floor(bytes.length / entryBytes)
    // Strictly ascending: that ends the index before a preallocated tail, and before anything else that is none.
    let offset = -1
    let position = -1
    while (this.#count < held) {
      const nextOffset = this.#relativeOffset(this.#count)
      const nextPosition = this.#position(this.#count)
      const preallocated = nextOffset === 0 && nextPosition === 0
      if (nextOffset <= offset || nextPosition <= position || preallocated) break
      offset = nextOffset
      position = nextPosition
      this.#count += 1
    }
  }

  get count(): number {
    return this.#count
  }

  get isFull(): boolean {
    return this.#count >= entriesMax
  }

  /** What the file holds. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#count * entryBytes)
  }

  /** The entry with the largest offset; undefined in an empty index. */
  get last(): { readonly offset: number; readonly position: number } | undefined {
    return this.#entry(this.#count - 1)
  }

  append(lastOffset: number, position: number): void {
    assert(lastOffset > (this.last?.offset ?? -1), 'index entries ascend')
    const at = this.#count * entryBytes
    if (at + entryBytes > this.#bytes.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(16 * entryBytes, this.#bytes.length * 2))
      this.#bytes.copy(grown)
      this.#bytes = grown
    }
    this.#bytes.writeInt32BE(lastOffset - this.baseOffset, at)
    this.#bytes.writeInt32BE(position, at + 4)
    this.#count += 1
  }

  /** The last entry at or below `offset`: going forward from there meets every batch that holds it or a later one. Undefined: from the start. */
  lookUp(offset: number): { readonly offset: number; readonly position: number } | undefined {
    const relative = offset - this.baseOffset
    let low = 0
    let high = this.#count
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#relativeOffset(middle) <= relative) low = middle + 1
      else high = middle
    }
    return this.#entry(low - 1)
  }

  #entry(n: number): { readonly offset: number; readonly position: number } | undefined {
    if (n < 0) return undefined
    return { offset: this.baseOffset + this.#relativeOffset(n), position: this.#position(n) }
  }

  #relativeOffset(n: number): number {
    return this.#bytes.readInt32BE(n * entryBytes)
  }

  #position(n: number): number {
    return this.#bytes.readInt32BE(n * entryBytes + 4)
  }
}
