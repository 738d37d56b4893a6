/**
 * Transactions of clients, in the order of Kafka's requests: InitProducerId, AddPartitionsToTxn,
 * AddOffsetsToTxn, TxnOffsetCommit, EndTxn. For the entrances whose producers are outside of this process.
 *
 * Obligation of an entrance: a transactional batch is appended in the turn in which {@link verify} admits its
 * partition. In version 2 {@link addPartitions} comes before that.
 */
import type { Partition } from '../../log/index.ts'
import type { GroupCommit, ProducerIdentity } from '../../port/index.ts'
import type { TransactionOutcome } from './end-check.ts'
import type { Offsets } from '../offsets/offsets.ts'
import type { TransactionVersion } from './transactional-id.ts'
import { checkId, type ProducerInit } from './producer-registration.ts'
import type { Transactions } from './transactions.ts'

/** A producer that calls: its transactional id, its identity, its version of transactions. */
export interface TransactionalClient {
  readonly transactionalId: string
  readonly identity: ProducerIdentity
  readonly version: TransactionVersion
}

export interface ClientTransactionsContext {
  readonly transactions: Transactions
  readonly offsets: Offsets
  /** Throws CLOSED. */
  checkOpen(): void
  /** Finishes an interrupted deletion of the app of this name; undefined: there is none. */
  finishDeletion(group: string): Promise<void> | undefined
  /** Checks that the partitions exist and that the committer may commit. */
  checkCommit(commit: GroupCommit, how: { readonly isTransactional: boolean }): void
}

export class ClientTransactions {
  readonly #context: ClientTransactionsContext

  constructor(context: ClientTransactionsContext) {
    this.#context = context
  }

  /** See `Transactions.init`. */
  async init(init: Omit<ProducerInit, 'isClient'>): Promise<ProducerIdentity> {
    return this.#transactions.init({ ...init, isClient: true })
  }

  /** See `Transactions.addPartitions`; INVALID_ARGUMENT: the id is empty. */
  async addPartitions(client: TransactionalClient, partitions: readonly Partition[]): Promise<void> {
    const { transactionalId, identity, version } = client
    checkId(transactionalId)
    await this.#transactions.addPartitions(transactionalId, identity, partitions, version)
  }

  /**
   * {@link addPartitions} for a produce of version 2. Undefined: the partition takes part already.
   */
  ensureAdded(client: TransactionalClient, partition: Partition): Promise<void> | undefined {
    const { transactionalId, identity } = client
    return this.#transactions.includes(transactionalId, identity, partition)
      ? undefined
      : this.addPartitions(client, [partition])
  }

  /**
   * Adds the offsets of groups to a transaction of version 1.
   * @throws MillraceError as {@link addPartitions}; PARTITION_DAMAGED: no offsets can be committed
   */
  async addOffsets(client: TransactionalClient): Promise<void> {
    const { offsets } = this.#context
    offsets.checkUsable()
    await this.addPartitions(client, [offsets.partition])
  }

  /** See `Transactions.verify`; INVALID_ARGUMENT: the id is empty. */
  verify({ transactionalId, identity }: TransactionalClient, partition: Partition): void {
    checkId(transactionalId)
    this.#transactions.verify(transactionalId, identity, partition)
  }

  /**
   * Commits offsets in the transaction; in version 2 without a call before. Resolves once the offsets are
   * accepted: they count when the transaction is committed.
   * @throws MillraceError as a commit of a group, {@link addPartitions} and {@link verify}
   */
  async commitOffsets(client: TransactionalClient, commit: GroupCommit): Promise<void> {
    const { offsets } = this.#context
    this.#context.checkOpen()
    await this.#context.finishDeletion(commit.group)
    if (client.version === 2) await this.addOffsets(client)
    this.#context.checkCommit(commit, { isTransactional: true })
    this.verify(client, offsets.partition)
    await offsets.commitInTransaction(client.identity, commit)
  }

  /** See `Transactions.end`; INVALID_ARGUMENT: the id is empty. */
  async end(client: TransactionalClient, outcome: TransactionOutcome): Promise<ProducerIdentity> {
    const { transactionalId, identity, version } = client
    checkId(transactionalId)
    return this.#transactions.end(transactionalId, identity, outcome, version)
  }

  get #transactions(): Transactions {
    this.#context.checkOpen()
    return this.#context.transactions
  }
}
