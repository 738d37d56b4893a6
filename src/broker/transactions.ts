/**
 * The transaction coordinator: transactional ids, their writers, and when their transactions begin and end.
 * How one ends, and what decides its outcome: transaction-end.ts.
 *
 * Invariants
 * - Every new writer with an id raises its epoch, as every end does (KIP-890). A late append or a late end
 *   carries an old epoch and is refused: it cannot join the next transaction.
 * - The participants are known to the coordinator before anything is appended ({@link Transactions.enlist});
 *   other appends are refused, so that nothing can hold back the last stable offset for good.
 * - After an unclean stop all epochs are raised: unsynced appends of a producer may be gone, and its
 *   transaction with them.
 * - A partition that was deleted has ended every transaction that it took part in.
 */
import { MillraceError, type ActiveClock } from '../base/index.ts'
import type { Partition } from '../log/index.ts'
import type { ProducerIdentity } from '../port/index.ts'
import { transactionStatus, type TransactionValue } from './internal-records.ts'
import { retryMs } from './markers.ts'
import {
  isRetriable,
  TransactionEnd,
  type TransactionEndContext,
  type TransactionOutcome,
} from './transaction-end.ts'
import { TransactionalId } from './transactional-id.ts'

/** Kafka's `transaction.max.timeout.ms`. */
const timeoutMsMax = 15 * 60_000

export interface TransactionsContext extends TransactionEndContext {
  /** The clock of time-outs: a transaction does not expire while its writer cannot act. */
  readonly active: ActiveClock
}

export class Transactions {
  readonly #context: TransactionsContext
  readonly #ids: Map<string, TransactionalId>
  readonly #protocol: TransactionEnd
  /** Partitions that were deleted; a transaction that ends meanwhile still knows them. */
  readonly #deleted = new WeakSet<Partition>()
  #closed = false

  /** `states`: those that recovery left, by transactional id. */
  constructor(context: TransactionsContext, states: ReadonlyMap<string, TransactionValue>) {
    this.#context = context
    this.#ids = new Map(Array.from(states, ([name, state]) => [name, new TransactionalId(name, state)]))
    this.#protocol = new TransactionEnd(context, {
      clock: context.clock,
      isDeleted: partition => this.#deleted.has(partition),
      isClosed: () => this.#closed,
    })
  }

  /**
   * Registers a writer (InitProducerId). The open transaction of an earlier one with this id is aborted, and
   * the earlier one is fenced: its calls fail with PRODUCER_FENCED from now on.
   */
  async init(transactionalId: string, timeoutMs: number): Promise<ProducerIdentity> {
    if (!Number.isInteger(timeoutMs) || timeoutMs <= 0 || timeoutMs > timeoutMsMax)
      throw new MillraceError(
        'INVALID_ARGUMENT',
        `transactionTimeoutMs of '${transactionalId}' must be 1 to ${timeoutMsMax}, not ${timeoutMs}.`,
      )
    const { failure } = this.#context.transactionLog
    if (failure) throw failure
    const id = this.#ids.get(transactionalId) ?? (await this.#add(transactionalId, timeoutMs))
    return id.operations.run(async () => {
      // It was forgotten meanwhile.
      if (this.#ids.get(transactionalId) !== id) return this.init(transactionalId, timeoutMs)
      if (id.state === 'ongoing') await this.#end(id, 'abort')
      // The earlier writer adds nothing while the next identity is made: its transaction would have no end.
      id.state = 'ending'
      try {
        await this.#raiseEpoch(id)
        id.timeoutMs = timeoutMs
        await this.#protocol.write(id, transactionStatus.empty)
      } finally {
        id.state = 'empty'
      }
      return id.identity
    })
  }

  /**
   * Notes that a producer is about to append to `partition` in its transaction, which begins with the first
   * call. Synchronous; call it right before the append. Throws PRODUCER_FENCED for an identity that is not
   * the current one; INVALID_TXN_STATE while the transaction is ending.
   */
  enlist(transactionalId: string, identity: ProducerIdentity, partition: Partition): void {
    const id = this.#current(transactionalId, identity)
    if (id.state === 'ending')
      throw new MillraceError(
        'INVALID_TXN_STATE',
        `The transaction of '${transactionalId}' is ending: nothing can be added to it.`,
      )
    // No append may precede a marker that is tried again.
    if (id.markers?.refusal)
      throw new MillraceError(
        'DISK_FULL',
        `The last transaction of '${transactionalId}' cannot be marked as ended: ${id.markers.refusal.message}`,
        { retriable: true, cause: id.markers.refusal },
      )
    if (id.state === 'empty') {
      id.state = 'ongoing'
      id.startedMs = this.#context.clock.now()
      this.#expireAfter(id, id.timeoutMs)
    }
    id.participants.add(partition)
  }

  /**
   * Ends the transaction; resolves at the commit point, or when the abort is durable. Returns the identity to
   * continue with.
   */
  async end(
    transactionalId: string,
    identity: ProducerIdentity,
    outcome: TransactionOutcome,
  ): Promise<ProducerIdentity> {
    const id = this.#current(transactionalId, identity)
    return id.operations.run(async () => {
      this.#current(transactionalId, identity)
      if (id.state === 'ongoing') await this.#end(id, outcome)
      return id.identity
    })
  }

  /** Whether the identity is still the one that may write under this id. */
  isCurrent(transactionalId: string, identity: ProducerIdentity): boolean {
    return this.#ids.get(transactionalId)?.isCurrent(identity) ?? false
  }

  /** A partition is being deleted: it no longer takes part in transactions, however they end. */
  partitionDeleted(partition: Partition): void {
    this.#deleted.add(partition)
    for (const id of this.#ids.values()) id.participants.delete(partition)
  }

  isDeleted(partition: Partition): boolean {
    return this.#deleted.has(partition)
  }

  /** Ids that have been used. */
  ids(): string[] {
    return [...this.#ids.keys()]
  }

  /** Forgets an unused id, and aborts its open transaction. */
  async forget(transactionalId: string): Promise<void> {
    const id = this.#ids.get(transactionalId)
    await id?.operations.run(async () => {
      if (id.state === 'ongoing') await this.#end(id, 'abort')
      await id.markers?.durable()
      await this.#context.transactionLog.remove(transactionalId)
      this.#ids.delete(transactionalId)
    })
  }

  /**
   * Aborts open transactions and waits until all markers are durable. Tries all, and rejects with the first
   * failure.
   */
  async close(): Promise<void> {
    this.#closed = true
    const ended = await Promise.allSettled(
      Array.from(this.#ids.values(), id =>
        id.operations.run(async () => {
          if (id.state === 'ongoing') await this.#end(id, 'abort')
          await id.markers?.durable()
        }),
      ),
    )
    await this.#context.transactionLog.close()
    for (const result of ended) if (result.status === 'rejected') throw result.reason
  }

  /**
   * Resolves when every outcome decided so far shows in the partition: its markers there are durable.
   * @throws MillraceError DISK_FULL (retriable): a marker finds no room there
   */
  async outcomesVisible(partition: Partition): Promise<void> {
    const marking: Promise<void>[] = []
    for (const { markers } of this.#ids.values()) {
      const marker = markers?.durableIn(partition)
      if (marker) marking.push(marker)
    }
    for (const result of await Promise.allSettled(marking))
      if (result.status === 'rejected' && isRetriable(result.reason)) throw result.reason
  }

  async #add(transactionalId: string, timeoutMs: number): Promise<TransactionalId> {
    const producerId = await this.#context.producerIds.next()
    // Another call may have been faster.
    const known = this.#ids.get(transactionalId)
    if (known) return known
    const initial = { producerId, producerEpoch: -1, timeoutMs, startedMs: -1 }
    const id = new TransactionalId(transactionalId, initial)
    this.#ids.set(transactionalId, id)
    return id
  }

  /** Takes the next epoch, or a new producer id if none is left. The caller stores it. */
  async #raiseEpoch(id: TransactionalId): Promise<void> {
    if (id.isUsedUp) {
      id.producerId = await this.#context.producerIds.next()
      id.epoch = 0
    } else id.epoch += 1
  }

  async #end(id: TransactionalId, outcome: TransactionOutcome): Promise<void> {
    id.timer?.cancel()
    try {
      await this.#protocol.run(id, outcome)
    } catch (error) {
      if (isRetriable(error)) this.#expireAfter(id, outcome === 'abort' ? retryMs : id.timeoutMs)
      throw error
    }
  }

  #expireAfter(id: TransactionalId, delayMs: number): void {
    id.timer = this.#context.active.schedule(delayMs, () => this.#expire(id))
  }

  /** Aborts the open transaction. On a full disk its timer tries again. */
  #expire(id: TransactionalId): void {
    const { identity } = id
    const abort = async (): Promise<void> => {
      if (!this.#closed && id.isCurrent(identity) && id.state === 'ongoing') await this.#end(id, 'abort')
    }
    id.operations.run(abort).catch(() => undefined)
  }

  #current(transactionalId: string, identity: ProducerIdentity): TransactionalId {
    const id = this.#ids.get(transactionalId)
    if (!id)
      throw new MillraceError(
        'INVALID_TXN_STATE',
        `The coordinator does not know the transactional id '${transactionalId}'. Open a writer with it first.`,
      )
    id.checkCurrent(identity)
    return id
  }
}
