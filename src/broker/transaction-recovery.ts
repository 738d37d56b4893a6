/**
 * Ends the transactions that a crash has left open. It relies on the order in which transactions end:
 * transaction-end.ts.
 */
import type { Clock } from '../base/index.ts'
import type { LogDirectory } from '../log/index.ts'
import { transactionStatus, type TransactionValue } from './internal-records.ts'
import type { TransactionLog } from './transaction-log.ts'
import { epochMax } from './transactional-id.ts'

/**
 * Ends every transaction that is still open in a partition: with a commit if the commit point was reached,
 * otherwise with an abort. Call it before anything reads offsets or accepts writers.
 * @returns the state that each transactional id continues from
 */
export async function recoverTransactions(
  log: LogDirectory,
  transactionLog: TransactionLog,
  clock: Clock,
): Promise<ReadonlyMap<string, TransactionValue>> {
  const states = new Map(transactionLog.states)
  // The outcomes are unknown: transactions stay open, and hide their records, until the log is restored or
  // repaired.
  if (transactionLog.failure) return states

  const byProducer = new Map([...states.values()].map(state => [state.producerId, state]))
  const durable: Promise<void>[] = []
  for (const partition of log.partitions()) {
    // A damaged partition refuses everything; the others continue without it.
    if (partition.failure) continue
    for (const { producerId, producerEpoch } of partition.openTransactions) {
      const state = byProducer.get(producerId)
      // Each end raises the epoch: one that is open in the raised epoch itself came after.
      const committed =
        state?.status === transactionStatus.prepareCommit && producerEpoch < state.producerEpoch
      const marker = partition.appendMarker({
        type: committed ? 'commit' : 'abort',
        producerId,
        producerEpoch: Math.max(state?.producerEpoch ?? 0, Math.min(producerEpoch + 1, epochMax)),
        coordinatorEpoch: 0,
      })
      durable.push(marker.durable)
    }
  }
  await Promise.all(durable)

  if (!log.recovery.clean && states.size > 0) {
    const raised = [...states].map(([transactionalId, state]): [string, TransactionValue] => [
      transactionalId,
      {
        ...state,
        producerEpoch: Math.min(state.producerEpoch + 1, epochMax),
        status: transactionStatus.empty,
        partitions: [],
        updatedMs: clock.now(),
      },
    ])
    await transactionLog.write(new Map(raised))
    for (const [transactionalId, state] of raised) states.set(transactionalId, state)
  }
  // Records that a repair has cut may have raised epochs, and an older copy of the log may have lower epochs
  // than partitions have seen. Such an id takes a new producer id, which no partition can know.
  const isBehind = producersAhead(log, byProducer)
  for (const [transactionalId, state] of states)
    if (transactionLog.isCut || isBehind.has(state.producerId))
      states.set(transactionalId, { ...state, producerEpoch: epochMax })
  return states
}

/** Producers of which a partition knows a greater epoch than the transaction log had. */
function producersAhead(
  log: LogDirectory,
  known: ReadonlyMap<number, TransactionValue>,
): ReadonlySet<number> {
  const ahead = new Set<number>()
  for (const partition of log.partitions())
    for (const { producerId, epoch } of partition.producers())
      if (epoch > (known.get(producerId)?.producerEpoch ?? epoch)) ahead.add(producerId)
  return ahead
}
