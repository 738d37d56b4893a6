/**
 * InitProducerId (22), versions 0-5: a producer id for an idempotent producer, or the next epoch of a
 * transactional id. Every earlier producer with that id is fenced, and its open transaction aborted.
 *
 * - From version 3 on a producer may state the identity that it has (KIP-360): it gets the next epoch, and
 *   the same one if it asks again. Without a transactional id that has no effect: the id is always a new one.
 * - A fenced producer is told INVALID_PRODUCER_EPOCH before version 4.
 *
 * Deviation: the answer comes once the open transaction is aborted. Apache Kafka aborts it, answers
 * CONCURRENT_TRANSACTIONS, and has the client ask again.
 */
import { messages, type Request } from '../../wire/index.ts'
import type { ProducerIdentity } from '../../port/index.ts'
import { codeOf, errorCodes } from './error-codes.ts'
import { handler, type Handler, type RequestContext } from './handler.ts'
import { transactionErrors } from './transaction-requests.ts'

type Message = typeof messages.initProducerId

const knownCodes = { producerFenced: 4, transactionAbortable: 5 }
/** The first version whose clients may end transactions in version 2. */
const transactions2 = 5
const none = -1

export const initProducerId: Handler = handler(messages.initProducerId, async (request, context) => {
  const { producerId, producerEpoch } = request
  if ((producerId === none) !== (producerEpoch === none)) return refused(errorCodes.INVALID_REQUEST)
  try {
    return { throttleTimeMs: 0, errorCode: errorCodes.NONE, ...(await registered(request, context)) }
  } catch (error) {
    return refused(codeOf(error, exceptionsOf(request, context)))
  }
})

function registered(
  { transactionalId, transactionTimeoutMs, producerId, producerEpoch }: Request<Message>,
  { broker, version }: RequestContext,
): Promise<ProducerIdentity> {
  if (transactionalId === null) return broker.newProducer()
  return broker.clientTransactions.init({
    transactionalId,
    timeoutMs: transactionTimeoutMs,
    version: version >= transactions2 ? 2 : 1,
    ...(producerId === none ? {} : { held: { producerId, producerEpoch } }),
  })
}

/** A producer without a transactional id has no coordinator: it asks the same broker again. */
function exceptionsOf({ transactionalId }: Request<Message>, { version }: RequestContext) {
  const errors = transactionErrors(version, knownCodes)
  return transactionalId === null ? { ...errors, DISK_FULL: 'COORDINATOR_LOAD_IN_PROGRESS' as const } : errors
}

function refused(errorCode: number) {
  return { throttleTimeMs: 0, errorCode, producerId: none, producerEpoch: none }
}
