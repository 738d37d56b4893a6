/** A flush: batches of one partition that are written together, and fail together. */
import type { PendingBatch, PendingBatches } from '../segment/pending-batches.ts'
import type { ProducerEntry } from '../producers/producer-state.ts'
import { ProducerUndo } from '../producers/producer-undo.ts'

/** An outcome, as a promise that is made only on demand: an outcome that nobody reads needs no handler. */
export class Outcome {
  #state: 'pending' | 'done' | 'failed' = 'pending'
  #error: unknown
  #promise: Promise<void> | undefined
  #settle: { resolve: () => void; reject: (error: unknown) => void } | undefined

  get promise(): Promise<void> {
    if (this.#promise) return this.#promise
    if (this.#state === 'pending') {
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      this.#settle = { resolve, reject }
      this.#promise = promise
    } else this.#promise = this.#state === 'done' ? Promise.resolve() : Promise.reject(this.#error)
    return this.#promise
  }

  done(): void {
    if (this.#state !== 'pending') return
    this.#state = 'done'
    this.#settle?.resolve()
  }

  failed(error: unknown): void {
    if (this.#state !== 'pending') return
    this.#state = 'failed'
    this.#error = error
    this.#settle?.reject(error)
  }
}

export const alreadyDone: Outcome = new Outcome()
alreadyDone.done()

export class Flush implements PendingBatches {
  readonly baseOffset: number
  /** The offset after the last batch. */
  endOffset: number
  /** The flush begins a new segment; these are the producers as of its first offset. */
  readonly roll: readonly ProducerEntry[] | undefined
  batches: PendingBatch[] = []
  sizeBytes = 0
  /** A caller waits for the sync, not only for the write. */
  wantsSync = false
  /** Being written: takes no more batches. */
  sealed = false
  /** To undo if the write fails. */
  readonly undo: ProducerUndo = new ProducerUndo()
  readonly written: Outcome = new Outcome()
  readonly durable: Outcome = new Outcome()

  constructor(baseOffset: number, roll: readonly ProducerEntry[] | undefined) {
    this.baseOffset = baseOffset
    this.endOffset = baseOffset
    this.roll = roll
  }

  add(batch: PendingBatch): void {
    this.batches.push(batch)
    this.sizeBytes += batch.bytes.length
    this.endOffset = batch.lastOffset + 1
  }

  /** Written: the bytes need not be held any longer. */
  release(): void {
    this.batches = []
    this.undo.clear()
  }
}
