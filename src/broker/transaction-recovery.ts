/**
 * What a crash leaves of transactions, and how each is ended: see transactions.ts for the order in which they
 * end, on which this relies.
 */
import type { Clock, MillraceError } from '../base/index.ts'
import type { LogDirectory, Partition } from '../log/index.ts'
import { InternalLog, type InternalLimits } from './internal-log.ts'
import {
  decodeTransactionKey,
  decodeTransactionValue,
  transactionRecord,
  transactionStatus,
  type TransactionValue,
} from './internal-records.ts'

/** The greatest epoch; a marker may carry it, a producer gets a new id before. */
export const epochMax = 0x7fff

export interface RecoveredTransactions {
  readonly stateLog: InternalLog
  readonly states: ReadonlyMap<string, TransactionValue>
  /** Why the transaction log could not be read. */
  readonly failure?: MillraceError
}

/**
 * Reads the transaction log and ends every transaction that is still open in a partition: with a commit where
 * the commit point was reached, otherwise with an abort. To be called before anything reads offsets or
 * accepts writers.
 */
export async function recoverTransactions(
  log: LogDirectory,
  statePartition: Partition,
  clock: Clock,
  limits?: InternalLimits,
): Promise<RecoveredTransactions> {
  const stateLog = new InternalLog(statePartition, clock, limits)
  const states = new Map<string, TransactionValue>()
  const failure = await stateLog.tryReplay(batch => {
    if (batch.isControl) return
    const records = batch.records()
    while (records.next()) {
      const transactionalId = decodeTransactionKey(records.key()!)
      if (transactionalId === undefined) continue
      const value = records.value()
      if (value === null) states.delete(transactionalId)
      else states.set(transactionalId, decodeTransactionValue(value))
    }
  })

  // Nobody knows what was decided: transactions stay open, and hide their records, until the log is restored
  // or repaired.
  if (failure) return { stateLog, states: new Map(), failure }

  const byProducer = new Map([...states.values()].map(state => [state.producerId, state]))
  const durable: Promise<void>[] = []
  for (const partition of log.partitions()) {
    // A damaged partition refuses everything; the others go on without it.
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
    const { durable: written } = stateLog.append(
      raised.map(([transactionalId, state]) => transactionRecord(transactionalId, state)),
    )
    await written
    for (const [transactionalId, state] of raised) states.set(transactionalId, state)
  }
  // What a repair has cut off may have raised epochs; an older copy of the log is behind what partitions have
  // seen. Such an id takes a new producer id, which no partition can know.
  const isBehind = producersAhead(log, byProducer)
  for (const [transactionalId, state] of states)
    if (statePartition.config.cutAt !== undefined || isBehind.has(state.producerId))
      states.set(transactionalId, { ...state, producerEpoch: epochMax })
  return { stateLog, states }
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
