/**
 * The records of a partition that readers may see.
 *
 * - **High watermark**: everything below is safe, that is synced (with `durability: 'os'`, written).
 * - **Last stable offset**: everything below is decided as well. It is the first offset of the oldest
 *   transaction that is open, or whose marker is not below the high watermark yet; at the most the high
 *   watermark.
 */
import type { AbortedTransaction } from '../segment/abort-index.ts'

/** A transaction's extent: its first offset and that of its marker. */
type Ended = Pick<AbortedTransaction, 'firstOffset' | 'lastOffset'>

export class Visibility {
  #highWatermark: number
  /** Ended, but the marker is not safe. In the order of the markers. */
  #ended: Ended[] = []

  constructor(highWatermark: number) {
    this.#highWatermark = highWatermark
  }

  get highWatermark(): number {
    return this.#highWatermark
  }

  /** Given the first offset of the oldest open transaction. */
  lastStableOffset(firstOpenOffset: number | undefined): number {
    let offset = Math.min(this.#highWatermark, firstOpenOffset ?? Infinity)
    for (const { firstOffset } of this.#ended) offset = Math.min(offset, firstOffset)
    return offset
  }

  /** A marker was appended. */
  end(transaction: Ended): void {
    this.#ended.push(transaction)
  }

  /** Everything at or above `offset` was undone. */
  rollBack(offset: number): void {
    this.#ended = this.#ended.filter(({ lastOffset }) => lastOffset < offset)
  }

  /** A log that is only read has lost its end: there is nothing from `offset` on. */
  endsAt(offset: number): void {
    this.#highWatermark = Math.min(this.#highWatermark, offset)
  }

  /** Everything below `offset` is safe. Returns whether that is a change. */
  advance(offset: number): boolean {
    if (offset <= this.#highWatermark) return false
    this.#highWatermark = offset
    if (this.#ended.length > 0) this.#ended = this.#ended.filter(({ lastOffset }) => lastOffset >= offset)
    return true
  }
}
