/**
 * What a start does with the transactions that the last stop has left open. It relies on the order in which
 * transactions end: transaction-end.ts.
 *
 * It ends every transaction that is still open in a partition: with a commit if the commit point was reached,
 * otherwise with an abort. Those of clients stay open if the last stop was a clean one, which has written
 * them down. This happens in each partition before anything reads or writes it: in those that are open before
 * the log answers, in the others as they are recovered ({@link TransactionRecovery.endIn}).
 *
 * The record of a commit stays in the transaction log until each of its partitions is open: if the process
 * ends before, the next start needs it. A call that would replace it waits for them
 * (`TransactionalId.ended`).
 */
import type { LogDirectory, Partition } from '../../log/index.ts'
import type { ProducerIdentity } from '../../port/index.ts'
import type { TransactionLog } from './transaction-log.ts'
import { none, transactionStatus, type Participant, type TransactionValue } from './transaction-records.ts'
import { epochMax } from './transactional-id.ts'

type OpenTransaction = Partition['openTransactions'][number]

/** What a transactional id continues from. */
export interface RecoveredId {
  readonly value: TransactionValue
  /** The partitions of its last commit that are not recovered yet. */
  readonly unrecovered: readonly Participant[]
  /** A transaction of its producer was cut, for certain. */
  readonly wasCut: boolean
}

/** What the ends of transactions need and add. */
interface Ends {
  /** Producers whose transactions stay open. */
  readonly kept: ReadonlySet<number>
  /** Those of which a transaction was aborted, with its epoch. */
  readonly aborted: Map<number, number>
  /** Of the markers. */
  readonly durable: Promise<void>[]
}

export class TransactionRecovery {
  readonly #log: LogDirectory
  readonly #transactionLog: TransactionLog
  /** What the last process has written, by producer: it decides about all that this one has left open. */
  readonly #written: ReadonlyMap<number, TransactionValue>
  /** Every epoch that partitions may know of a producer, as far as its id tells. */
  #epochs: ReadonlyMap<number, number> = new Map()

  constructor(log: LogDirectory, transactionLog: TransactionLog) {
    this.#log = log
    this.#transactionLog = transactionLog
    this.#written = new Map(Array.from(transactionLog.states.values(), value => [value.producerId, value]))
  }

  /** Recovers the transactions of the open partitions, and says what each transactional id continues from. */
  async start(): Promise<ReadonlyMap<string, RecoveredId>> {
    const log = this.#log
    const transactionLog = this.#transactionLog
    // The outcomes are unknown: transactions stay open, and hide their records, until the log is restored or
    // repaired.
    if (transactionLog.failure) return new Map()
    const { clean } = log.recovery
    const written = new Map(transactionLog.states)
    const beyond = new Set([...written].filter(([, value]) => endsBeyond(log, value)).map(([id]) => id))
    const kept = clean ? keptProducers(log, this.#written) : new Set<number>()
    const aborted = new Map<number, number>()
    const durable: Promise<void>[] = []
    for (const partition of log.partitions()) this.#endIn(partition, { kept, aborted, durable })
    await Promise.all(durable)
    const recovered = new Map<string, RecoveredId>()
    const changed = new Map<string, TransactionValue>()
    for (const [transactionalId, value] of written) {
      const wasAborted = aborted.has(value.producerId) || aborted.has(value.nextProducerId)
      const state = continued(value, clean, wasAborted)
      // A mark of an earlier start does not say how that came to know.
      const wasCut =
        state.mustAbort && (wasAborted || value.status === transactionStatus.ongoing || value.mustAbort)
      const unrecovered = unrecoveredOf(log, value)
      recovered.set(transactionalId, { value: state, unrecovered, wasCut })
      if (unrecovered.length > 0) {
        // The loss is noticed once: see endsBeyond.
        if (beyond.has(transactionalId)) changed.set(transactionalId, { ...value, partitions: unrecovered })
      } else if (!clean || state.mustAbort !== value.mustAbort || beyond.has(transactionalId))
        changed.set(transactionalId, state)
    }
    if (changed.size > 0) await transactionLog.write(changed)
    this.#epochs = epochsOf(Array.from(recovered.values(), ({ value }) => value))
    // Records that a repair has cut may have raised epochs, and an older copy of the log may have lower
    // epochs than partitions have seen. Such an id takes a new producer id, which no partition can know.
    const isBehind = new Set<number>()
    for (const partition of log.partitions()) this.producersAhead(partition, isBehind)
    for (const [transactionalId, id] of recovered)
      if (transactionLog.isCut || isBehind.has(id.value.producerId))
        recovered.set(transactionalId, { ...id, value: { ...id.value, producerEpoch: epochMax } })
    return recovered
  }

  /**
   * Ends what is open in a partition that was recovered later. Resolves with the producers of which it has
   * aborted a transaction, when the markers are durable; to be called again if it rejects with DISK_FULL.
   */
  async endIn(partition: Partition): Promise<ProducerIdentity[]> {
    if (this.#transactionLog.failure) return []
    const durable: Promise<void>[] = []
    const aborted = new Map<number, number>()
    this.#endIn(partition, { kept: new Set(), aborted, durable })
    await Promise.all(durable)
    return Array.from(aborted, ([producerId, producerEpoch]) => ({ producerId, producerEpoch }))
  }

  /** Adds the producers of which the partition knows a greater epoch than the coordinator at the start. */
  producersAhead(partition: Partition, ahead: Set<number>): void {
    for (const { producerId, epoch } of partition.producers())
      if (epoch > (this.#epochs.get(producerId) ?? epoch)) ahead.add(producerId)
  }

  #endIn(partition: Partition, { kept, aborted, durable }: Ends): void {
    // A damaged partition refuses everything; the others continue without it.
    if (partition.failure) return
    for (const open of partition.openTransactions) {
      if (kept.has(open.producerId)) continue
      const value = this.#written.get(open.producerId)
      const committed = value !== undefined && isCommitted(value, partition, open)
      if (!committed) aborted.set(open.producerId, open.producerEpoch)
      const marker = partition.appendMarker({
        type: committed ? 'commit' : 'abort',
        producerId: open.producerId,
        producerEpoch: markerEpoch(value, open),
        coordinatorEpoch: 0,
      })
      durable.push(marker.durable)
    }
  }
}

/** The partitions of a commit that are not recovered yet: its record tells their recovery of it. */
function unrecoveredOf(log: LogDirectory, { status, partitions }: TransactionValue): Participant[] {
  if (status !== transactionStatus.prepareCommit) return []
  return partitions.filter(({ topic, partition }) => log.unrecoveredPartition(topic, partition))
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
  // Version 0 of the record does not say where the transaction ends, but each end raised the epoch. A commit
  // that has no partitions left, since their topics were deleted, has none in this partition either.
  if (value.partitions.length > 0 && value.partitions.every(({ endOffset }) => endOffset === undefined))
    return open.producerEpoch < value.producerEpoch
  // What began after the end has the raised epoch, also in a topic that was made again.
  if (value.version === 2 && open.producerEpoch >= value.producerEpoch) return false
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

/** The greatest epoch that a partition may know of each producer. */
function epochsOf(states: readonly TransactionValue[]): ReadonlyMap<number, number> {
  const epochs = new Map<number, number>()
  for (const { producerId, producerEpoch, mustAbort } of states)
    // The marker of a transaction that its producer has yet to abort has the epoch that this will raise.
    epochs.set(producerId, mustAbort ? producerEpoch + 1 : producerEpoch)
  return epochs
}
