/**
 * The time index of a segment: how far up a timestamp can be looked for in vain.
 *
 * ```
 * entry, 12 bytes, big-endian:  0 timestamp        int64   the largest so far in the segment
 *                               8 relative offset  int32   last offset of the batch it is in, less the segment's base offset
 * ```
 * An entry promises that every record after its batch's predecessors … with a larger timestamp lies behind its offset. Timestamps
 * ascend strictly. An entry is added with each entry of the offset index where the largest timestamp has grown, and one at the end of the segment.
 */
import { readInt64, writeInt64 } from '../wire/index.ts'

const entryBytes = 12

export class TimeIndex {
  readonly baseOffset: number
  #bytes: Buffer
  #count: number

  constructor(baseOffset: number, bytes: Buffer = Buffer.alloc(0)) {
    this.baseOffset = baseOffset
    this.#bytes = bytes
    this.#count = 0
    const held = Math.floor(bytes.length / entryBytes)
    let timestamp = -1
    let offset = -1
    while (this.#count < held) {
      const nextTimestamp = this.#timestamp(this.#count)
      const nextOffset = this.#relativeOffset(this.#count)
      const preallocated = nextTimestamp === 0 && nextOffset === 0 && this.#count > 0
      if (nextTimestamp <= timestamp || nextOffset < offset || preallocated) break
      timestamp = nextTimestamp
      offset = nextOffset
      this.#count += 1
    }
  }

  get count(): number {
    return this.#count
  }

  /** What the file holds. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#count * entryBytes)
  }

  /** The largest timestamp that is indexed; undefined in an empty index. */
  get last(): { readonly timestamp: number; readonly offset: number } | undefined {
    if (this.#count === 0) return undefined
    const n = this.#count - 1
    return { timestamp: this.#timestamp(n), offset: this.baseOffset + this.#relativeOffset(n) }
  }

  /** Adds an entry unless `timestamp` is no larger than the last one. */
  append(timestamp: number, lastOffset: number): void {
    if (timestamp <= (this.last?.timestamp ?? -1)) return
    const at = this.#count * entryBytes
    if (at + entryBytes > this.#bytes.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(16 * entryBytes, this.#bytes.length * 2))
      this.#bytes.copy(grown)
      this.#bytes = grown
    }
    writeInt64(this.#bytes, timestamp, at)
    this.#bytes.writeInt32BE(lastOffset - this.baseOffset, at + 8)
    this.#count += 1
  }

  /** An offset such that no record before its batch has a timestamp of `timestamp` or more. */
  lookUp(timestamp: number): number {
    let low = 0
    let high = this.#count
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#timestamp(middle) < timestamp) low = middle + 1
      else high = middle
    }
    return low === 0 ? this.baseOffset : this.baseOffset + this.#relativeOffset(low - 1)
  }

  #timestamp(n: number): number {
    return readInt64(this.#bytes, n * entryBytes)
  }

  #relativeOffset(n: number): number {
    return this.#bytes.readInt32BE(n * entryBytes + 8)
  }
}
