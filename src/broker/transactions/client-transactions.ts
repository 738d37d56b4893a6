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
import type { ProducerInit } from './producer-registration.ts'
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

  /** See `Transactions.addPartitions`. */
  async addPartitions(client: TransactionalClient, partitions: readonly Partition[]): Promise<void> {
    const { transactionalId, identity, version } = client
    await this.#transactions.addPartitions(transactionalId, identity, partitions, version)
  }

  /** Adds the offsets of groups to a transaction of version 1. See `Transactions.addPartitions`. */
  async addOffsets(client: TransactionalClient): Promise<void> {
    await this.addPartitions(client, [this.#context.offsets.partition])
  }

  /** See `Transactions.verify`. */
  verify({ transactionalId, identity }: TransactionalClient, partition: Partition): void {
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

  /** See `Transactions.end`. */
  end(client: TransactionalClient, outcome: TransactionOutcome): Promise<ProducerIdentity> {
    const { transactionalId, identity, version } = client
    return this.#transactions.end(transactionalId, identity, outcome, version)
  }

  get #transactions(): Transactions {
    this.#context.checkOpen()
    return this.#context.transactions
  }
}
