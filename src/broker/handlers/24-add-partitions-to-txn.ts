/**
 * AddPartitionsToTxn (24), versions 0-5: partitions that a transaction will write to. The first call begins
 * it. Clients use versions 0 to 3, for one transaction. Versions 4 and 5 are for brokers: several
 * transactions, of version 2, or only a check that the partitions were added (KIP-890).
 *
 * - All partitions are added, or none: beside one that is refused the others are OPERATION_NOT_ATTEMPTED.
 * - Partitions of internal topics, and of topics that an app keeps for itself, are not for clients:
 *   TOPIC_AUTHORIZATION_FAILED. A broker may add the one of committed offsets.
 * - A fenced producer is told INVALID_PRODUCER_EPOCH before version 2.
 *
 * Deviation: while the markers of the last transaction are appended, the next one may begin. Apache Kafka
 * answers CONCURRENT_TRANSACTIONS until they are.
 */
import type { Partition } from '../../log/index.ts'
import { messages, type ResponseInput } from '../../wire/index.ts'
import type { TransactionalClient } from '../transactions/client-transactions.ts'
import { codeOf, errorCodes, type Exceptions } from './error-codes.ts'
import { handler, type Handler, type RequestContext } from './handler.ts'
import { inTurns } from './in-turns.ts'
import { transactionErrors } from './transaction-requests.ts'
import { writable } from './writable.ts'

type Message = typeof messages.addPartitionsToTxn
type Results = NonNullable<ResponseInput<Message>['resultsByTopicV3AndBelow']>

interface Topic {
  readonly name: string
  readonly partitions: readonly number[]
}

/** A partition of a request, or why it cannot be added. */
interface Found {
  readonly index: number
  readonly partition?: Partition
  readonly fault: number
}

/** The first version for brokers. */
const batched = 4
const knownCodes = { producerFenced: 2, transactionAbortable: 4 }

export const addPartitionsToTxn: Handler = handler(messages.addPartitionsToTxn, async (request, context) => {
  if (context.version < batched) {
    const { v3AndBelowTransactionalId: transactionalId, v3AndBelowTopics: topics } = request
    const identity = {
      producerId: request.v3AndBelowProducerId,
      producerEpoch: request.v3AndBelowProducerEpoch,
    }
    const client = { transactionalId, identity, version: 1 } as const
    return { throttleTimeMs: 0, resultsByTopicV3AndBelow: await added(client, topics, context) }
  }
  const resultsByTransaction = []
  for (const { transactionalId, producerId, producerEpoch, verifyOnly, topics } of request.transactions) {
    const client = { transactionalId, identity: { producerId, producerEpoch }, version: 2 } as const
    const topicResults = await added(client, topics, context, verifyOnly)
    resultsByTransaction.push({ transactionalId, topicResults })
  }
  return { throttleTimeMs: 0, errorCode: errorCodes.NONE, resultsByTransaction }
})

async function added(
  client: TransactionalClient,
  topics: readonly Topic[],
  context: RequestContext,
  verifyOnly: boolean = false,
): Promise<Results> {
  const found = await inTurns(topics, context, async ({ name, partitions }) => ({
    name,
    partitions: await inTurns(partitions, context, index => find(name, index, context)),
  }))
  const all = found.flatMap(({ partitions }) => partitions)
  const isRefused = all.some(({ fault }) => fault !== errorCodes.NONE)
  const code = isRefused
    ? () => errorCodes.OPERATION_NOT_ATTEMPTED
    : verifyOnly
      ? (partition: Partition) => verified(client, partition, context)
      : await addedCode(client, partitionsOf(all), context)
  return found.map(({ name, partitions }) => ({
    name,
    resultsByPartition: partitions.map(({ index, partition, fault }) => ({
      partitionIndex: index,
      partitionErrorCode: partition ? code(partition) : fault,
    })),
  }))
}

async function find(topic: string, index: number, context: RequestContext): Promise<Found> {
  const { broker, version } = context
  const { partition: offsets } = broker.offsets
  if (version >= batched && topic === offsets.topic && index === offsets.index)
    return { index, partition: offsets, fault: errorCodes.NONE }
  try {
    return { index, partition: await writable(topic, index, context), fault: errorCodes.NONE }
  } catch (error) {
    return { index, fault: codeOf(error, faults(broker.isOpen)) }
  }
}

function faults(isOpen: boolean): Exceptions {
  return {
    INVALID_ARGUMENT: 'TOPIC_AUTHORIZATION_FAILED',
    // The topic was deleted meanwhile.
    ...(isOpen ? { CLOSED: 'UNKNOWN_TOPIC_OR_PARTITION' } : {}),
  }
}

/** Adds the partitions; the code of each of them. */
async function addedCode(
  client: TransactionalClient,
  partitions: readonly Partition[],
  { broker, version }: RequestContext,
): Promise<() => number> {
  try {
    await broker.clientTransactions.addPartitions(client, partitions)
    return () => errorCodes.NONE
  } catch (error) {
    const errorCode = codeOf(error, transactionErrors(version, knownCodes))
    return () => errorCode
  }
}

function verified(
  client: TransactionalClient,
  partition: Partition,
  { broker, version }: RequestContext,
): number {
  try {
    broker.clientTransactions.verify(client, partition)
    return errorCodes.NONE
  } catch (error) {
    const errors = transactionErrors(version, knownCodes)
    return codeOf(error, { ...errors, INVALID_TXN_STATE: 'TRANSACTION_ABORTABLE' })
  }
}

function partitionsOf(found: readonly Found[]): Partition[] {
  return found.flatMap(({ partition }) => partition ?? [])
}
