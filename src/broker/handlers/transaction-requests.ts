/** What the requests of transactions have in common. */
import type { Exceptions } from './error-codes.ts'
import { coordinatorErrors } from './group-requests.ts'

/** The versions of a request from which on its clients know codes that came later. */
export interface KnownCodes {
  readonly producerFenced: number
  readonly transactionAbortable: number
}

/**
 * What an error of the coordinator is called in this version of a request. The clients of older versions take
 * INVALID_PRODUCER_ID_MAPPING for what TRANSACTION_ABORTABLE says: they abort, and continue with the next
 * epoch (KIP-360).
 */
export function transactionErrors(version: number, known: KnownCodes): Exceptions {
  return {
    ...coordinatorErrors,
    PARTITION_DAMAGED: 'COORDINATOR_NOT_AVAILABLE',
    PRODUCER_FENCED: version >= known.producerFenced ? 'PRODUCER_FENCED' : 'INVALID_PRODUCER_EPOCH',
    TRANSACTION_ABORTABLE:
      version >= known.transactionAbortable ? 'TRANSACTION_ABORTABLE' : 'INVALID_PRODUCER_ID_MAPPING',
  }
}
