/**
 * EndTxn (26), versions 0-5: commits or aborts a transaction. The answer to a commit means that it is
 * durable.
 *
 * - Up to version 4 the producer keeps its epoch (transactions of version 1). From version 5 on every end
 *   raises it, and the answer has the identity to continue with (version 2, KIP-890); an abort without a
 *   transaction does so as well.
 * - A repeated request gets the answer of the first one, also after a restart.
 * - A transaction that took too long is aborted. In version 2 a commit of it is INVALID_TXN_STATE, and an
 *   abort is answered as a repeated one; before, its producer is fenced.
 * - A transaction that a crash has aborted: TRANSACTION_ABORTABLE, until the client aborts it.
 * - A fenced producer is told INVALID_PRODUCER_EPOCH before version 2.
 */
import { messages } from '../../wire/index.ts'
import { codeOf, errorCodes } from './error-codes.ts'
import { handler, type Handler } from './handler.ts'
import { transactionErrors } from './transaction-requests.ts'

const knownCodes = { producerFenced: 2, transactionAbortable: 4 }
const transactions2 = 5

export const endTxn: Handler = handler(
  messages.endTxn,
  async ({ transactionalId, producerId, producerEpoch, committed }, { broker, version }) => {
    const client = {
      transactionalId,
      identity: { producerId, producerEpoch },
      version: version >= transactions2 ? 2 : 1,
    } as const
    try {
      const next = await broker.clientTransactions.end(client, committed ? 'commit' : 'abort')
      return { throttleTimeMs: 0, errorCode: errorCodes.NONE, ...next }
    } catch (error) {
      return { throttleTimeMs: 0, errorCode: codeOf(error, transactionErrors(version, knownCodes)) }
    }
  },
)
