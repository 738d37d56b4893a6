/**
 * DescribeTransactions (65), version 0: the state of transactional ids, and where their open transactions
 * take part. An unknown id is TRANSACTIONAL_ID_NOT_FOUND, an empty one INVALID_REQUEST. An id that is named
 * twice is answered once.
 */
import type { TopicPartition } from '../../port/index.ts'
import { messages, type ResponseInput } from '../../wire/index.ts'
import { errorCodes } from './error-codes.ts'
import { handler, type Handler, type RequestContext } from './handler.ts'
import { inTurns } from './in-turns.ts'

type Answer = ResponseInput<typeof messages.describeTransactions>['transactionStates'][number]

const none = -1

export const describeTransactions: Handler = handler(
  messages.describeTransactions,
  async ({ transactionalIds }, context) => ({
    throttleTimeMs: 0,
    transactionStates: await inTurns(new Set(transactionalIds), context, id => described(id, context)),
  }),
)

async function described(transactionalId: string, { broker }: RequestContext): Promise<Answer> {
  if (transactionalId === '') return refused(transactionalId, errorCodes.INVALID_REQUEST)
  const transaction = await broker.admin.describeTransaction(transactionalId)
  if (!transaction) return refused(transactionalId, errorCodes.TRANSACTIONAL_ID_NOT_FOUND)
  const { state, timeoutMs, startedMs = none, producerId, producerEpoch, partitions } = transaction
  return {
    errorCode: errorCodes.NONE,
    transactionalId,
    transactionState: state,
    transactionTimeoutMs: timeoutMs,
    transactionStartTimeMs: startedMs,
    producerId,
    producerEpoch,
    topics: byTopic(partitions),
  }
}

function refused(transactionalId: string, errorCode: number): Answer {
  return {
    errorCode,
    transactionalId,
    transactionState: '',
    transactionTimeoutMs: 0,
    transactionStartTimeMs: 0,
    producerId: 0,
    producerEpoch: 0,
    topics: [],
  }
}

function byTopic(partitions: readonly TopicPartition[]) {
  return Array.from(
    Map.groupBy(partitions, ({ topic }) => topic),
    ([topic, ofTopic]) => ({ topic, partitions: ofTopic.map(({ partition }) => partition) }),
  )
}
