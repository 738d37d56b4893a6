/**
 * Compacts the partitions of a data directory whose cleanup policy says so: the dirtiest first, one at a
 * time. So compaction takes the memory of one pass, however many partitions there are.
 */
import { isMillraceError, type Clock } from '../base/index.ts'
import { needsCleaning } from './cleaner/cleanable.ts'
import type { Partition } from './partition/partition.ts'

/** Partitions that are looked at in a turn of the event loop. */
const lookedAtPerTurn = 100

export class LogCleaner {
  readonly #clock: Clock
  readonly #partitions: ReadonlyMap<string, Partition>
  /** Damaged, or with batches that cannot be decompressed: left alone as long as this process runs. */
  readonly #uncleanable = new WeakSet<Partition>()

  constructor(clock: Clock, partitions: ReadonlyMap<string, Partition>) {
    this.#clock = clock
    this.#partitions = partitions
  }

  /**
   * Compacts until no partition needs it. Ends soon once `isStopped`.
   * @throws MillraceError DISK_FULL, LIMIT_EXCEEDED: retriable; the rest waits for the next run
   */
  async run(isStopped: () => boolean): Promise<void> {
    while (!isStopped()) {
      const dirtiest = await this.#dirtiest(isStopped)
      if (!dirtiest) return
      try {
        if (!(await dirtiest.compaction.clean(isStopped))) return
      } catch (error) {
        this.#refused(dirtiest, error)
      }
    }
  }

  async #dirtiest(isStopped: () => boolean): Promise<Partition | undefined> {
    let dirtiest: Partition | undefined
    let most = 0
    let looked = 0
    for (const partition of this.#partitions.values()) {
      if (isStopped()) return undefined
      if (!partition.settings.compact || partition.failure || this.#uncleanable.has(partition)) continue
      const need = await this.#need(partition)
      if (need > most) {
        most = need
        dirtiest = partition
      }
      looked += 1
      if (looked % lookedAtPerTurn === 0) await this.#clock.yield()
    }
    return dirtiest
  }

  /** How much the partition needs compaction; 0: not now. A record that waits too long comes first. */
  async #need(partition: Partition): Promise<number> {
    try {
      const range = await partition.compaction.range()
      if (!range || !needsCleaning(range, partition.settings)) return 0
      return range.dirtyRatio + (range.isOverdue ? 1 : 0)
    } catch (error) {
      this.#refused(partition, error)
      return 0
    }
  }

  #refused(partition: Partition, error: unknown): void {
    if (isMillraceError(error) && error.retriable) throw error
    this.#uncleanable.add(partition)
  }
}
