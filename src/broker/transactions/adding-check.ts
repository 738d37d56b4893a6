/** What a transaction takes: the partitions that are added to it, and then appends to these. */
import { MillraceError } from '../../base/index.ts'
import type { Partition } from '../../log/index.ts'
import { abortable } from './end-check.ts'
import type { TransactionalId } from './transactional-id.ts'

/**
 * Something may be added to the transaction, or begin it.
 * @throws MillraceError CONCURRENT_TRANSACTIONS, DISK_FULL; both are retriable
 */
export function checkAdding(id: TransactionalId): void {
  if (id.isChanging) throw ending(id)
  // No append may precede a marker that is tried again.
  if (id.markers?.refusal)
    throw new MillraceError(
      'DISK_FULL',
      `The last transaction of '${id.name}' cannot be marked as ended: ${id.markers.refusal.message}`,
      { retriable: true, cause: id.markers.refusal },
    )
}

/** A call that adds to a transaction which is ending. */
export function ending({ name }: TransactionalId): MillraceError {
  return new MillraceError(
    'CONCURRENT_TRANSACTIONS',
    `The transaction of '${name}' is ending: nothing can be added to it. Try again.`,
    { retriable: true },
  )
}

/**
 * The partition is part of the open transaction.
 * @throws MillraceError TRANSACTION_ABORTABLE, CONCURRENT_TRANSACTIONS; INVALID_TXN_STATE: it is not
 */
export function checkAdded(id: TransactionalId, partition: Partition): void {
  if (id.mustAbort) throw abortable(id)
  if (id.isChanging) throw ending(id)
  if (id.isOngoing && id.participants.has(partition)) return
  throw new MillraceError(
    'INVALID_TXN_STATE',
    `${partition.name} is not part of an open transaction of '${id.name}'. Add the partition to the transaction before you produce.`,
  )
}
