/** Drops what retention does not keep, and forgets silent producers, in all partitions of a directory. */
import type { Clock } from '../base/index.ts'
import type { OpenPartitions } from './open-partitions.ts'

/** Partitions that are looked at in a turn of the event loop. */
const lookedAtPerTurn = 100

export class LogRetention {
  readonly #clock: Clock
  readonly #partitions: Pick<OpenPartitions, 'values'>
  readonly #failed: (error: unknown) => void

  /** `failed`: what a partition has thrown, which does not hold up the others. */
  constructor(clock: Clock, partitions: Pick<OpenPartitions, 'values'>, failed: (error: unknown) => void) {
    this.#clock = clock
    this.#partitions = partitions
    this.#failed = failed
  }

  /** Looks at all partitions once. Ends soon once `isStopped`. */
  async run(isStopped: () => boolean): Promise<void> {
    let looked = 0
    for (const partition of this.#partitions.values()) {
      if (isStopped()) return
      partition.expireProducers()
      await partition.retain().catch((error: unknown) => this.#failed(error))
      looked += 1
      if (looked % lookedAtPerTurn === 0) await this.#clock.yield()
    }
  }
}
