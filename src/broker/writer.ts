/**
 * In-process writers. Both stamp the batch and append it synchronously within the call, so the order of calls
 * is the order in the partition. A call waits for the disk only: for its acknowledgement, or for room in the
 * partition. One that waits for room takes its sequence number, and is built, when its turn comes. To a
 * partition that is not recovered yet, calls are made in their order once it is.
 */
import { MillraceError, type Clock } from '../base/index.ts'
import type { AppendReceipt, Partition, UnrecoveredPartition } from '../log/index.ts'
import {
  type BatchToAppend,
  checkBatch,
  checkGroupCommit,
  type GroupCommit,
  OpenAppends,
  type ProducerIdentity,
  ProducerSequences,
  type Writer,
  WriterFailures,
} from '../port/index.ts'
import { buildAdmitted, isRefused } from './admission/admission.ts'
import type { Offsets } from './offsets/offsets.ts'
import type { Transactions } from './transactions/transactions.ts'

export interface WriterContext {
  readonly clock: Clock
  /** A partition that is not recovered yet. */
  unrecovered(topic: string, index: number): UnrecoveredPartition | undefined
  /**
   * A partition that is open, and that users, or the given app, may write to. Throws UNKNOWN_TOPIC,
   * UNKNOWN_PARTITION, INVALID_ARGUMENT.
   */
  writable(topic: string, index: number, app: string | undefined): Partition
  readonly transactions: Transactions
  readonly offsets: Offsets
  /** Finishes an interrupted deletion of the app of this name; undefined: there is none. */
  finishDeletion(group: string): Promise<void> | undefined
  /** Checks that the partitions exist and that the committer may commit. */
  checkCommit(commit: GroupCommit): void
  closed(writer: PlainWriter | TransactionalWriter): void
}

/** An idempotent writer: acknowledged means durable. */
export class PlainWriter implements Writer {
  readonly #context: WriterContext
  readonly app: string | undefined
  readonly transactionalId: undefined
  readonly #sequences: ProducerSequences<Partition>
  readonly #appends = new OpenAppends()
  #failure: unknown
  #closed = false

  constructor(context: WriterContext, identity: ProducerIdentity, app?: string) {
    this.#context = context
    this.#sequences = new ProducerSequences(identity)
    this.app = app
  }

  append(topic: string, partition: number, batch: BatchToAppend): Promise<{ readonly baseOffset: number }> {
    if (this.#closed) return Promise.reject(this.#failure ?? closedError())
    const unrecovered = this.#context.unrecovered(topic, partition)
    return unrecovered ? this.#appendLater(unrecovered, batch) : this.#appendTo(topic, partition, batch)
  }

  async #appendLater(
    partition: UnrecoveredPartition,
    batch: BatchToAppend,
  ): Promise<{ readonly baseOffset: number }> {
    this.#appends.began()
    try {
      return await partition.once(() => this.#appendTo(partition.topic, partition.index, batch))
    } finally {
      this.#appends.ended()
    }
  }

  async #appendTo(
    topic: string,
    partition: number,
    batch: BatchToAppend,
  ): Promise<{ readonly baseOffset: number }> {
    this.#check()
    checkBatch(batch)
    // A missing topic does not fail the writer: nothing was appended.
    const target = this.#context.writable(topic, partition, this.app)
    this.#appends.began()
    try {
      const turn = target.inTurn(() => this.#append(target, batch))
      const receipt = turn instanceof Promise ? await turn : turn
      await receipt.durable
      return { baseOffset: receipt.baseOffset }
    } catch (error) {
      if (this.#context.transactions.isDeleted(target)) throw deletedError(topic)
      // Refused before it was appended: the next batch may be appended in its place.
      if (!isRefused(error)) this.#failure ??= error
      throw error
    } finally {
      this.#appends.ended()
    }
  }

  #append(target: Partition, batch: BatchToAppend): AppendReceipt {
    // The call may have waited for room.
    this.#check()
    const { count } = batch
    const stamp = this.#sequences.take(target, count)
    try {
      return target.append(buildAdmitted(batch, stamp, target, this.#context.clock.now()))
    } catch (error) {
      if (isRefused(error)) this.#sequences.giveBack(target, count)
      throw error
    }
  }

  commit(): Promise<void> {
    return Promise.reject(notTransactional())
  }

  abort(): Promise<void> {
    return Promise.reject(notTransactional())
  }

  /** Waits for unacknowledged appends. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#appends.allEnded()
    this.#context.closed(this)
  }

  #check(): void {
    if (this.#failure !== undefined) throw this.#failure
  }
}

/** A transactional writer: acknowledged means accepted, {@link commit} makes it durable. */
export class TransactionalWriter implements Writer {
  readonly #context: WriterContext
  readonly transactionalId: string
  readonly app: string | undefined
  readonly #sequences: ProducerSequences<Partition>
  readonly #failures = new WriterFailures()
  #dirty = false
  /** Appends of this transaction, also those that wait for room, or for the recovery of their partition. */
  readonly #appends = new OpenAppends()
  /** The end of a transaction in progress: later calls wait for it. */
  #ending: Promise<void> | undefined

  constructor(context: WriterContext, transactionalId: string, identity: ProducerIdentity, app?: string) {
    this.#context = context
    this.transactionalId = transactionalId
    this.#sequences = new ProducerSequences(identity)
    this.app = app
  }

  append(topic: string, partition: number, batch: BatchToAppend): Promise<{ readonly baseOffset: number }> {
    return this.#ending || this.#context.unrecovered(topic, partition)
      ? this.#appendLater(topic, partition, batch)
      : this.#appendTo(topic, partition, batch)
  }

  async #appendLater(
    topic: string,
    partition: number,
    batch: BatchToAppend,
  ): Promise<{ readonly baseOffset: number }> {
    // Calls during a commit belong to the next transaction, in their order.
    while (this.#ending) await this.#ending
    const unrecovered = this.#context.unrecovered(topic, partition)
    if (!unrecovered) return this.#appendTo(topic, partition, batch)
    this.#failures.check()
    let isMade = false
    this.#appends.began()
    try {
      const turn = await this.#context.transactions.whileWaiting(this.transactionalId, () =>
        unrecovered.once(() => {
          isMade = true
          // Not awaited here: it waits for the disk, which is the writer's time.
          return { appended: this.#appendTo(topic, partition, batch) }
        }),
      )
      return await turn.appended
    } catch (error) {
      // Nothing was appended: the partition cannot be recovered, or the log is closed.
      if (!isMade) this.#failures.refuse(error)
      throw error
    } finally {
      this.#appends.ended()
    }
  }

  async #appendTo(
    topic: string,
    partition: number,
    batch: BatchToAppend,
  ): Promise<{ readonly baseOffset: number }> {
    this.#failures.check()
    const target = this.#refusing(() => {
      checkBatch(batch)
      return this.#context.writable(topic, partition, this.app)
    })
    this.#appends.began()
    try {
      const turn = target.inTurn(() => this.#append(target, batch))
      const receipt = turn instanceof Promise ? await turn : turn
      await receipt.written
      return { baseOffset: receipt.baseOffset }
    } catch (error) {
      // The transaction continues with the rest: had the append succeeded, its records would be gone as well.
      if (this.#context.transactions.isDeleted(target)) throw deletedError(topic)
      if (isRefused(error)) throw error
      throw this.#fail(error)
    } finally {
      this.#appends.ended()
    }
  }

  commit(offsets?: GroupCommit): Promise<void> {
    return this.#end('commit', offsets)
  }

  abort(): Promise<void> {
    return this.#end('abort')
  }

  /** Aborts the open transaction. */
  async close(): Promise<void> {
    while (this.#ending) await this.#ending
    if (!this.#failures.isFinal) {
      await this.abort().catch(() => undefined)
      this.#failures.fail(closedError())
    }
    this.#context.transactions.released(this.transactionalId, this.#identity)
    this.#context.closed(this)
  }

  get #identity(): ProducerIdentity {
    return this.#sequences.identity
  }

  #append(target: Partition, batch: BatchToAppend): AppendReceipt {
    // The call may have waited for room.
    this.#failures.checkFinal()
    const { count } = batch
    const stamp = { ...this.#sequences.take(target, count), transactional: true }
    // Built first: once enlisted, the append follows at once.
    const bytes = this.#refusing(
      () => buildAdmitted(batch, stamp, target, this.#context.clock.now()),
      () => this.#sequences.giveBack(target, count),
    )
    this.#context.transactions.enlist(this.transactionalId, this.#identity, target)
    this.#dirty = true
    return this.#refusing(
      () => target.append(bytes),
      () => this.#sequences.giveBack(target, count),
    )
  }

  /** If this step of an append fails, nothing was appended, and the transaction cannot be committed. */
  #refusing<T>(step: () => T, undo: () => void = () => undefined): T {
    try {
      return step()
    } catch (error) {
      undo()
      this.#failures.refuse(error)
      throw error
    }
  }

  async #end(outcome: 'commit' | 'abort', offsets?: GroupCommit): Promise<void> {
    while (this.#ending) await this.#ending
    this.#checkEnd(outcome)
    if (offsets !== undefined) checkGroupCommit('commit', offsets)
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#ending = promise
    try {
      const accepted = offsets && offsets.offsets.length > 0 ? this.#addOffsets(offsets) : undefined
      await Promise.all([accepted, this.#appends.allEnded()])
      // Of an append that waited for room.
      this.#checkEnd(outcome)
      if (this.#dirty) {
        this.#sequences.continueAs(
          await this.#context.transactions.end(this.transactionalId, this.#identity, outcome),
        )
        this.#dirty = false
      } else if (!this.#context.transactions.isCurrent(this.transactionalId, this.#identity)) {
        // Nothing to end, but a fenced writer must learn of it.
        await this.#context.transactions.end(this.transactionalId, this.#identity, outcome)
      }
      this.#failures.aborted()
    } catch (error) {
      throw this.#failures.isRefusal(error) ? error : this.#fail(error)
    } finally {
      this.#ending = undefined
      resolve()
    }
  }

  #checkEnd(outcome: 'commit' | 'abort'): void {
    if (outcome === 'commit') this.#failures.check()
    else this.#failures.checkFinal()
  }

  /**
   * Resolves once the offsets are written. They are appended in this turn, unless a deletion comes first.
   * Refused ones leave nothing in the log: as in Kafka the transaction is aborted, and the writer continues.
   */
  async #addOffsets(commit: GroupCommit): Promise<void> {
    const { transactions, offsets } = this.#context
    try {
      const deletion = this.#context.finishDeletion(commit.group)
      if (deletion) await deletion
      this.#context.checkCommit(commit)
    } catch (error) {
      throw this.#failures.refuse(error)
    }
    transactions.enlist(this.transactionalId, this.#identity, offsets.partition)
    this.#dirty = true
    await offsets.commitInTransaction(this.#identity, commit)
  }

  /**
   * Fails the writer for good; its transaction is aborted, so that it does not hold back readers until the
   * timeout.
   */
  #fail(error: unknown): unknown {
    if (!this.#failures.isFinal) {
      this.#failures.fail(error)
      // If the outcome is open, or the writer is fenced, the coordinator refuses.
      if (this.#dirty)
        this.#context.transactions.end(this.transactionalId, this.#identity, 'abort').catch(() => undefined)
    }
    return this.#failures.fail(error)
  }
}

function notTransactional(): MillraceError {
  return new MillraceError(
    'INVALID_TXN_STATE',
    'This writer has no transactions: open it with a transactionalId.',
  )
}

function deletedError(topic: string): MillraceError {
  return new MillraceError('UNKNOWN_TOPIC', `Topic '${topic}' was deleted while it was written to.`)
}

function closedError(): MillraceError {
  return new MillraceError('CLOSED', 'The writer is closed.')
}
