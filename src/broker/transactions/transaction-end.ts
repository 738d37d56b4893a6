/**
 * How a transaction ends. Its outcome is decided at one point:
 *
 *   1. the partitions that took part are synced (all at once);
 *   2. a record "commit, these partitions" is synced to the transaction log: **the commit point**;
 *   3. markers are appended to the partitions; no call waits for their sync.
 *
 * Invariants
 * - After a crash the outcome is found in the transaction log: a transaction still open in a partition is
 *   committed if the record of its transactional id says so, and aborted otherwise. So a commit point is
 *   written only once the markers of the transaction before are durable: the log keeps one record per id that
 *   recovery looks at.
 * - The record says per partition where the transaction ends: what begins later is another transaction, also
 *   where both have one epoch (version 1).
 * - In version 2 every end raises the epoch (KIP-890), in both every end that its producer did not ask for.
 *   The raised epoch is durable before anyone uses it. Markers carry it, so that partitions refuse late
 *   appends by themselves.
 * - Between the commit point and its report the disk is not used: anything that a later transaction needs is
 *   there before.
 */
import { isMillraceError, type Clock } from '../../base/index.ts'
import type { LogDirectory, Partition } from '../../log/index.ts'
import type { TransactionOutcome } from './end-check.ts'
import { Markers, type MarkersContext } from './markers.ts'
import type { Offsets } from '../offsets/offsets.ts'
import type { ProducerIds } from './producer-ids.ts'
import type { TransactionLog } from './transaction-log.ts'
import { none, transactionStatus, type Participant, type TransactionStatus } from './transaction-records.ts'
import { epochMax, isUsedUp, type TransactionalId } from './transactional-id.ts'

export interface TransactionEndContext {
  readonly clock: Clock
  readonly log: LogDirectory
  readonly transactionLog: TransactionLog
  readonly offsets: Offsets
  readonly producerIds: ProducerIds
}

/** How an end treats the epoch. */
export interface EpochChange {
  readonly raises: boolean
  /** The epoch of the call, which may be repeated; -1: the producer did not ask for this end. */
  readonly lastEpoch: number
}

export class TransactionEnd {
  readonly #context: TransactionEndContext
  readonly #markers: MarkersContext

  constructor(context: TransactionEndContext, markers: MarkersContext) {
    this.#context = context
    this.#markers = markers
  }

  /**
   * Ends the transaction of an id. A retriable failure leaves it as it was, and the same call may succeed
   * later; any other leaves the outcome to recovery.
   */
  async run(id: TransactionalId, outcome: TransactionOutcome, change: EpochChange): Promise<void> {
    const { offsets } = this.#context
    const { producerId } = id
    const before = id.save()
    const participants = [...id.participants]
    id.isChanging = true
    let nextProducerId: number
    try {
      nextProducerId = await this.#decide(id, outcome, participants, change)
    } catch (error) {
      if (isRetriable(error)) {
        id.restore(before)
        offsets.held(producerId, error)
      } else {
        id.failure = error
        offsets.undecided(producerId, error)
      }
      throw error
    } finally {
      id.isChanging = false
    }
    id.markers = new Markers(
      participants,
      { type: outcome, producerId, producerEpoch: id.epoch, coordinatorEpoch: 0 },
      this.#markers,
    )
    offsets.ended(producerId, outcome)
    id.participants.clear()
    if (nextProducerId !== none) id.rotate(nextProducerId)
    id.status = outcome === 'commit' ? transactionStatus.completeCommit : transactionStatus.completeAbort
  }

  /** Appends the state of an id to the transaction log; resolves when durable. */
  async write(
    id: TransactionalId,
    status: TransactionStatus,
    participants: readonly Participant[] = [],
    nextProducerId: number = none,
  ): Promise<void> {
    // This record replaces the last one, which recovery needs while markers of it are missing or can be lost.
    await id.ended(this.#context.log)
    id.updatedMs = this.#context.clock.now()
    const value = id.value(status, id.updatedMs, participants, nextProducerId)
    await this.#context.transactionLog.write(new Map([[id.name, value]]))
  }

  /**
   * Runs up to the commit point. Returns the producer id to continue with, if the epochs of this one are used
   * up; otherwise -1.
   */
  async #decide(
    id: TransactionalId,
    outcome: TransactionOutcome,
    participants: readonly Partition[],
    { raises, lastEpoch }: EpochChange,
  ): Promise<number> {
    const { producerIds } = this.#context
    const nextProducerId = raises && isUsedUp(id.epoch) ? await producerIds.next() : none
    // 1. The records of the transaction are durable, …
    if (outcome === 'commit') await this.#syncAll(participants)
    // 2. … then the outcome, together with the epoch that everything later has.
    if (raises) {
      // Recovery leaves the largest epoch to an id whose epochs it cannot trust.
      id.epoch = Math.min(id.epoch + 1, epochMax)
      id.lastEpoch = lastEpoch
    }
    id.mustAbort = false
    id.wasCut = false
    const { prepareCommit, prepareAbort } = transactionStatus
    const ended = participants.map(partition => participantOf(partition, outcome))
    await this.write(id, outcome === 'commit' ? prepareCommit : prepareAbort, ended, nextProducerId)
    return nextProducerId
  }

  /** Makes the records in the partitions safe, except in deleted ones. */
  async #syncAll(partitions: readonly Partition[]): Promise<void> {
    try {
      await this.#context.log.syncAll(partitions)
    } catch (error) {
      const left = partitions.filter(partition => !this.#markers.isDeleted(partition))
      if (left.length === partitions.length) throw error
      await this.#syncAll(left)
    }
  }
}

/**
 * A partition in the record of an end. A commit has made its records safe: they are below the high watermark,
 * which never goes back, and the next transaction begins at or above it.
 */
export function participantOf(
  { topic, index, highWatermark }: Partition,
  outcome?: TransactionOutcome,
): Participant {
  return outcome === 'commit'
    ? { topic, partition: index, endOffset: highWatermark }
    : { topic, partition: index }
}

/** A full disk, for example: nothing has changed, and the same call may succeed later. */
export function isRetriable(error: unknown): boolean {
  return isMillraceError(error) && error.retriable
}
