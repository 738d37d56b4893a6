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
 * - Every end raises the epoch, and the raised epoch is durable before anyone uses it (KIP-890). Markers
 *   carry it, so that partitions refuse late appends by themselves.
 * - Between the commit point and its report the disk is not used: anything that a later transaction needs is
 *   there before.
 */
import { isMillraceError, type Clock } from '../base/index.ts'
import type { LogDirectory, Partition } from '../log/index.ts'
import { transactionStatus, type TransactionStatus } from './internal-records.ts'
import { Markers, type MarkersContext } from './markers.ts'
import type { Offsets } from './offsets.ts'
import type { ProducerIds } from './producer-ids.ts'
import type { TransactionLog } from './transaction-log.ts'
import type { TransactionalId } from './transactional-id.ts'

export type TransactionOutcome = 'commit' | 'abort'

export interface TransactionEndContext {
  readonly clock: Clock
  readonly log: LogDirectory
  readonly transactionLog: TransactionLog
  readonly offsets: Offsets
  readonly producerIds: ProducerIds
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
  async run(id: TransactionalId, outcome: TransactionOutcome): Promise<void> {
    const { offsets } = this.#context
    const { producerId, epoch } = id
    const participants = [...id.participants]
    id.state = 'ending'
    let nextProducerId: number | undefined
    try {
      nextProducerId = await this.#decide(id, outcome, participants)
    } catch (error) {
      if (isRetriable(error)) {
        id.epoch = epoch
        id.state = 'ongoing'
        offsets.held(producerId, error)
      } else offsets.undecided(producerId, error)
      throw error
    }
    id.markers = new Markers(
      participants,
      { type: outcome, producerId, producerEpoch: id.epoch, coordinatorEpoch: 0 },
      this.#markers,
    )
    offsets.ended(producerId, outcome)
    id.participants.clear()
    if (nextProducerId !== undefined) {
      // The new id is unknown to recovery before its first commit is in the transaction log: until then
      // recovery aborts its writes.
      id.producerId = nextProducerId
      id.epoch = 0
    }
    id.state = 'empty'
  }

  /** Appends the state of an id to the transaction log; resolves when durable. */
  async write(
    id: TransactionalId,
    status: TransactionStatus,
    participants: readonly Partition[] = [],
  ): Promise<void> {
    // This record replaces the last one, which recovery needs while its markers can be lost.
    await id.markers?.durable()
    const value = id.value(status, participants, this.#context.clock.now())
    await this.#context.transactionLog.write(new Map([[id.name, value]]))
  }

  /**
   * Runs up to the commit point. Returns the producer id to continue with, if the epochs of this one are used
   * up.
   */
  async #decide(
    id: TransactionalId,
    outcome: TransactionOutcome,
    participants: readonly Partition[],
  ): Promise<number | undefined> {
    const nextProducerId = id.isUsedUp ? await this.#context.producerIds.next() : undefined
    // 1. The records of the transaction are durable, …
    if (outcome === 'commit') await this.#syncAll(participants)
    // 2. … then the outcome, together with the epoch that everything later has.
    id.epoch += 1
    const { prepareCommit, prepareAbort } = transactionStatus
    await this.write(id, outcome === 'commit' ? prepareCommit : prepareAbort, participants)
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

/** A full disk, for example: nothing has changed, and the same call may succeed later. */
export function isRetriable(error: unknown): boolean {
  return isMillraceError(error) && error.retriable
}
