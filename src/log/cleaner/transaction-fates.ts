/**
 * The transactions that the cleaner meets on its way through a log, in the order of offsets: which batches
 * were aborted, and which markers may go.
 *
 * A marker may go when none of its transaction's batches is left before it (KAFKA-8522): a reader without it
 * would take what is left for an open transaction, or show what was aborted. Whether a batch is left is seen
 * as the log is read, so a marker outlives its records by one pass at least.
 */
import type { RecordBatch } from '../../wire/index.ts'
import type { AbortedTransaction } from '../segment/abort-index.ts'

export class TransactionFates {
  /** By first offset. */
  readonly #aborted: readonly AbortedTransaction[]
  #next = 0
  /** The aborted transaction of each producer that began last. */
  readonly #latest = new Map<number, AbortedTransaction>()
  /** Producers with batches since their last marker. */
  readonly #withBatches = new Set<number>()

  constructor(aborted: readonly AbortedTransaction[]) {
    this.#aborted = aborted.toSorted((a, b) => a.firstOffset - b.firstOffset)
  }

  /** Takes a batch that holds records. True: its transaction was aborted. */
  isAborted(batch: RecordBatch): boolean {
    if (!batch.isTransactional) return false
    const { producerId, baseOffset } = batch
    this.#withBatches.add(producerId)
    for (let next; (next = this.#aborted[this.#next]) && next.firstOffset <= baseOffset; this.#next += 1)
      this.#latest.set(next.producerId, next)
    const latest = this.#latest.get(producerId)
    return latest !== undefined && baseOffset < latest.lastOffset
  }

  /** Takes a marker. True: nothing is left of its transaction. */
  isNeedless(marker: RecordBatch): boolean {
    return !this.#withBatches.delete(marker.producerId)
  }
}
