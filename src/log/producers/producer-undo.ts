/**
 * How the producers were before a flush, to be put back should its write fail. One per flush, however many
 * batches it has: of each producer only the entry before the first of them counts.
 */
import type { ReplacedProducer } from './producer-state.ts'

export class ProducerUndo {
  readonly #replaced = new Map<number, ReplacedProducer>()

  /** To be called in the order of the appends. */
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
