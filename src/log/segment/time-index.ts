/**
 * The time index of a segment: from which offset on it pays to look for a timestamp.
 *
 * ```
 * entry, 12 bytes, big-endian:  0 timestamp        int64   the largest so far in the segment
 *                               8 relative offset  int32   last offset of the batch that it is in, less the segment's base offset
 * ```
 * An entry promises that a record with a larger timestamp follows its offset. Timestamps ascend
 * strictly, offsets with them. An entry is added with each entry of the offset index where the largest
 * timestamp has grown, and one at the end of the segment.
 */
import { readInt64, writeInt64 } from '../../wire/index.ts'
import { IndexEntries } from './index-entries.ts'

const entryBytes = 12

export class TimeIndex {
  readonly baseOffset: number
  readonly #entries: IndexEntries

  constructor(baseOffset: number, file: Buffer = Buffer.alloc(0)) {
    this.baseOffset = baseOffset
    this.#entries = new IndexEntries(entryBytes, file)
    this.#entries.load(n => this.#ascends(n))
  }

  get count(): number {
    return this.#entries.count
  }

  /** Bytes in memory: the entries, and room for more. */
  get roomBytes(): number {
    return this.#entries.buffer.length
  }

  /** What the file holds. */
  get bytes(): Uint8Array {
    return this.#entries.bytes
  }

  /** The largest timestamp that is indexed; undefined in an empty index. */
  get last(): { readonly timestamp: number; readonly offset: number } | undefined {
    const n = this.#entries.count - 1
    if (n < 0) return undefined
    return { timestamp: this.#timestamp(n), offset: this.baseOffset + this.#relativeOffset(n) }
  }

  /** Adds an entry unless `timestamp` is no larger than the last one. */
  append(timestamp: number, lastOffset: number): void {
    if (timestamp <= (this.last?.timestamp ?? -1)) return
    const at = this.#entries.add()
    writeInt64(this.#entries.buffer, timestamp, at)
    this.#entries.buffer.writeInt32BE(lastOffset - this.baseOffset, at + 8)
  }

  /** An offset such that no record before its batch has a timestamp of `timestamp` or more. */
  lookUp(timestamp: number): number {
    const n = this.#entries.lastBefore(each => this.#timestamp(each) >= timestamp)
    return n < 0 ? this.baseOffset : this.baseOffset + this.#relativeOffset(n)
  }

  /** Also ends the index before preallocated zeros, except that a first entry of zeros may be a record's. */
  #ascends(n: number): boolean {
    const timestamp = this.#timestamp(n)
    const offset = this.#relativeOffset(n)
    if (n === 0) return timestamp >= 0 && offset >= 0
    return timestamp > this.#timestamp(n - 1) && offset >= this.#relativeOffset(n - 1)
  }

  #timestamp(n: number): number {
    return readInt64(this.#entries.buffer, n * entryBytes)
  }

  #relativeOffset(n: number): number {
    return this.#entries.buffer.readInt32BE(n * entryBytes + 8)
  }
}
