/**
 * The transaction log: the last record of every transactional id, in `__transaction_state`. It decides after
 * a crash which transactions are committed (transaction-recovery.ts).
 */
import type { Clock, MillraceError } from '../../base/index.ts'
import type { Partition } from '../../log/index.ts'
import type { RecordBatch } from '../../wire/index.ts'
import { InternalLog, type InternalLimits, type InternalRecord } from '../internal/internal-log.ts'
import {
  decodeTransactionKey,
  decodeTransactionValue,
  encodeTransactionKey,
  transactionRecord,
  type TransactionValue,
} from './transaction-records.ts'

export class TransactionLog {
  readonly #log: InternalLog
  /** The result of a replay, by transactional id. */
  readonly #states = new Map<string, TransactionValue>()
  #failure: MillraceError | undefined

  private constructor(partition: Partition, clock: Clock, limits: InternalLimits | undefined) {
    this.#log = new InternalLog(partition, clock, limits)
  }

  /** Replays the log. A damaged one has no states, and a {@link failure}. */
  static async open(partition: Partition, clock: Clock, limits?: InternalLimits): Promise<TransactionLog> {
    const opened = await TransactionLog.look(partition, clock, limits)
    await opened.#rewriteIfOutgrown()
    return opened
  }

  /** The same for a read-only log, which stays unchanged. */
  static async look(partition: Partition, clock: Clock, limits?: InternalLimits): Promise<TransactionLog> {
    const opened = new TransactionLog(partition, clock, limits)
    opened.#failure = await opened.#log.tryReplay(batch => opened.#replay(batch))
    if (opened.#failure) opened.#states.clear()
    return opened
  }

  /** Why the log could not be read: the outcomes are unknown. */
  get failure(): MillraceError | undefined {
    return this.#failure
  }

  get states(): ReadonlyMap<string, TransactionValue> {
    return this.#states
  }

  /** A repair has cut a part of the log, which may have raised epochs. */
  get isCut(): boolean {
    return this.#log.partition.config.cutAt !== undefined
  }

  /** Replaces the states of these ids; resolves when that is durable. */
  async write(states: ReadonlyMap<string, TransactionValue>): Promise<void> {
    const before = Array.from(states.keys(), id => [id, this.#states.get(id)] as const)
    const records = Array.from(states, ([id, value]) => transactionRecord(id, value))
    try {
      const { durable } = this.#log.append(records)
      for (const [id, value] of states) this.#states.set(id, value)
      await durable
    } catch (error) {
      for (const [id, value] of before) this.#set(id, value)
      throw error
    }
    void this.#rewriteIfOutgrown()
  }

  /** Forgets ids; resolves when that is durable. */
  async remove(transactionalIds: readonly string[]): Promise<void> {
    for (const id of transactionalIds) this.#states.delete(id)
    await this.#log.append(transactionalIds.map(id => ({ key: encodeTransactionKey(id), value: null })))
      .durable
  }

  /** Waits for a rewrite in progress. */
  close(): Promise<void> {
    return this.#log.idle()
  }

  #set(transactionalId: string, value: TransactionValue | undefined): void {
    if (value) this.#states.set(transactionalId, value)
    else this.#states.delete(transactionalId)
  }

  /** Waits for no id: it writes the result of a replay at this moment. */
  #rewriteIfOutgrown(): Promise<void> {
    return this.#log.rewriteIfOutgrown(() =>
      Array.from(this.#states, ([id, value]): InternalRecord => transactionRecord(id, value)),
    )
  }

  #replay(batch: RecordBatch): void {
    if (batch.isControl) return
    const records = batch.records()
    while (records.next()) {
      const transactionalId = decodeTransactionKey(records.key()!)
      if (transactionalId === undefined) continue
      const value = records.value()
      this.#set(transactionalId, value === null ? undefined : decodeTransactionValue(value))
    }
  }
}
