/**
 * The partitions of a data directory, each either open or not recovered yet (recovery-queue.ts), and what
 * opening them has found.
 */
import { assert, inParallel, type Clock, type MillraceError } from '../base/index.ts'
import { parsePartitionFolder } from './files/file-names.ts'
import { OpenPartitions } from './open-partitions.ts'
import type { OpenedPartition, PartitionOpening } from './partition-opening.ts'
import type { Partition } from './partition/partition.ts'
import { RecoveryQueue } from './recovery-queue.ts'
import type { PartitionRecovery } from './recovery/recovery.ts'

/** Partitions that are opened, or closed, at a time. */
export const concurrency = 4

export interface DirectoryPartitionsContext {
  readonly clock: Clock
  /** A partition was recovered beside the others. `isLast`: none is left to recover. */
  recovered(isLast: boolean): void
  /** A partition cannot be recovered in this process. */
  failed(error: MillraceError): void
}

export interface OpeningOrder {
  /** False for a file with a partition's name. */
  isFolder(name: string): Promise<boolean>
  /** A partition of this topic may be recovered later. */
  mayWait(topic: string): boolean
}

export class DirectoryPartitions {
  readonly open: OpenPartitions = new OpenPartitions()
  readonly queue: RecoveryQueue
  /** Partitions whose configuration could not be read. */
  readonly unconfigured: Set<string> = new Set()
  /** Of the open ones. */
  readonly reports: PartitionRecovery[] = []
  #opening: PartitionOpening | undefined

  constructor(context: DirectoryPartitionsContext) {
    this.queue = new RecoveryQueue({
      clock: context.clock,
      recover: async (partition, pause) => {
        assert(this.#opening, 'partitions wait from the opening of the directory on')
        return this.#reported(await this.#opening.recover(partition, pause))
      },
      opened: partition => {
        this.open.add(partition)
        context.recovered(this.queue.size === 0)
      },
      failed: error => context.failed(error),
    })
  }

  /** Opens those of these names that may not wait. */
  async openAll(names: readonly string[], opening: PartitionOpening, order: OpeningOrder): Promise<void> {
    this.#opening = opening
    await inParallel(names, concurrency, async name => {
      const restored = await opening.restore(name)
      if (restored) this.open.add(this.#reported(restored))
      if (restored || !(await order.isFolder(name))) return
      const found = await opening.find(name)
      if (!found.isConfigured) this.unconfigured.add(name)
      if (order.mayWait(parsePartitionFolder(name)!.topic)) this.queue.add(found)
      else this.open.add(this.#reported(await opening.recover(found)))
    })
    this.reports.sort((a, b) => (a.topic < b.topic ? -1 : a.topic > b.topic ? 1 : a.index - b.index))
  }

  has(name: string): boolean {
    return this.open.get(name) !== undefined || this.queue.get(name) !== undefined
  }

  /** Recovers no more. False: a partition was not recovered, so this stop is not a clean one. */
  async endRecovery(): Promise<boolean> {
    await this.queue.stop()
    for (const { recovered } of this.queue.values()) await recovered?.close().catch(() => undefined)
    return this.queue.size === 0
  }

  #reported({ partition, report }: OpenedPartition): Partition {
    this.reports.push(report)
    return partition
  }
}
