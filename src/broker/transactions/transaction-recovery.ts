/**
 * What a start does with the transactions that the last stop has left open. It relies on the order in which
 * transactions end: transaction-end.ts.
 */
import type { LogDirectory, Partition } from '../../log/index.ts'
import type { TransactionLog } from './transaction-log.ts'
import { none, transactionStatus, type TransactionValue } from './transaction-records.ts'
import { epochMax } from './transactional-id.ts'

type OpenTransaction = Partition['openTransactions'][number]

/**
 * Ends every transaction that is still open in a partition: with a commit if the commit point was reached,
 * otherwise with an abort. Those of clients stay open if the last stop was a clean one, which has written
 * them down. Call it before anything reads offsets or accepts writers.
 * @returns the state that each transactional id continues from
 */
export async function recoverTransactions(
  log: LogDirectory,
  transactionLog: TransactionLog,
): Promise<ReadonlyMap<string, TransactionValue>> {
  // The outcomes are unknown: transactions stay open, and hide their records, until the log is restored or
  // repaired.
  if (transactionLog.failure) return new Map()
  const { clean } = log.recovery
  const written = transactionLog.states
  const beyond = new Set([...written].filter(([, value]) => endsBeyond(log, value)).map(([id]) => id))
  const aborted = await endOpenTransactions(log, written, clean)
  const states = new Map<string, TransactionValue>()
  const changed = new Map<string, TransactionValue>()
  for (const [transactionalId, value] of written) {
    const state = continued(value, clean, aborted.has(value.producerId) || aborted.has(value.nextProducerId))
    states.set(transactionalId, state)
    if (!clean || state.mustAbort !== value.mustAbort || beyond.has(transactionalId))
      changed.set(transactionalId, state)
  }
  if (changed.size > 0) await transactionLog.write(changed)
  // Records that a repair has cut may have raised epochs, and an older copy of the log may have lower epochs
  // than partitions have seen. Such an id takes a new producer id, which no partition can know.
  const isBehind = producersAhead(log, states)
  for (const [transactionalId, state] of states)
    if (transactionLog.isCut || isBehind.has(state.producerId))
      states.set(transactionalId, { ...state, producerEpoch: epochMax })
  return states
}

/**
 * Whether a partition has lost the end of this committed transaction. It is noticed once (cut-offsets.ts):
 * what the partition takes next is not the transaction's.
 */
function endsBeyond(log: LogDirectory, { partitions }: TransactionValue): boolean {
  return partitions.some(
    ({ topic, partition, endOffset = 0 }) =>
      (log.partition(topic, partition)?.logEndOffset ?? Infinity) < endOffset,
  )
}

/** Returns the producers of which a transaction was aborted. */
async function endOpenTransactions(
  log: LogDirectory,
  written: ReadonlyMap<string, TransactionValue>,
  clean: boolean,
): Promise<ReadonlySet<number>> {
  const byProducer = new Map(Array.from(written.values(), value => [value.producerId, value]))
  const kept = clean ? keptProducers(log, byProducer) : new Set()
  const aborted = new Set<number>()
  const durable: Promise<void>[] = []
  for (const partition of log.partitions()) {
    // A damaged partition refuses everything; the others continue without it.
    if (partition.failure) continue
    for (const open of partition.openTransactions) {
      if (kept.has(open.producerId)) continue
      const value = byProducer.get(open.producerId)
      const committed = value !== undefined && isCommitted(value, partition, open)
      if (!committed) aborted.add(open.producerId)
      const marker = partition.appendMarker({
        type: committed ? 'commit' : 'abort',
        producerId: open.producerId,
        producerEpoch: markerEpoch(value, open),
        coordinatorEpoch: 0,
      })
      durable.push(marker.durable)
    }
  }
  await Promise.all(durable)
  return aborted
}

/** Those whose record has every partition in which they have a transaction: a clean stop has written it. */
function keptProducers(
  log: LogDirectory,
  byProducer: ReadonlyMap<number, TransactionValue>,
): ReadonlySet<number> {
  const kept = new Set<number>()
  for (const { producerId, status, isClient } of byProducer.values())
    if (isClient && status === transactionStatus.ongoing) kept.add(producerId)
  for (const { topic, index, openTransactions } of log.partitions())
    for (const { producerId, producerEpoch } of openTransactions) {
      const value = byProducer.get(producerId)
      const isListed = value?.partitions.some(each => each.topic === topic && each.partition === index)
      if (!isListed || value?.producerEpoch !== producerEpoch) kept.delete(producerId)
    }
  return kept
}

/** Whether an open transaction is the one that the record commits, and not one that began after it. */
function isCommitted(value: TransactionValue, { topic, index }: Partition, open: OpenTransaction): boolean {
  if (value.status !== transactionStatus.prepareCommit) return false
  // Version 0 of the record does not say where the transaction ends, but each end raised the epoch.
  if (value.partitions.every(({ endOffset }) => endOffset === undefined))
    return open.producerEpoch < value.producerEpoch
  const participant = value.partitions.find(each => each.topic === topic && each.partition === index)
  return open.firstOffset < (participant?.endOffset ?? 0)
}

/** In version 1 a producer continues with the epoch of the transaction; otherwise it gets the next one. */
function markerEpoch(value: TransactionValue | undefined, { producerEpoch }: OpenTransaction): number {
  const keepsEpoch = value?.version === 1
  return Math.max(
    value?.producerEpoch ?? 0,
    keepsEpoch ? producerEpoch : Math.min(producerEpoch + 1, epochMax),
  )
}

/**
 * The state after a start, whose markers are durable. `wasAborted`: a transaction of the producer was open,
 * and the start has aborted it.
 */
function continued(value: TransactionValue, clean: boolean, wasAborted: boolean): TransactionValue {
  const { status, nextProducerId, isClient, version } = value
  const { empty, ongoing, prepareCommit, prepareAbort, completeCommit, completeAbort } = transactionStatus
  if (clean && status === ongoing && isClient && !wasAborted) return value
  const ended: TransactionValue = {
    ...value,
    status:
      status === prepareCommit
        ? completeCommit
        : status === prepareAbort || status === ongoing
          ? completeAbort
          : status,
    partitions: [],
    nextProducerId: none,
    ...(nextProducerId === none
      ? {}
      : { producerId: nextProducerId, producerEpoch: 0, previousProducerId: value.producerId }),
  }
  if (isClient) {
    // A transaction of version 1 is in its record. One of version 2 may have been open, wherever it is now.
    const mayHaveBeenOpen = status === ongoing || wasAborted || (!clean && version !== 1)
    return { ...ended, mustAbort: ended.mustAbort || mayHaveBeenOpen }
  }
  if (clean) return ended
  // Its writer is gone: nothing that it has sent may count any more.
  return {
    ...ended,
    producerEpoch: Math.min(ended.producerEpoch + 1, epochMax),
    status: empty,
    lastEpoch: none,
  }
}

/** Producers of which a partition knows a greater epoch than the coordinator. */
function producersAhead(
  log: LogDirectory,
  states: ReadonlyMap<string, TransactionValue>,
): ReadonlySet<number> {
  const epochs = new Map<number, number>()
  for (const { producerId, producerEpoch, mustAbort } of states.values())
    // The marker of a transaction that its producer has yet to abort has the epoch that this will raise.
    epochs.set(producerId, mustAbort ? producerEpoch + 1 : producerEpoch)
  const ahead = new Set<number>()
  for (const partition of log.partitions())
    for (const { producerId, epoch } of partition.producers())
      if (epoch > (epochs.get(producerId) ?? epoch)) ahead.add(producerId)
  return ahead
}
