/** One transactional id: the producer that may write under it, and the state of its transaction. */
import { assert, MillraceError, SerialQueue, type Timer } from '../../base/index.ts'
import type { LogDirectory, Partition } from '../../log/index.ts'
import type { ProducerIdentity } from '../../port/index.ts'
import type { Markers } from './markers.ts'
import {
  none,
  transactionStatus,
  type Participant,
  type TransactionStatus,
  type TransactionValue,
} from './transaction-records.ts'

/** The largest epoch. Only a marker may carry it; a producer gets a new id before. */
export const epochMax = 0x7fff

/**
 * The version of transactions that a producer uses (KIP-890). 1: an end keeps the epoch, and the coordinator
 * learns of partitions by AddPartitionsToTxn alone. 2: each end raises the epoch.
 */
export type TransactionVersion = 1 | 2

/** Whether a producer with this epoch gets a new producer id next: the epoch after it is a marker's. */
export function isUsedUp(epoch: number): boolean {
  return epoch + 1 >= epochMax
}

/** What a call that fails puts back. */
type Identity = Pick<
  TransactionalId,
  | 'producerId'
  | 'epoch'
  | 'previousProducerId'
  | 'lastEpoch'
  | 'status'
  | 'mustAbort'
  | 'wasCut'
  | 'isClient'
  | 'timeoutMs'
  | 'version'
>

export class TransactionalId {
  readonly name: string
  producerId: number
  epoch: number
  /** The id before this one, whose epochs were used up. */
  previousProducerId: number
  /** See `TransactionValue`. */
  lastEpoch: number
  timeoutMs: number
  /** Prepared ends are complete here: their markers are appended. */
  status: TransactionStatus
  version: number
  isClient: boolean
  mustAbort: boolean
  /** A crash has cut a transaction of its producer, for certain: only an abort of the producer ends it. */
  wasCut = false
  /** A writer of this process is open. */
  isOpen = false
  /** The outcome is being decided, or the next identity made: nothing can be added. */
  isChanging = false
  /** The transaction log has failed: how the last call has ended is known at the next start only. */
  failure: unknown
  readonly participants: Set<Partition> = new Set()
  startedMs: number
  updatedMs: number
  timer: Timer | undefined
  /** Appends that wait until their partition is recovered. The transaction cannot expire meanwhile. */
  waiting = 0
  /** Those of the last transaction. */
  markers: Markers | undefined
  /** The partitions of its last commit, by the process before, that may be unrecovered. */
  unrecovered: readonly Participant[] = []
  /** A producer id of which a partition knows a greater epoch; -1: there is none. */
  behindId: number = none
  /** Operations on one id run one after the other. */
  readonly operations: SerialQueue = new SerialQueue()

  /** `value`: as recovery leaves it, without a prepared end. */
  constructor(name: string, value: TransactionValue) {
    assert(value.producerId >= 0, 'a transactional id has a producer id')
    this.name = name
    this.producerId = value.producerId
    this.epoch = value.producerEpoch
    this.previousProducerId = value.previousProducerId
    this.lastEpoch = value.lastEpoch
    this.timeoutMs = value.timeoutMs
    this.status = value.status
    this.version = value.version
    this.isClient = value.isClient
    this.mustAbort = value.mustAbort
    this.startedMs = value.startedMs
    this.updatedMs = value.updatedMs
  }

  get identity(): ProducerIdentity {
    return { producerId: this.producerId, producerEpoch: this.epoch }
  }

  get isOngoing(): boolean {
    return this.status === transactionStatus.ongoing
  }

  /** Whether its transaction takes part in the partition, or has yet to be marked as ended there. */
  holds(producerId: number, partition: Partition): boolean {
    if (producerId === this.producerId && this.participants.has(partition)) return true
    // Its end may have replaced the producer id.
    return this.markers?.isOpenIn(partition, producerId) ?? false
  }

  /** The producer is fenced, and the next one gets a producer id that no partition knows. */
  get isBehind(): boolean {
    return this.behindId === this.producerId
  }

  /** The status as Kafka has it: an end is complete when all partitions are marked. */
  get shownStatus(): TransactionStatus {
    const { completeCommit, prepareCommit, completeAbort, prepareAbort } = transactionStatus
    if (!this.markers?.isOpen) return this.status
    if (this.status === completeCommit) return prepareCommit
    return this.status === completeAbort ? prepareAbort : this.status
  }

  /**
   * Resolves when the last transaction is marked as ended in all its partitions: recovery needs the record of
   * this id no more.
   * @throws MillraceError DISK_FULL (retriable), DISK_FAILED, PARTITION_POISONED, PARTITION_DAMAGED, CLOSED
   */
  async ended(log: LogDirectory): Promise<void> {
    await this.markers?.durable()
    if (this.unrecovered.length === 0) return
    const partitions = this.unrecovered.map(each => log.unrecoveredPartition(each.topic, each.partition))
    await Promise.all(partitions.flatMap(partition => partition?.once(() => undefined) ?? []))
    for (const each of this.unrecovered) {
      const failure = log.partition(each.topic, each.partition)?.failure
      if (failure) throw failure
    }
    this.unrecovered = []
  }

  /** Whether the partitions of the last commit by the process before have become usable since the start. */
  isRecovered(log: LogDirectory): boolean {
    return (
      this.unrecovered.length > 0 &&
      this.unrecovered.every(({ topic, partition }) => {
        const open = log.partition(topic, partition)
        return open ? !open.failure : !log.unrecoveredPartition(topic, partition)
      })
    )
  }

  /** Nobody has the largest epoch: with it recovery leaves an id whose next producer gets another id. */
  isCurrent({ producerId, producerEpoch }: ProducerIdentity): boolean {
    return this.producerId === producerId && this.epoch === producerEpoch && producerEpoch < epochMax
  }

  /**
   * Whether the identity made the call that led to the present one, and may not have got the answer: the call
   * is repeated.
   */
  isPrevious({ producerId, producerEpoch }: ProducerIdentity): boolean {
    if (producerEpoch === none || producerEpoch !== this.lastEpoch) return false
    return producerId === (isUsedUp(producerEpoch) ? this.previousProducerId : this.producerId)
  }

  /**
   * @throws MillraceError PRODUCER_FENCED: the identity is not the current one; INVALID_PRODUCER_ID_MAPPING
   *   (clients only): it has another producer id; what the log failed with
   */
  checkCurrent(identity: ProducerIdentity): void {
    if (this.failure !== undefined) throw this.failure
    if (this.isClient && identity.producerId !== this.producerId)
      throw new MillraceError(
        'INVALID_PRODUCER_ID_MAPPING',
        `The transactional id '${this.name}' does not belong to producer ${identity.producerId}, or no longer: register a producer with it again.`,
      )
    if (this.isBehind || !this.isCurrent(identity)) throw this.fenced(identity)
  }

  fenced({ producerId, producerEpoch }: ProducerIdentity): MillraceError {
    return new MillraceError(
      'PRODUCER_FENCED',
      `The writer '${this.name}' (producer ${producerId}, epoch ${producerEpoch}) is fenced: another one was ` +
        `opened with this id, or its transaction took longer than ${this.timeoutMs} ms and was aborted. Drop its work since its last commit.`,
    )
  }

  /** What {@link restore} puts back. */
  save(): Identity {
    const { producerId, epoch, previousProducerId, lastEpoch, status, mustAbort, wasCut } = this
    const { isClient, timeoutMs, version } = this
    return {
      producerId,
      epoch,
      previousProducerId,
      lastEpoch,
      status,
      mustAbort,
      wasCut,
      isClient,
      timeoutMs,
      version,
    }
  }

  restore(saved: Identity): void {
    Object.assign(this, saved)
  }

  /** Continues under a producer id that no partition knows. */
  rotate(producerId: number): void {
    this.previousProducerId = this.producerId
    this.producerId = producerId
    this.epoch = 0
  }

  /** The record of this id for the transaction log. */
  value(
    status: TransactionStatus,
    nowMs: number,
    partitions: readonly Participant[] = [],
    nextProducerId: number = none,
  ): TransactionValue {
    return {
      producerId: this.producerId,
      previousProducerId: this.previousProducerId,
      nextProducerId,
      producerEpoch: this.epoch,
      lastEpoch: this.lastEpoch,
      timeoutMs: this.timeoutMs,
      status,
      partitions,
      updatedMs: nowMs,
      startedMs: this.startedMs,
      version: this.version,
      isClient: this.isClient,
      mustAbort: this.mustAbort,
    }
  }
}
