/**
 * The producers before a flush, to put back if its write fails. One per flush, with any number of batches: of
 * each producer only the entry before the first batch counts.
 */
import type { ReplacedProducer } from './producer-state.ts'

export class ProducerUndo {
  readonly #replaced = new Map<number, ReplacedProducer>()

  /** Call it in the order of the appends. */
  add(replaced: ReplacedProducer): void {
    if (!this.#replaced.has(replaced.producerId)) this.#replaced.set(replaced.producerId, replaced)
  }

  /** One per producer. */
  entries(): Iterable<ReplacedProducer> {
    return this.#replaced.values()
  }

  clear(): void {
    this.#replaced.clear()
  }
}
