/**
 * AddOffsetsToTxn (25), versions 0-4: a transaction of version 1 will commit offsets of a group. One that has
 * not begun begins.
 *
 * - The group is not looked at, not even its name: the offsets of all groups are in one partition.
 * - A fenced producer is told INVALID_PRODUCER_EPOCH before version 2.
 */
import { messages } from '../../wire/index.ts'
import { codeOf, errorCodes } from './error-codes.ts'
import { handler, type Handler } from './handler.ts'
import { transactionErrors } from './transaction-requests.ts'

const knownCodes = { producerFenced: 2, transactionAbortable: 4 }

export const addOffsetsToTxn: Handler = handler(
  messages.addOffsetsToTxn,
  async ({ transactionalId, producerId, producerEpoch }, { broker, version }) => {
    try {
      const identity = { producerId, producerEpoch }
      await broker.clientTransactions.addOffsets({ transactionalId, identity, version: 1 })
      return { throttleTimeMs: 0, errorCode: errorCodes.NONE }
    } catch (error) {
      return { throttleTimeMs: 0, errorCode: codeOf(error, transactionErrors(version, knownCodes)) }
    }
  },
)
