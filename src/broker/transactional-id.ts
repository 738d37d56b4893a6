/** One transactional id: the producer that may write under it, and the state of its transaction. */
import { assert, MillraceError, SerialQueue, type Timer } from '../base/index.ts'
import type { Partition } from '../log/index.ts'
import type { ProducerIdentity } from '../port/index.ts'
import type { TransactionStatus, TransactionValue } from './internal-records.ts'
import type { Markers } from './markers.ts'

/** The largest epoch. Only a marker may carry it; a producer gets a new id before. */
export const epochMax = 0x7fff

/** The first state of an id. */
export type InitialState = Pick<TransactionValue, 'producerId' | 'producerEpoch' | 'timeoutMs' | 'startedMs'>

export class TransactionalId {
  readonly name: string
  producerId: number
  epoch: number
  timeoutMs: number
  /** `ending`: the outcome is being decided, or the next identity made; nothing can be added. */
  state: 'empty' | 'ongoing' | 'ending' = 'empty'
  readonly participants: Set<Partition> = new Set()
  startedMs: number
  timer: Timer | undefined
  /** Those of the last transaction. */
  markers: Markers | undefined
  /** Operations on one id run one after the other. */
  readonly operations: SerialQueue = new SerialQueue()

  constructor(name: string, { producerId, producerEpoch, timeoutMs, startedMs }: InitialState) {
    assert(producerId >= 0, 'a transactional id has a producer id')
    this.name = name
    this.producerId = producerId
    this.epoch = producerEpoch
    this.timeoutMs = timeoutMs
    this.startedMs = startedMs
  }

  get identity(): ProducerIdentity {
    return { producerId: this.producerId, producerEpoch: this.epoch }
  }

  /** The next epoch is reserved for a marker: to continue, the id needs a new producer id. */
  get isUsedUp(): boolean {
    return this.epoch + 1 >= epochMax
  }

  isCurrent({ producerId, producerEpoch }: ProducerIdentity): boolean {
    return this.producerId === producerId && this.epoch === producerEpoch
  }

  /** @throws MillraceError PRODUCER_FENCED: the identity is not the current one */
  checkCurrent(identity: ProducerIdentity): void {
    if (this.isCurrent(identity)) return
    throw new MillraceError(
      'PRODUCER_FENCED',
      `The writer '${this.name}' (producer ${identity.producerId}, epoch ${identity.producerEpoch}) is fenced: another one was ` +
        `opened with this id, or its transaction took longer than ${this.timeoutMs} ms and was aborted. Drop its work since its last commit.`,
    )
  }

  /** The record of this id for the transaction log. */
  value(status: TransactionStatus, participants: readonly Partition[], nowMs: number): TransactionValue {
    return {
      producerId: this.producerId,
      producerEpoch: this.epoch,
      timeoutMs: this.timeoutMs,
      status,
      partitions: participants.map(({ topic, index }) => ({ topic, partition: index })),
      updatedMs: nowMs,
      startedMs: this.startedMs,
    }
  }
}
