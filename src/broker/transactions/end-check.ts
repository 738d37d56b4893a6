/**
 * What the end of a transaction asks for (EndTxn), as Apache Kafka's coordinator judges it. The same epoch
 * means different things in the two versions: in version 1 an end that comes again has it, in version 2 it
 * names the next transaction.
 */
import { MillraceError } from '../../base/index.ts'
import type { ProducerIdentity } from '../../port/index.ts'
import { transactionStatus } from './transaction-records.ts'
import type { TransactionalId, TransactionVersion } from './transactional-id.ts'

export type TransactionOutcome = 'commit' | 'abort'

/**
 * `end`: do it; without a transaction an abort of version 2 only raises the epoch. `repeated`: it was done.
 * @throws MillraceError PRODUCER_FENCED; INVALID_TXN_STATE: no transaction is open, or the last one ended the
 *   other way; TRANSACTION_ABORTABLE: it was aborted in a crash
 */
export function checkEnd(
  id: TransactionalId,
  identity: ProducerIdentity,
  outcome: TransactionOutcome,
  version: TransactionVersion,
): 'end' | 'repeated' {
  if (id.failure !== undefined) throw id.failure
  const { completeCommit, completeAbort } = transactionStatus
  const isDone = id.status === (outcome === 'commit' ? completeCommit : completeAbort)
  const isComplete = id.status === completeCommit || id.status === completeAbort
  if (version === 2 && isComplete && id.isPrevious(identity)) {
    if (isDone) return 'repeated'
    throw endedOtherwise(id, outcome)
  }
  id.checkCurrent(identity)
  if (id.mustAbort) {
    if (outcome === 'abort') return 'end'
    throw abortable(id)
  }
  if (id.isOngoing) return 'end'
  if (version === 1 && isDone) return 'repeated'
  if (version === 2 && outcome === 'abort') return 'end'
  throw endedOtherwise(id, outcome)
}

/** A crash has aborted the transaction, of which its producer does not know. */
export function abortable({ name }: TransactionalId): MillraceError {
  return new MillraceError(
    'TRANSACTION_ABORTABLE',
    `The transaction of '${name}' was aborted when the log stopped without closing. Abort it, then begin it again.`,
  )
}

function endedOtherwise({ name, status }: TransactionalId, outcome: TransactionOutcome): MillraceError {
  const { completeCommit, completeAbort } = transactionStatus
  const last =
    status === completeCommit ? 'is committed' : status === completeAbort ? 'is aborted' : 'does not exist'
  return new MillraceError(
    'INVALID_TXN_STATE',
    `There is nothing to ${outcome} under '${name}': no transaction is open, and the last one ${last}.`,
  )
}
