/** How a partition ends: closed, with everything written and saved, or abandoned at once. */
import { assert, MillraceError } from '../../base/index.ts'
import type { Availability } from './availability.ts'
import type { GroupCommit } from './group-commit.ts'
import type { LeaderEpochs } from '../epochs/leader-epochs.ts'
import { saveEpochs } from '../epochs/epoch-checkpoint.ts'
import type { PartitionAppender } from './partition-appender.ts'
import type { PartitionCompaction } from './partition-compaction.ts'
import type { PartitionContext } from './partition-context.ts'
import type { PartitionSegments } from './partition-segments.ts'
import type { ProducerEntry } from '../producers/producer-state.ts'
import type { SafeRecords } from './safe-records.ts'

/** The partition, whose end is saved. */
export interface EndingPartition {
  readonly name: string
  readonly folder: string
  readonly epochs: LeaderEpochs
  readonly compaction: PartitionCompaction
  readonly logEndOffset: number
  readonly largestProducerId: number
  producers(): Iterable<ProducerEntry>
  expireProducers(): void
}

export interface EndingParts {
  readonly availability: Availability
  readonly segments: PartitionSegments
  readonly commit: GroupCommit
  readonly safe: SafeRecords
  readonly appender: PartitionAppender
}

export class PartitionEnd {
  readonly #partition: EndingPartition
  readonly #parts: EndingParts
  readonly #context: PartitionContext

  constructor(partition: EndingPartition, parts: EndingParts, context: PartitionContext) {
    this.#partition = partition
    this.#parts = parts
    this.#context = context
  }

  /** See `Partition.close`. */
  async close(): Promise<boolean> {
    const { availability, commit, safe, appender } = this.#parts
    if (availability.failure) {
      await this.abandon(availability.failure)
      return false
    }
    const { name, compaction } = this.#partition
    const closed = new MillraceError('CLOSED', `${name} is closed.`)
    const cleaned = compaction.stop()
    const drained = commit.syncWritten()
    availability.close(closed)
    safe.stop()
    try {
      await drained
    } catch (error) {
      assert(availability.failure, 'a partition whose end cannot be written has failed')
      await this.abandon(availability.failure)
      throw error
    }
    await commit.idle()
    await cleaned
    appender.break(closed)
    return this.#save()
  }

  /** Stops everything at once. */
  async abandon(reason: MillraceError): Promise<void> {
    const { commit, segments, safe, appender } = this.#parts
    appender.break(reason)
    safe.stop()
    await this.#partition.compaction.stop()
    await commit.idle()
    await segments.idle()
    await segments.release()
  }

  /** Saves what makes the next start quick. */
  async #save(): Promise<boolean> {
    const { availability, segments } = this.#parts
    const { folder, epochs, logEndOffset, largestProducerId } = this.#partition
    try {
      if (availability.failure) return false
      await segments.idle()
      if (this.#context.readOnly) return true
      await segments.repairIndexes()
      await saveEpochs(this.#context.disk, folder, epochs)
      this.#partition.expireProducers()
      await segments.save(logEndOffset, [...this.#partition.producers()], largestProducerId)
      return true
    } catch {
      return false
    } finally {
      await segments.release()
    }
  }
}
