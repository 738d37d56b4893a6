/**
 * Compacts the partitions of a data directory whose cleanup policy says so: the dirtiest first, one at a
 * time. So compaction takes the memory of one pass, however many partitions there are.
 */
import type { Clock } from '../base/index.ts'
import { needsCleaning } from './cleaner/cleanable.ts'
import type { OpenPartitions } from './open-partitions.ts'
import type { Partition } from './partition/partition.ts'

/** Partitions that are looked at in a turn of the event loop. */
const lookedAtPerTurn = 100

export class LogCleaner {
  readonly #clock: Clock
  readonly #partitions: Pick<OpenPartitions, 'values'>

  constructor(clock: Clock, partitions: Pick<OpenPartitions, 'values'>) {
    this.#clock = clock
    this.#partitions = partitions
  }

  /**
   * Compacts until no partition needs it. Ends soon once `isStopped`. A partition that cannot be compacted
   * keeps the reason (`PartitionCompaction.refusal`), and does not hold up the others. If the reason is
   * retriable, as a full disk is, or retention was faster, the partition waits for the next run; otherwise it
   * is left alone as long as this process runs.
   */
  async run(isStopped: () => boolean): Promise<void> {
    const waiting = new Set<Partition>()
    while (!isStopped()) {
      const dirtiest = await this.#dirtiest(waiting, isStopped)
      if (!dirtiest) return
      const hasWorked = await dirtiest.compaction.clean(isStopped).catch(() => false)
      if (!hasWorked) waiting.add(dirtiest)
    }
  }

  async #dirtiest(waiting: ReadonlySet<Partition>, isStopped: () => boolean): Promise<Partition | undefined> {
    let dirtiest: Partition | undefined
    let most = 0
    let looked = 0
    for (const partition of this.#partitions.values()) {
      if (isStopped()) return undefined
      if (!isCompacted(partition) || waiting.has(partition)) continue
      const range = await partition.compaction.range().catch(() => undefined)
      if (range && needsCleaning(range, partition.settings)) {
        // A record that waits too long comes before any share of bytes.
        const need = range.dirtyRatio + (range.isOverdue ? 1 : 0)
        if (need > most) {
          most = need
          dirtiest = partition
        }
      }
      looked += 1
      if (looked % lookedAtPerTurn === 0) await this.#clock.yield()
    }
    return dirtiest
  }
}

function isCompacted({ settings, failure, compaction: { refusal } }: Partition): boolean {
  return settings.compact && !failure && (refusal?.retriable ?? true)
}
