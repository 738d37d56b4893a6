/**
 * The offset index of a segment: sparse, one entry per `indexIntervalBytes` or so of log.
 *
 * ```
 * entry, 8 bytes, big-endian:  0 relative offset  int32   last offset of a batch, less the segment's base offset
 *                              4 position         int32   where that batch begins in the .log file
 * ```
 * Entries ascend strictly in both.
 */
import { assert } from '../../base/index.ts'
import { IndexEntries } from './index-entries.ts'

const entryBytes = 8

export class OffsetIndex {
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

  get sizeBytes(): number {
    return this.#entries.count * entryBytes
  }

  /** Bytes in memory: the entries, and room for more. */
  get roomBytes(): number {
    return this.#entries.buffer.length
  }

  /** The file's content. */
  get bytes(): Uint8Array {
    return this.#entries.bytes
  }

  /** The entry with the largest offset; undefined in an empty index. */
  get last(): { readonly offset: number; readonly position: number } | undefined {
    return this.#entry(this.#entries.count - 1)
  }

  append(lastOffset: number, position: number): void {
    assert(lastOffset > (this.last?.offset ?? -1), 'index entries ascend')
    const at = this.#entries.add()
    this.#entries.buffer.writeInt32BE(lastOffset - this.baseOffset, at)
    this.#entries.buffer.writeInt32BE(position, at + 4)
  }

  /**
   * The last entry at or below `offset`: reading on from there meets every batch that holds it or a later
   * one. Undefined: from the start.
   */
  lookUp(offset: number): { readonly offset: number; readonly position: number } | undefined {
    const relative = offset - this.baseOffset
    return this.#entry(this.#entries.lastBefore(n => this.#relativeOffset(n) > relative))
  }

  #ascends(n: number): boolean {
    const offset = this.#relativeOffset(n)
    const position = this.#position(n)
    // Zeros are preallocated: the batch at the start of the file is found without an entry.
    if (n === 0) return offset >= 0 && position >= 0 && !(offset === 0 && position === 0)
    return offset > this.#relativeOffset(n - 1) && position > this.#position(n - 1)
  }

  #entry(n: number): { readonly offset: number; readonly position: number } | undefined {
    if (n < 0) return undefined
    return { offset: this.baseOffset + this.#relativeOffset(n), position: this.#position(n) }
  }

  #relativeOffset(n: number): number {
    return this.#entries.buffer.readInt32BE(n * entryBytes)
  }

  #position(n: number): number {
    return this.#entries.buffer.readInt32BE(n * entryBytes + 4)
  }
}
