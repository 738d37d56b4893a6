/**
 * The transaction coordinator: transactional ids, their producers, and when their transactions begin and end.
 * How one ends, and what decides its outcome: transaction-end.ts.
 *
 * It has two kinds of producers. **Writers** of this process enlist and append in one turn, in version 2, and
 * end with the process. **Clients** come by typed calls, in the order of Kafka's requests, in either version:
 * a clean stop keeps their transactions. A crash aborts them, since their records were acknowledged unsynced;
 * the next call is told (TRANSACTION_ABORTABLE, KIP-890), aborts, and the client continues.
 *
 * Invariants
 * - Every new producer with an id raises its epoch, and in version 2 every end does. A late append or a late
 *   end carries an old epoch and is refused: it cannot join the next transaction.
 * - The participants are known to the coordinator before anything is appended; other appends are refused, so
 *   that nothing can hold back the last stable offset for good.
 * - In version 1 the beginning of a transaction is durable before anything is appended: the epoch does not
 *   tell it from the one before, and an end that comes after a crash must not be taken for a repeated one.
 *   So is the first beginning of version 2 after version 1: recovery goes by the version in the log.
 * - After an unclean stop no identity that had a transaction can continue it: unsynced appends may be gone.
 * - A partition that was deleted has ended every transaction that it took part in.
 */
import { MillraceError, type ActiveClock } from '../../base/index.ts'
import type { Partition } from '../../log/index.ts'
import type { ProducerIdentity, TransactionDescription } from '../../port/index.ts'
import { checkAdded, checkAdding, ending } from './adding-check.ts'
import { abortable, checkEnd, type TransactionOutcome } from './end-check.ts'
import { IdExpiry, type IdExpiryContext } from './id-expiry.ts'
import { ProducerRegistration, type ProducerInit, type RegistrationContext } from './producer-registration.ts'
import { describedId } from './transaction-admin.ts'
import {
  isRetriable,
  participantOf,
  TransactionEnd,
  type EpochChange,
  type TransactionEndContext,
} from './transaction-end.ts'
import { none, transactionStatus, type TransactionValue } from './transaction-records.ts'
import type { RecoveredId } from './transaction-recovery.ts'
import { TransactionTimeouts } from './transaction-timeouts.ts'
import { TransactionalId, type TransactionVersion } from './transactional-id.ts'

export interface TransactionsContext extends TransactionEndContext, IdExpiryContext, RegistrationContext {
  /** The clock of time-outs: a transaction does not expire while its writer cannot act. */
  readonly active: ActiveClock
}

export class Transactions {
  readonly #context: TransactionsContext
  readonly #ids: Map<string, TransactionalId>
  readonly #protocol: TransactionEnd
  /** Partitions that were deleted; a transaction that ends meanwhile still knows them. */
  readonly #deleted = new WeakSet<Partition>()
  readonly #timeouts: TransactionTimeouts
  readonly #expiry: IdExpiry
  readonly #registration: ProducerRegistration
  #closed = false

  /** `recovered`: what recovery left, by transactional id. */
  constructor(context: TransactionsContext, recovered: ReadonlyMap<string, RecoveredId>) {
    this.#context = context
    this.#ids = new Map(
      Array.from(recovered, ([name, { value, unrecovered, wasCut }]) => {
        const id = new TransactionalId(name, value)
        id.unrecovered = unrecovered
        id.wasCut = wasCut
        return [name, id]
      }),
    )
    this.#protocol = new TransactionEnd(context, {
      clock: context.clock,
      isDeleted: partition => this.#deleted.has(partition),
      isClosed: () => this.#closed,
    })
    this.#timeouts = new TransactionTimeouts(context.active, (id, identity) => this.#expire(id, identity))
    for (const [name, { value }] of recovered)
      if (value.status === transactionStatus.ongoing) this.#resume(this.#ids.get(name)!, value)
    this.#expiry = new IdExpiry(context, this.#ids)
    this.#registration = new ProducerRegistration(context, {
      ids: this.#ids,
      protocol: this.#protocol,
      abort: (id, change) => this.#end(id, 'abort', change),
      added: () => this.#expiry.start(),
    })
  }

  /**
   * Registers a producer (InitProducerId). The open transaction of an earlier one with this id is aborted,
   * and the earlier one is fenced: its calls fail with PRODUCER_FENCED from now on. A producer that states
   * the identity that it has, and repeats the call, gets the same answer.
   * @throws MillraceError INVALID_TRANSACTION_TIMEOUT; INVALID_ARGUMENT for an id that cannot be stored;
   *   PRODUCER_FENCED: the identity is an old one; DISK_FULL (retriable)
   */
  init(init: ProducerInit): Promise<ProducerIdentity> {
    return this.#registration.init(init)
  }

  /**
   * Notes that a writer of this process is about to append to `partition` in its transaction, which begins
   * with the first call. Synchronous; call it right before the append.
   * @throws MillraceError PRODUCER_FENCED: the identity is not the current one; CONCURRENT_TRANSACTIONS
   *   (retriable): the transaction is ending; INVALID_PRODUCER_ID_MAPPING; DISK_FULL (retriable)
   */
  enlist(transactionalId: string, identity: ProducerIdentity, partition: Partition): void {
    const id = this.#current(transactionalId, identity)
    checkAdding(id)
    if (!id.isOngoing) this.#begin(id, 2)
    id.participants.add(partition)
  }

  /**
   * Adds partitions to the transaction of a client (AddPartitionsToTxn, and what a produce or a commit of
   * offsets adds in version 2). Resolves when appends may follow.
   * @throws MillraceError as {@link enlist}; TRANSACTION_ABORTABLE: a crash has aborted the transaction
   */
  async addPartitions(
    transactionalId: string,
    identity: ProducerIdentity,
    partitions: readonly Partition[],
    version: TransactionVersion,
  ): Promise<void> {
    const id = this.#current(transactionalId, identity)
    if (id.isChanging) throw ending(id)
    await id.operations.run(async () => {
      this.#checkOpen()
      this.#current(transactionalId, identity)
      if (id.mustAbort) throw abortable(id)
      checkAdding(id)
      const begins = !id.isOngoing
      const before = id.save()
      if (begins) this.#begin(id, version)
      for (const partition of partitions) id.participants.add(partition)
      if (!begins || (version === 2 && before.version === 2)) return
      try {
        await this.#protocol.write(
          id,
          transactionStatus.ongoing,
          [...id.participants].map(each => participantOf(each)),
        )
      } catch (error) {
        if (!isRetriable(error)) id.failure = error
        id.timer?.cancel()
        id.restore(before)
        id.participants.clear()
        throw error
      }
    })
  }

  /** Whether the identity has an open transaction that takes part in the partition. */
  includes(transactionalId: string, identity: ProducerIdentity, partition: Partition): boolean {
    const id = this.#ids.get(transactionalId)
    return id !== undefined && id.isOngoing && id.isCurrent(identity) && id.participants.has(partition)
  }

  /**
   * Checks that a partition is part of the open transaction (KIP-890): in version 1, before each append.
   * @throws MillraceError as {@link addPartitions}; INVALID_TXN_STATE: the coordinator does not know of it.
   *   Kafka's code is TRANSACTION_ABORTABLE for clients that know it
   */
  verify(transactionalId: string, identity: ProducerIdentity, partition: Partition): void {
    checkAdded(this.#current(transactionalId, identity), partition)
  }

  /**
   * Ends the transaction; resolves at the commit point, or when the abort is durable. Returns the identity to
   * continue with. A repeated call gets the same answer.
   * @throws MillraceError PRODUCER_FENCED, INVALID_TXN_STATE, TRANSACTION_ABORTABLE (see end-check.ts),
   *   INVALID_PRODUCER_ID_MAPPING; DISK_FULL (retriable)
   */
  async end(
    transactionalId: string,
    identity: ProducerIdentity,
    outcome: TransactionOutcome,
    version: TransactionVersion = 2,
  ): Promise<ProducerIdentity> {
    const id = this.#known(transactionalId)
    return id.operations.run(async () => {
      this.#checkOpen()
      if (checkEnd(id, identity, outcome, version) === 'repeated') {
        // In version 2 its client has not had the next epoch, so that no crash has cut a transaction of it:
        // unless one is known, and the call was on its way for long.
        if (version === 2 && !id.wasCut) id.mustAbort = false
        return id.identity
      }
      id.version = version
      await this.#end(id, outcome, {
        raises: version === 2,
        lastEpoch: version === 2 ? identity.producerEpoch : none,
      })
      return id.identity
    })
  }

  /**
   * A partition that was recovered later knows a greater epoch of this producer than the transaction log, of
   * which an older copy was restored. The producer is fenced; the next one with the id gets another id.
   */
  producerAhead(producerId: number): void {
    for (const id of this.#ids.values()) if (id.producerId === producerId) id.behindId = producerId
  }

  /**
   * A partition that was recovered later had an open transaction of this producer. A call that came late may
   * have said that there is none.
   */
  transactionCut(identity: ProducerIdentity): void {
    for (const id of this.#ids.values())
      // In version 1 the producer may have aborted it, and begun another one in the same epoch.
      if (id.isClient && id.version === 2 && id.isCurrent(identity)) {
        id.mustAbort = true
        id.wasCut = true
      }
  }

  /** Whether the identity is still the one that may write under this id. */
  isCurrent(transactionalId: string, identity: ProducerIdentity): boolean {
    return this.#ids.get(transactionalId)?.isCurrent(identity) ?? false
  }

  /** A writer of this process is closed: its id may expire. */
  released(transactionalId: string, identity: ProducerIdentity): void {
    const id = this.#ids.get(transactionalId)
    if (id?.isCurrent(identity)) id.isOpen = false
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

  /** The ids as tools show them. */
  list(): TransactionDescription[] {
    return Array.from(this.#ids.values(), describedId)
  }

  /** One of {@link list}; undefined: the id is not known. */
  describe(transactionalId: string): TransactionDescription | undefined {
    const id = this.#ids.get(transactionalId)
    return id && describedId(id)
  }

  /** The transactional id whose transaction takes part in a partition under a producer id. */
  idOf(producerId: number, partition: Partition): string | undefined {
    for (const id of this.#ids.values()) if (id.holds(producerId, partition)) return id.name
    return undefined
  }

  /**
   * Aborts the open transaction of an id, and fences its producer.
   * @throws MillraceError INVALID_PRODUCER_ID_MAPPING; INVALID_TXN_STATE: none is open
   */
  async abort(transactionalId: string): Promise<void> {
    const id = this.#known(transactionalId)
    await id.operations.run(async () => {
      if (!id.isOngoing)
        throw new MillraceError(
          'INVALID_TXN_STATE',
          `'${transactionalId}' has no open transaction: there is nothing to abort.`,
        )
      await this.#end(id, 'abort', fencing)
    })
  }

  /** Forgets an unused id, and aborts its open transaction. */
  async forget(transactionalId: string): Promise<void> {
    const id = this.#ids.get(transactionalId)
    await id?.operations.run(async () => {
      if (id.isOngoing) await this.#end(id, 'abort', fencing)
      await id.ended(this.#context.log)
      await this.#context.transactionLog.remove([transactionalId])
      this.#ids.delete(transactionalId)
    })
  }

  /**
   * Keeps the open transactions of clients, aborts the others, and waits until all markers are durable. Tries
   * all, and rejects with the first failure.
   */
  async close(): Promise<void> {
    this.#closed = true
    this.#expiry.stop()
    const ended = await Promise.allSettled(
      Array.from(this.#ids.values(), id =>
        id.operations.run(async () => {
          if (id.isOngoing) await (id.isClient ? this.#keep(id) : this.#end(id, 'abort', fencing))
          await id.markers?.durable()
          if (this.#isUnwritten(id)) await this.#protocol.write(id, id.status)
        }),
      ),
    )
    await this.#context.transactionLog.close()
    for (const result of ended) if (result.status === 'rejected') throw result.reason
  }

  /** What a clean stop would lose: the start has not written it, or the mark was cleared since. */
  #isUnwritten(id: TransactionalId): boolean {
    const { log, transactionLog } = this.#context
    if (id.unrecovered.length > 0) return id.isRecovered(log)
    return transactionLog.states.get(id.name)?.mustAbort !== id.mustAbort
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

  #begin(id: TransactionalId, version: TransactionVersion): void {
    id.status = transactionStatus.ongoing
    id.version = version
    id.startedMs = this.#context.clock.now()
    this.#timeouts.begin(id)
  }

  /** Writes an open transaction to the log, to continue it at the next start. */
  async #keep(id: TransactionalId): Promise<void> {
    id.timer?.cancel()
    const participants = Array.from(id.participants, partition => participantOf(partition))
    await this.#protocol.write(id, transactionStatus.ongoing, participants)
  }

  /** Continues a transaction that a clean stop has kept. */
  #resume(id: TransactionalId, value: TransactionValue): void {
    for (const { topic, partition: index } of value.partitions) {
      const partition = this.#context.log.partition(topic, index)
      if (partition) id.participants.add(partition)
    }
    this.#timeouts.resume(id, value)
  }

  async #end(id: TransactionalId, outcome: TransactionOutcome, change: EpochChange): Promise<void> {
    id.timer?.cancel()
    try {
      await this.#protocol.run(id, outcome, change)
    } catch (error) {
      if (isRetriable(error) && id.isOngoing) this.#timeouts.retry(id, outcome)
      throw error
    }
  }

  /** Waits with an append until its partition is recovered. That time is not the writer's. */
  async whileWaiting<T>(transactionalId: string, wait: () => Promise<T>): Promise<T> {
    return this.#timeouts.whileWaiting(this.#known(transactionalId), wait)
  }

  /**
   * Aborts the open transaction. On a full disk its timer tries again. A client continues, unless another
   * producer took over: by a repeated abort (version 2), or by registering with the identity that it has.
   */
  #expire(id: TransactionalId, identity: ProducerIdentity): void {
    const change = id.isClient ? { raises: true, lastEpoch: identity.producerEpoch } : fencing
    const abort = async (): Promise<void> => {
      if (!this.#closed && id.isCurrent(identity) && id.isOngoing) await this.#end(id, 'abort', change)
    }
    id.operations.run(abort).catch(() => undefined)
  }

  #known(transactionalId: string): TransactionalId {
    const id = this.#ids.get(transactionalId)
    if (id) return id
    throw new MillraceError(
      'INVALID_PRODUCER_ID_MAPPING',
      `The coordinator does not know the transactional id '${transactionalId}': it was not used, or not for long. Open a writer with it first.`,
    )
  }

  #current(transactionalId: string, identity: ProducerIdentity): TransactionalId {
    const id = this.#known(transactionalId)
    id.checkCurrent(identity)
    return id
  }

  #checkOpen(): void {
    if (this.#closed) throw new MillraceError('CLOSED', 'The log is closed.')
  }
}

/** An end that the producer did not ask for: whatever it sends next is refused. */
const fencing: EpochChange = { raises: true, lastEpoch: none }
