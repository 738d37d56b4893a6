/**
 * TxnOffsetCommit (28), versions 0-5: commits offsets of a group as a part of a transaction. They count when
 * it is committed.
 *
 * - Up to version 4 the offsets of groups must have been added to the transaction (AddOffsetsToTxn). From
 *   version 5 on this request adds them (version 2, KIP-890).
 * - From version 3 on it names the member that commits (KIP-447). A committer without a name may commit to
 *   any group, also to one with members.
 * - Partitions that do not exist are refused one by one; what is refused to the committer is the code of all
 *   others. A generation of a group that nobody knows is ILLEGAL_GENERATION.
 * - A fenced producer is told INVALID_PRODUCER_EPOCH in every version.
 *
 * Deviations: a negative offset is refused, as by OffsetCommit. Whether the transaction takes part is asked
 * at every request; Apache Kafka asks at the first one only.
 */
import { isMillraceError } from '../../base/index.ts'
import type { OffsetCommit } from '../../port/index.ts'
import { messages, type Request } from '../../wire/index.ts'
import { checkedOffset, commitEach } from './committed-offset.ts'
import { codeOf, errorCodes, type Exceptions } from './error-codes.ts'
import { committerOf } from './group-requests.ts'
import { handler, type Handler, type RequestContext } from './handler.ts'
import { transactionErrors } from './transaction-requests.ts'

type Message = typeof messages.txnOffsetCommit

/** The first version whose clients have transactions of version 2. */
const transactions2 = 5
const knownCodes = { producerFenced: Infinity, transactionAbortable: 4 }

export const txnOffsetCommit: Handler = handler(messages.txnOffsetCommit, async (request, context) => {
  const topics = request.topics.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map(each => checkedOffset(name, each, context)),
  }))
  return {
    throttleTimeMs: 0,
    topics: await commitEach(topics, offsets => committed(request, offsets, context)),
  }
})

/** Commits the offsets; why the committer may not. */
async function committed(
  request: Request<Message>,
  offsets: readonly OffsetCommit[],
  { broker, version }: RequestContext,
): Promise<number> {
  const { transactionalId, producerId, producerEpoch } = request
  const { groupId: group, generationId, memberId, groupInstanceId } = request
  if (transactionalId === '') return errorCodes.INVALID_REQUEST
  const client = {
    transactionalId,
    identity: { producerId, producerEpoch },
    version: version >= transactions2 ? 2 : 1,
  } as const
  const committer = committerOf(generationId, memberId, groupInstanceId)
  try {
    await broker.clientTransactions.commitOffsets(client, { group, ...committer, offsets })
    return errorCodes.NONE
  } catch (error) {
    const isGroupUnknown =
      isMillraceError(error, 'UNKNOWN_MEMBER_ID') && broker.groupAdmin.find(group) === undefined
    return isGroupUnknown ? errorCodes.ILLEGAL_GENERATION : codeOf(error, exceptions(version))
  }
}

function exceptions(version: number): Exceptions {
  const errors: Exceptions = {
    ...transactionErrors(version, knownCodes),
    INVALID_ARGUMENT: 'INVALID_GROUP_ID',
  }
  return version >= transactions2
    ? errors
    : {
        ...errors,
        INVALID_TXN_STATE:
          version >= knownCodes.transactionAbortable ? 'TRANSACTION_ABORTABLE' : 'INVALID_TXN_STATE',
        // Clients of version 1 do not expect it here.
        CONCURRENT_TRANSACTIONS: 'COORDINATOR_NOT_AVAILABLE',
      }
}
