/**
 * Produce (0), versions 3-13: one batch per partition, admitted as from outside, acknowledged once it is
 * safe.
 *
 * - `acks` 1 and -1 mean the same, since there is one replica. With 0 nothing is answered, and an error
 *   closes the connection: so the client learns that something went wrong.
 * - Once all batches have their offsets the next produce of the connection begins, so that both are synced at
 *   once. Apache Kafka works on one at a time.
 * - The records of a transaction are acknowledged once they are written: its end makes them durable.
 * - From version 12 on a produce adds its partition to the transaction (version 2, KIP-890). Before that, one
 *   that was not added is refused: INVALID_TXN_STATE, from version 11 on TRANSACTION_ABORTABLE.
 * - Whether the partition was added is asked at every batch; Apache Kafka asks at the first one only.
 * - Before version 7 the client may not know zstd, and its batches are refused.
 * - From version 8 on the answer names the records for which their batch was refused.
 */
import { isMillraceError, MillraceError } from '../../base/index.ts'
import type { AppendReceipt } from '../../log/index.ts'
import { messages, RecordBatch, type Request, type ResponseInput } from '../../wire/index.ts'
import { admit } from '../admission/admission.ts'
import { refusedRecords } from '../admission/refused-records.ts'
import type { TransactionalClient } from '../transactions/client-transactions.ts'
import { codeOf, errorCodes, messageOf, type Exceptions } from './error-codes.ts'
import { handler, type Handler, type RequestContext } from './handler.ts'
import { writable } from './writable.ts'

type Message = typeof messages.produce
type Answer = ResponseInput<Message>['responses'][number]['partitionResponses'][number]

/** The first version whose clients have transactions of version 2. */
const transactions2 = 12
/** The first version whose clients know TRANSACTION_ABORTABLE. */
const transactionAbortable = 11
/** The first version whose clients know UNKNOWN_PRODUCER_ID. */
const unknownProducerId = 5
/** The first version whose clients may know zstd. */
const zstd = 7
const validAcks = [0, 1, -1]
const none = -1

/** Bytes that are admitted in one turn of the event loop: they may decompress to a hundred times as much. */
const turnBytesMax = 1024 * 1024

export const produce: Handler = handler(messages.produce, async (request, context) => {
  const { acks, topicData } = request
  const topics: { name: string; topicId: string; answers: Promise<Answer>[] }[] = []
  /** Batches that have no place in the log yet; and the rest of the request. */
  let unplaced = 1
  const placed = (): void => {
    unplaced -= 1
    if (unplaced === 0) context.placed()
  }
  let bytes = 0
  for (const { name, topicId, partitionData } of topicData) {
    const answers: Promise<Answer>[] = []
    topics.push({ name, topicId, answers })
    for (const { index, records } of partitionData) {
      const target = { name: topicName(name, topicId, context), index, records }
      unplaced += 1
      const answer = append(target, request, context, placed)
      // What it fails with is thrown below, and until then by nobody.
      answer.catch(() => undefined)
      answers.push(answer)
      bytes += records?.length ?? 0
      if (bytes < turnBytesMax) continue
      await context.clock.yield()
      bytes = 0
    }
  }
  placed()
  const responses: { name: string; topicId: string; partitionResponses: Answer[] }[] = []
  for (const { name, topicId, answers } of topics)
    responses.push({ name, topicId, partitionResponses: await Promise.all(answers) })
  if (acks !== 0) return { responses }
  for (const { partitionResponses } of responses)
    for (const { errorCode, errorMessage } of partitionResponses)
      if (errorCode !== errorCodes.NONE)
        throw new MillraceError(
          'CLOSED',
          `A produce with acks 0 has failed with code ${errorCode}: ${errorMessage ?? ''}`,
        )
  return undefined
})

interface Target {
  /** Undefined: no topic has that id. */
  readonly name: string | undefined
  readonly index: number
  readonly records: Buffer | null
}

/** Calls in one turn append in the order of the calls. `placed` is called once the batch has its offsets. */
async function append(
  { name, index, records }: Target,
  request: Request<Message>,
  context: RequestContext,
  placed: () => void,
): Promise<Answer> {
  if (!validAcks.includes(request.acks)) return refused(index, errorCodes.INVALID_REQUIRED_ACKS)
  if (name === undefined) return refused(index, errorCodes.UNKNOWN_TOPIC_ID)
  let client: TransactionalClient | undefined
  let logStartOffset = none
  try {
    const { broker, clock } = context
    const partition = await writable(name, index, context)
    logStartOffset = partition.logStartOffset
    const now = clock.now()
    let bytes: Uint8Array
    try {
      bytes = admit(records ?? noBytes, partition, { now })
    } catch (error) {
      const answer = refused(index, codeOf(error, exceptions(false, context)), messageOf(error))
      if (!isMillraceError(error, 'INVALID_RECORD', 'INVALID_TIMESTAMP')) return answer
      return { ...answer, recordErrors: refusedRecords(records ?? noBytes, partition, now) }
    }
    if (context.version < zstd && new RecordBatch(bytes).compression === 'zstd')
      return refused(index, errorCodes.UNSUPPORTED_COMPRESSION_TYPE)
    client = clientOf(bytes, request, context)
    if (!client && new RecordBatch(bytes).isTransactional)
      return refused(index, errorCodes.TRANSACTIONAL_ID_AUTHORIZATION_FAILED, nameless)
    if (client?.version === 2) await broker.clientTransactions.ensureAdded(client, partition)
    const producer = client
    const turn = partition.inTurn(() => {
      if (producer) broker.clientTransactions.verify(producer, partition)
      return partition.append(bytes)
    })
    const receipt = turn instanceof Promise ? await turn : turn
    placed()
    await acknowledged(receipt, client !== undefined, context)
    return {
      index,
      errorCode: errorCodes.NONE,
      baseOffset: receipt.baseOffset,
      logAppendTimeMs:
        partition.settings.messageTimestampType === 'LogAppendTime'
          ? new RecordBatch(bytes).maxTimestamp
          : none,
      logStartOffset: partition.logStartOffset,
    }
  } catch (error) {
    const errorCode = codeOf(error, exceptions(client !== undefined, context))
    return { ...refused(index, errorCode, messageOf(error)), logStartOffset }
  }
}

/** What was not written may still be in the hands of the kernel: its memory is not used again. */
async function acknowledged(
  receipt: AppendReceipt,
  isTransactional: boolean,
  context: RequestContext,
): Promise<void> {
  try {
    await (isTransactional ? receipt.written : receipt.durable)
  } catch (error) {
    context.keepsRequest()
    throw error
  }
}

const nameless = 'A transactional batch came without the transactional id of its producer.'

/** The producer of a transactional batch; undefined: the batch is not transactional, or names no producer. */
function clientOf(
  bytes: Uint8Array,
  { transactionalId }: Request<Message>,
  { version }: RequestContext,
): TransactionalClient | undefined {
  const { isTransactional, producerId, producerEpoch } = new RecordBatch(bytes)
  if (!isTransactional || !transactionalId) return undefined
  const identity = { producerId, producerEpoch }
  return { transactionalId, identity, version: version >= transactions2 ? 2 : 1 }
}

function topicName(name: string, topicId: string, { broker, version }: RequestContext): string | undefined {
  return version >= byIdVersion ? broker.topicName(topicId) : name
}
const byIdVersion = 13

function exceptions(isTransactional: boolean, { broker, version }: RequestContext): Exceptions {
  return {
    // A topic of the log, or of an app.
    INVALID_ARGUMENT: 'INVALID_TOPIC_EXCEPTION',
    // The topic was deleted meanwhile.
    ...(broker.isOpen ? { CLOSED: 'UNKNOWN_TOPIC_OR_PARTITION' } : {}),
    ...(isTransactional ? transactionExceptions(version) : {}),
  }
}

/**
 * Clients that do not know TRANSACTION_ABORTABLE abort after UNKNOWN_PRODUCER_ID, and continue with the next
 * epoch (KIP-360). With other codes librdkafka keeps its sequence numbers, which then have a gap. Clients
 * look at `logStartOffset` as well, which came with that code.
 *
 * Those of version 1 try again after NOT_ENOUGH_REPLICAS, and do not expect CONCURRENT_TRANSACTIONS.
 */
function transactionExceptions(version: number): Exceptions {
  const knowsAbortable = version >= transactionAbortable
  const aborted = version >= unknownProducerId ? 'UNKNOWN_PRODUCER_ID' : 'INVALID_TXN_STATE'
  return {
    INVALID_TXN_STATE: knowsAbortable ? 'TRANSACTION_ABORTABLE' : 'INVALID_TXN_STATE',
    TRANSACTION_ABORTABLE: knowsAbortable ? 'TRANSACTION_ABORTABLE' : aborted,
    ...(version >= transactions2 ? {} : { CONCURRENT_TRANSACTIONS: 'NOT_ENOUGH_REPLICAS' }),
  }
}

function refused(index: number, errorCode: number, errorMessage: string | null = null): Answer {
  return { index, errorCode, baseOffset: none, errorMessage }
}

const noBytes = Buffer.alloc(0)
