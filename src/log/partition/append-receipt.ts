/** The receipt of an append, given before anything is on the disk. */
import type { Outcome } from './flush.ts'

export interface AppendReceipt {
  /** The offsets of the batch; for a duplicate, those of the original. */
  readonly baseOffset: number
  readonly lastOffset: number
  /** The log has the batch already: it was not appended again. */
  readonly duplicate: boolean
  /**
   * Resolves once the batch is written. DISK_FULL (retriable: the batch is not in the log),
   * PARTITION_POISONED.
   */
  readonly written: Promise<void>
  /**
   * Resolves once the batch is safe, that is below the high watermark. A transactional batch does not request
   * a sync: it becomes safe with the next sync of the partition. Fails as {@link written} does.
   */
  readonly durable: Promise<void>
}

/** Makes a promise only on demand. */
export class Receipt implements AppendReceipt {
  readonly baseOffset: number
  readonly lastOffset: number
  readonly duplicate: boolean
  readonly #written: Outcome
  readonly #durable: Outcome

  constructor(
    baseOffset: number,
    lastOffset: number,
    duplicate: boolean,
    written: Outcome,
    durable: Outcome,
  ) {
    this.baseOffset = baseOffset
    this.lastOffset = lastOffset
    this.duplicate = duplicate
    this.#written = written
    this.#durable = durable
  }

  get written(): Promise<void> {
    return this.#written.promise
  }

  get durable(): Promise<void> {
    return this.#durable.promise
  }
}
