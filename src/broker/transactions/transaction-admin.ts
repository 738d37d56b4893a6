/**
 * What tools see and do about transactions (KIP-664): those of transactional ids, those that are open in
 * partitions, and the end of one that hangs: open in a partition, and held back by no producer that could end
 * it.
 */
import { MillraceError } from '../../base/index.ts'
import type { Marker, Partition } from '../../log/index.ts'
import type {
  OpenTransaction,
  TopicPartition,
  TransactionDescription,
  TransactionState,
} from '../../port/index.ts'
import {
  none,
  transactionStatus,
  type TransactionStatus,
  type TransactionValue,
} from './transaction-records.ts'
import type { TransactionalId } from './transactional-id.ts'

const stateNames: Readonly<Record<TransactionStatus, TransactionState>> = {
  [transactionStatus.empty]: 'Empty',
  [transactionStatus.ongoing]: 'Ongoing',
  [transactionStatus.prepareCommit]: 'PrepareCommit',
  [transactionStatus.prepareAbort]: 'PrepareAbort',
  [transactionStatus.completeCommit]: 'CompleteCommit',
  [transactionStatus.completeAbort]: 'CompleteAbort',
}

/** A transactional id as tools show it. */
export function described(
  transactionalId: string,
  value: Pick<TransactionValue, 'producerId' | 'producerEpoch' | 'status' | 'timeoutMs' | 'startedMs'>,
  partitions: readonly TopicPartition[],
): TransactionDescription {
  const { producerId, producerEpoch, status, timeoutMs, startedMs } = value
  const isOngoing = status === transactionStatus.ongoing
  const hasBegun = status !== transactionStatus.empty && startedMs >= 0
  return {
    transactionalId,
    producerId,
    producerEpoch,
    state: stateNames[status],
    timeoutMs,
    partitions: isOngoing ? partitions.map(({ topic, partition }) => ({ topic, partition })) : [],
    ...(hasBegun ? { startedMs } : {}),
  }
}

export function describedId(id: TransactionalId): TransactionDescription {
  const partitions = Array.from(id.participants, ({ topic, index }) => ({ topic, partition: index }))
  return described(id.name, id.value(id.shownStatus, id.updatedMs), partitions)
}

/**
 * The transactional ids of a transaction log that is only read. It does not say which transactions of writers
 * are open, but the partitions do.
 */
export function describedFromLog(
  states: ReadonlyMap<string, TransactionValue>,
  open: readonly OpenTransaction[],
): TransactionDescription[] {
  return Array.from(states, ([transactionalId, value]) => {
    const partitions = open.filter(each => each.transactionalId === transactionalId)
    const producer = partitions[0]
    return producer
      ? described(
          transactionalId,
          { ...value, ...producer, status: transactionStatus.ongoing, startedMs: -1 },
          partitions,
        )
      : described(transactionalId, value, value.partitions)
  })
}

/** The transactions that are open in a partition; `idOf`: whose a producer id is. */
export function openIn(
  { topic, index, openTransactions }: Partition,
  idOf: (producerId: number) => string | undefined,
): OpenTransaction[] {
  return openTransactions.map(({ producerId, producerEpoch, firstOffset }) => {
    const transactionalId = idOf(producerId)
    return {
      topic,
      partition: index,
      producerId,
      producerEpoch,
      firstOffset,
      ...(transactionalId === undefined ? {} : { transactionalId }),
    }
  })
}

/**
 * Ends a hanging transaction in one partition, by an abort marker. `transactionalId`: the owner of the
 * producer id.
 * @throws MillraceError INVALID_TXN_STATE: the producer has no transaction open there, or one that does not
 *   hang; DISK_FULL
 */
export async function abortHanging(
  partition: Partition,
  producerId: number,
  transactionalId: string | undefined,
): Promise<void> {
  const open = partition.openTransactions.find(each => each.producerId === producerId)
  if (!open)
    throw new MillraceError(
      'INVALID_TXN_STATE',
      `Producer ${producerId} has no open transaction in ${partition.name}: there is nothing to abort.`,
    )
  if (transactionalId !== undefined)
    throw new MillraceError(
      'INVALID_TXN_STATE',
      `The transaction of producer ${producerId} in ${partition.name} does not hang. Abort that of its transactional id '${transactionalId}'.`,
    )
  await partition.appendMarker({
    type: 'abort',
    producerId,
    producerEpoch: open.producerEpoch,
    coordinatorEpoch: 0,
  }).durable
}

/** A producer that a partition remembers, in the terms of DescribeProducers; -1: none. */
export interface PartitionProducer {
  readonly producerId: number
  readonly producerEpoch: number
  readonly lastSequence: number
  /** Of its last append, by the machine's clock. */
  readonly lastTimestamp: number
  readonly coordinatorEpoch: number
  readonly currentTxnStartOffset: number
}

export function producersIn(partition: Partition): PartitionProducer[] {
  return Array.from(partition.producers(), producer => ({
    producerId: producer.producerId,
    producerEpoch: producer.epoch,
    lastSequence: producer.batches.at(-1)?.lastSequence ?? none,
    lastTimestamp: producer.lastSeenMs,
    coordinatorEpoch: producer.coordinatorEpoch,
    currentTxnStartOffset: producer.firstOffset,
  }))
}

/** The end of a transaction in one partition, as a tool asks for it (WriteTxnMarkers). */
export interface RequestedMarker extends Marker {
  /** In version 2 the marker has a later epoch than the transaction: its producer is fenced (KIP-890). */
  readonly transactionVersion: number
}

/**
 * Appends a marker where the producer has a transaction open; elsewhere there is nothing to end. `owner`: the
 * transactional id whose transaction that is.
 * @throws MillraceError INVALID_TXN_STATE: the transaction does not hang; PRODUCER_FENCED: the marker's epoch
 *   has passed; TRANSACTION_COORDINATOR_FENCED; DISK_FULL
 */
export async function appendRequestedMarker(
  partition: Partition,
  { transactionVersion, ...marker }: RequestedMarker,
  owner: string | undefined,
): Promise<void> {
  const { producerId, producerEpoch } = marker
  if (owner !== undefined)
    throw new MillraceError(
      'INVALID_TXN_STATE',
      `The transaction of producer ${producerId} in ${partition.name} does not hang: it is ended by its transactional id '${owner}', in all of its partitions.`,
    )
  const open = partition.openTransactions.find(each => each.producerId === producerId)
  if (!open) return
  if (transactionVersion >= 2 && producerEpoch <= open.producerEpoch)
    throw new MillraceError(
      'PRODUCER_FENCED',
      `A marker of version 2 must have a later epoch than the transaction of producer ${producerId} in ${partition.name}, which is of epoch ${open.producerEpoch}.`,
    )
  await partition.appendMarker(marker).durable
}
