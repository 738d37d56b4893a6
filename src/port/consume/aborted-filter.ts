/**
 * Filters one fetch for `read_committed`. The log answers a fetch with raw batches, and with the list of the
 * aborted transactions among them; the client leaves out their batches (KIP-98). Every client of a log does
 * so, in process and over TCP.
 */
import { controlMarkerOf, type RecordBatch } from '../../wire/index.ts'

/** An aborted transaction with records in a fetch. */
export interface AbortedTransaction {
  readonly producerId: number
  /** The offset of its first record in the partition. */
  readonly firstOffset: number
}

/** Decides batch by batch, in the order of offsets. */
export class AbortedFilter {
  /** By first offset. */
  readonly #transactions: readonly AbortedTransaction[]
  #next = 0
  /** Producers within an aborted transaction at this point. */
  readonly #producers = new Set<number>()

  constructor(transactions: readonly AbortedTransaction[]) {
    this.#transactions = transactions.toSorted((a, b) => a.firstOffset - b.firstOffset)
  }

  /** Whether a reader sees the batch. Markers are never shown, and nothing of a batch without records. */
  admits(batch: RecordBatch): boolean {
    const { lastOffset } = batch
    for (let next; (next = this.#transactions[this.#next]) && next.firstOffset <= lastOffset; this.#next += 1)
      this.#producers.add(next.producerId)
    if (batch.isControl) {
      if (controlMarkerOf(batch)?.type === 'abort') this.#producers.delete(batch.producerId)
      return false
    }
    // What compaction keeps of a batch whose records it has removed.
    if (batch.count === 0) return false
    return !(batch.isTransactional && this.#producers.has(batch.producerId))
  }
}
