/**
 * Keys and values of `__transaction_state`, in Kafka's own formats (wire/structures/transaction-log.ts), so
 * that its tools print them and a cluster's can be read.
 *
 * Values of version 0 are read only: millrace wrote them up to commit 3a06ab1. A null value is a tombstone.
 */
import { MillraceError } from '../../base/index.ts'
import type { TopicPartition } from '../../port/index.ts'
import {
  encodeVersioned,
  readStructure,
  structureReader,
  transactionLogKey,
  transactionLogValue,
  writeInt64,
  type Decoded,
} from '../../wire/index.ts'

/** The states of a transaction that the log keeps, by Kafka's numbers. */
export const transactionStatus = {
  empty: 0,
  ongoing: 1,
  prepareCommit: 2,
  prepareAbort: 3,
  completeCommit: 4,
  completeAbort: 5,
} as const
export type TransactionStatus = (typeof transactionStatus)[keyof typeof transactionStatus]

/** No producer id, epoch or time. */
export const none = -1

/** A partition of a transaction. */
export interface Participant extends TopicPartition {
  /**
   * In a commit: all of its records there are below, and those of the next transaction are not. Undefined
   * where it is not known: before the end, in aborts, and in version 0.
   */
  readonly endOffset?: number
}

/** What the log keeps of a transactional id. */
export interface TransactionValue {
  readonly producerId: number
  /** The id before this one, whose epochs were used up; -1: there was none. */
  readonly previousProducerId: number
  /** The id that the producer continues with after a prepared end; -1: the same. */
  readonly nextProducerId: number
  /** The epoch after this state: version 2 of transactions raises it with each end (KIP-890). */
  readonly producerEpoch: number
  /** The epoch of the call that led to this state, so that its repetition is known; -1: none. */
  readonly lastEpoch: number
  readonly timeoutMs: number
  readonly status: TransactionStatus
  readonly partitions: readonly Participant[]
  readonly updatedMs: number
  readonly startedMs: number
  /** The version of transactions that the producer used last; 0: not known. */
  readonly version: number
  /** The producer is outside of this process: its transactions survive a clean stop. */
  readonly isClient: boolean
  /** The transaction was aborted in a crash: its producer has to abort before it continues. */
  readonly mustAbort: boolean
}

/** An id before its first producer. */
export function unusedId(producerId: number, timeoutMs: number): TransactionValue {
  return {
    producerId,
    previousProducerId: none,
    nextProducerId: none,
    producerEpoch: none,
    lastEpoch: none,
    timeoutMs,
    status: transactionStatus.empty,
    partitions: [],
    updatedMs: none,
    startedMs: none,
    version: 0,
    isClient: false,
    mustAbort: false,
  }
}

const keyVersion = 0
/** Of values that are written. Every version is read. */
const valueVersion = 1
const flags = { client: 1, mustAbort: 2 } as const
const int64Bytes = 8

export function encodeTransactionKey(transactionalId: string): Uint8Array {
  return encodeVersioned(transactionLogKey, keyVersion, { transactionalId })
}

/** Undefined for a key of another kind. */
export function decodeTransactionKey(bytes: Uint8Array): string | undefined {
  const from = structureReader(bytes, 'a key in __transaction_state')
  const version = from.int16()
  return version === keyVersion ? readStructure(transactionLogKey, version, from).transactionalId : undefined
}

/** The record that keeps the state of a transactional id. */
export function transactionRecord(
  transactionalId: string,
  value: TransactionValue,
): { readonly key: Uint8Array; readonly value: Uint8Array } {
  return { key: encodeTransactionKey(transactionalId), value: encodeTransactionValue(value) }
}

export function encodeTransactionValue(value: TransactionValue): Uint8Array {
  const topics = [...Map.groupBy(value.partitions, ({ topic }) => topic)]
  return encodeVersioned(transactionLogValue, valueVersion, {
    producerId: value.producerId,
    previousProducerId: value.previousProducerId,
    nextProducerId: value.nextProducerId,
    producerEpoch: value.producerEpoch,
    transactionTimeoutMs: value.timeoutMs,
    transactionStatus: value.status,
    transactionPartitions: topics.map(([topic, partitions]) => ({
      topic,
      partitionIds: partitions.map(({ partition }) => partition),
      partitionEnds: encodeEnds(partitions),
    })),
    transactionLastUpdateTimestampMs: value.updatedMs,
    transactionStartTimestampMs: value.startedMs,
    clientTransactionVersion: value.version,
    lastEpoch: value.lastEpoch,
    flags: (value.isClient ? flags.client : 0) | (value.mustAbort ? flags.mustAbort : 0),
  })
}

/** @throws MillraceError UNSUPPORTED_FORMAT, CORRUPT_BATCH */
export function decodeTransactionValue(bytes: Uint8Array): TransactionValue {
  const from = structureReader(bytes, 'a record in __transaction_state')
  const value = readStructure(transactionLogValue, from.int16(), from)
  return {
    producerId: value.producerId,
    previousProducerId: value.previousProducerId,
    nextProducerId: value.nextProducerId,
    producerEpoch: value.producerEpoch,
    lastEpoch: value.lastEpoch,
    timeoutMs: value.transactionTimeoutMs,
    status: statusOf(value.transactionStatus),
    partitions: (value.transactionPartitions ?? []).flatMap(participantsOf),
    updatedMs: value.transactionLastUpdateTimestampMs,
    startedMs: value.transactionStartTimestampMs,
    version: value.clientTransactionVersion,
    isClient: (value.flags & flags.client) !== 0,
    mustAbort: (value.flags & flags.mustAbort) !== 0,
  }
}

/** No bytes if no end is known. */
function encodeEnds(partitions: readonly Participant[]): Uint8Array {
  if (partitions.every(({ endOffset }) => endOffset === undefined)) return new Uint8Array(0)
  const ends = Buffer.alloc(partitions.length * int64Bytes)
  for (const [index, { endOffset }] of partitions.entries())
    writeInt64(ends, endOffset ?? none, index * int64Bytes)
  return ends
}

type TopicOfTransaction = NonNullable<
  Decoded<typeof transactionLogValue.fields>['transactionPartitions']
>[number]

function participantsOf({ topic, partitionIds, partitionEnds }: TopicOfTransaction): Participant[] {
  const ends =
    partitionEnds.length === 0 ? undefined : structureReader(partitionEnds, 'the ends of a transaction')
  return partitionIds.map(partition => {
    const endOffset = ends?.int64() ?? none
    return endOffset === none ? { topic, partition } : { topic, partition, endOffset }
  })
}

function statusOf(number: number): TransactionStatus {
  const status = Object.values(transactionStatus).find(each => each === number)
  if (status !== undefined) return status
  throw new MillraceError(
    'UNSUPPORTED_FORMAT',
    `The transaction log holds a transaction in state ${number}; this version of millrace reads 0 to 5.`,
  )
}
