/**
 * The broker: topics, committed offsets, groups, transactions and apps over one data directory, together. It
 * has typed calls and throws MillraceErrors; it knows neither LogPort nor requests. Its users come through an
 * {@link Entrance}.
 *
 * Each rule is in its part; this file has the calls that need several parts. `open-parts.ts` opens the parts,
 * in an order that matters.
 */
import { type ActiveClock, MillraceError, type Random } from '../base/index.ts'
import type { LogDirectory, Partition, UnrecoveredPartition } from '../log/index.ts'
import type {
  GroupCommit,
  GroupCoordinator,
  Isolation,
  OffsetSpec,
  ProducerIdentity,
  TopicConfig,
  TopicDescription,
} from '../port/index.ts'
import { Admin } from './admin.ts'
import { Apps } from './apps.ts'
import type { Configs } from './configs/configs.ts'
import { staticConfigs } from './configs/broker-configs.ts'
import { ClientTransactions } from './transactions/client-transactions.ts'
import type { CutOffsets } from './offsets/cut-offsets.ts'
import { Entrances, type Entrance } from './entrances.ts'
import { GroupAdmin } from './groups/group-admin.ts'
import { GroupExpiry } from './groups/group-expiry.ts'
import { GroupOffsets } from './groups/group-offsets.ts'
import { groupSettings } from './groups/group-settings.ts'
import { Groups } from './groups/groups.ts'
import { Locks } from './locks.ts'
import type { Offsets } from './offsets/offsets.ts'
import { lookUp, lookUpOffset, type FoundPosition } from './offset-look-up.ts'
import { checkText } from './offsets/stored-text.ts'
import { openLog, openParts, type BrokerOptions, type Parts } from './open-parts.ts'
import type { ProducerIds } from './transactions/producer-ids.ts'
import { usePartition } from './topics/topic-partitions.ts'
import type { Topics } from './topics/topics.ts'
import type { Transactions } from './transactions/transactions.ts'

export class Broker {
  readonly admin: Admin
  readonly groupAdmin: GroupAdmin
  readonly groupOffsets: GroupOffsets
  readonly offsets: Offsets
  readonly transactions: Transactions
  /** The same for producers outside of this process. */
  readonly clientTransactions: ClientTransactions
  /** The clock of time-outs. */
  readonly active: ActiveClock
  readonly random: Random
  readonly #log: LogDirectory
  readonly #configs: Configs
  readonly #topics: Topics
  readonly #cut: CutOffsets
  readonly #producerIds: ProducerIds
  readonly #groups: Groups
  readonly #apps: Apps
  readonly #expiry: GroupExpiry
  readonly #locks = new Locks()
  readonly #entrances = new Entrances()
  #closing: Promise<void> | undefined
  /** Set later than `#closing`: members that leave still commit. */
  #closed = false

  private constructor(parts: Parts) {
    const { log, metadata, configs, topics, offsets, cut, producerIds, transactions, active, options } = parts
    this.active = active
    this.random = options.random
    this.offsets = offsets
    this.transactions = transactions
    this.clientTransactions = new ClientTransactions(this)
    this.#log = log
    this.#configs = configs
    this.#topics = topics
    this.#cut = cut
    this.#producerIds = producerIds
    const { clock, random } = options
    this.#groups = new Groups({
      clock,
      active,
      random,
      settings: groupSettings(configs),
      partitionCount: topic => this.describeTopic(topic)?.partitions,
      kept: offsets.kept,
      keep: (group, kept) => offsets.keepGroup(group, kept),
      forget: group => offsets.forgetGroup(group),
      commit: commit => this.groupOffsets.commit(commit),
      finishDeletion: group => this.finishDeletion(group),
    })
    this.#apps = new Apps({
      metadata,
      topics,
      offsets,
      transactions,
      groups: this.#groups,
      locks: this.#locks,
      openWriters: () => this.#entrances.openWriters(),
    })
    this.groupAdmin = new GroupAdmin({ groups: this.#groups, offsets, apps: this.#apps, cut })
    this.groupOffsets = new GroupOffsets({
      groups: this.#groups,
      offsets,
      apps: this.#apps,
      cut,
      checkPartition: (topic, index) => topics.check(topic, index),
      checkOpen: () => this.checkOpen(),
      checkNotClosed: () => {
        if (this.#closed) throw closedError()
      },
    })
    this.admin = new Admin({
      random,
      log,
      transactions,
      metadata,
      topics,
      configs,
      offsets,
      writable: (topic, index, app) => this.writable(topic, index, app),
      groups: this.groupAdmin,
      checkOpen: () => this.checkOpen(),
    })
    this.#expiry = new GroupExpiry({
      clock,
      groups: this.#groups,
      offsets,
      isKept: group => this.#apps.has(group),
      retentionMs: configs.brokerNumber('offsets.retention.minutes') * 60_000,
      checkEveryMs: configs.brokerNumber('offsets.retention.check.interval.ms'),
    })
  }

  /**
   * Opens the log in a folder, and creates a missing one. After a crash it recovers its internal topics; the
   * others are recovered beside the calls of users, and each call waits for the partition that it names.
   * @throws MillraceError DATA_DIR_IN_USE, DATA_DIR_FOREIGN, DATA_DIR_UNREADABLE, DISK_FULL, DISK_FAILED,
   *   LIMIT_EXCEEDED, INVALID_ARGUMENT, INVALID_CONFIG
   */
  static async open(path: string, options: BrokerOptions): Promise<Broker> {
    const statics = staticConfigs(options.configs, options.defaults)
    const log = await openLog(path, options, statics)
    try {
      const broker = new Broker(await openParts(log, options, statics))
      await broker.#start()
      return broker
    } catch (error) {
      await log.close().catch(() => undefined)
      throw error
    }
  }

  /** Reports deletions to an entrance, counts its writers, and closes it with the broker. */
  attach(entrance: Entrance): void {
    this.#entrances.add(entrance)
  }

  /** The entrance is closed. */
  detach(entrance: Entrance): void {
    this.#entrances.delete(entrance)
  }

  /** It has not begun to close: what is closed nevertheless was deleted. */
  get isOpen(): boolean {
    return this.#closing === undefined
  }

  /** @throws MillraceError CLOSED */
  checkOpen(): void {
    if (this.#closing) throw closedError()
  }

  /** `validateOnly` checks, and creates nothing. */
  async createTopic(name: string, config: TopicConfig, validateOnly = false): Promise<void> {
    this.checkOpen()
    if (config.app !== undefined) await this.finishDeletion(config.app)
    await this.#topics.create(name, config, validateOnly)
    if (!validateOnly) this.#entrances.topicGrown(name)
  }

  describeTopic(name: string): TopicDescription | undefined {
    this.checkOpen()
    return this.#topics.describe(name)
  }

  /** Whether clients over TCP create topics by asking for them: `auto.create.topics.enable`. */
  get autoCreatesTopics(): boolean {
    return this.#configs.brokerFlag('auto.create.topics.enable')
  }

  /** Whether clients over TCP may delete topics: `delete.topic.enable`. */
  get deletesTopics(): boolean {
    return this.#configs.brokerFlag('delete.topic.enable')
  }

  /** Partitions of a topic that is created without a count: `num.partitions`. */
  get defaultPartitions(): number {
    return this.configNumber('num.partitions')
  }

  /** The number of a config that only an option at opening sets. */
  configNumber(name: string): number {
    return this.#configs.brokerNumber(name)
  }

  /** The present leader epoch of a partition; -1: it is not open. */
  leaderEpoch(topic: string, index: number): number {
    return this.#log.partition(topic, index)?.epochs.latest ?? -1
  }

  listTopics(internal: boolean): TopicDescription[] {
    this.checkOpen()
    return this.#topics.list(internal)
  }

  async deleteTopic(name: string, app?: string): Promise<void> {
    this.checkOpen()
    await this.#topics.delete(name, app)
  }

  /**
   * A partition that is not recovered yet; undefined: it is open, or unknown. An entrance asks this before
   * every call on a partition, and makes the call by `once` if there is one: so calls keep their order.
   */
  unrecovered(topic: string, index: number): UnrecoveredPartition | undefined {
    return this.#topics.unrecovered(topic, index)
  }

  /**
   * A partition, once it is open: for entrances whose calls keep no order.
   * @throws MillraceError as {@link partition}; DISK_FULL (retriable), DISK_FAILED: it could not be
   *   recovered; CLOSED
   */
  opened(topic: string, index: number): Promise<Partition> {
    return this.#topics.opened(topic, index)
  }

  /**
   * Whether a partition is there, open or not.
   * @throws MillraceError as {@link partition}
   */
  checkPartition(topic: string, index: number): void {
    this.checkOpen()
    this.#topics.check(topic, index)
  }

  /**
   * A partition that is open: see {@link unrecovered}.
   * @throws MillraceError UNKNOWN_TOPIC, UNKNOWN_PARTITION, PARTITION_DAMAGED
   */
  partition(topic: string, index: number): Partition {
    return this.#topics.partition(topic, index)
  }

  /**
   * A partition that is open, and that users, or the given app, may write to.
   * @throws MillraceError UNKNOWN_TOPIC, UNKNOWN_PARTITION, PARTITION_DAMAGED, INVALID_ARGUMENT
   */
  writable(topic: string, index: number, writerApp: string | undefined): Partition {
    const partition = this.#topics.partition(topic, index)
    const { internal, app } = this.#topics.get(topic)!
    if (internal) throw new MillraceError('INVALID_ARGUMENT', `Only the log itself writes topic '${topic}'.`)
    if (app !== undefined && app !== writerApp)
      throw new MillraceError(
        'INVALID_ARGUMENT',
        `Topic '${topic}' is internal to the app '${app}', which alone writes it: publish to another topic.`,
      )
    return partition
  }

  /** The name of the topic with this id. */
  topicName(id: string): string | undefined {
    this.checkOpen()
    return this.#topics.nameOf(id)
  }

  /** The offset of a position, or the readable end if no record has it. See {@link find}. */
  offsetAt(topic: string, index: number, at: OffsetSpec, isolation: Isolation): Promise<number> {
    return this.#lookUp(topic, index, at, isolation, lookUpOffset)
  }

  /**
   * Looks up a position (ListOffsets). What was committed before is found; under read_uncommitted, what was
   * appended before.
   */
  find(topic: string, index: number, at: OffsetSpec, isolation: Isolation): Promise<FoundPosition> {
    return this.#lookUp(topic, index, at, isolation, lookUp)
  }

  /** Looks up once the partition shows what was committed, or appended, before. */
  async #lookUp<T>(
    topic: string,
    index: number,
    at: OffsetSpec,
    isolation: Isolation,
    look: (partition: Partition, at: OffsetSpec, isolation: Isolation) => Promise<T>,
  ): Promise<T> {
    this.checkOpen()
    return usePartition(this.#topics, topic, index, async partition => {
      if (at !== 'earliest' && !partition.failure) {
        if (isolation === 'read_committed') await this.transactions.outcomesVisible(partition)
        else await partition.uncommitted.show()
      }
      return look(partition, at, isolation)
    })
  }

  /** The identity of a producer without transactions: a new one. */
  async newProducer(): Promise<ProducerIdentity> {
    this.checkOpen()
    return { producerId: await this.#producerIds.next(), producerEpoch: 0 }
  }

  /** The coordinator of groups, for their members. */
  get groups(): GroupCoordinator {
    return this.#groups
  }

  /** The partition count of a topic. Throws UNKNOWN_TOPIC. */
  partitionCount(topic: string): number {
    return this.#topics.known(topic).partitions
  }

  /** Checks that the partitions exist and that the committer may commit. */
  checkCommit(commit: GroupCommit, how: { readonly isTransactional: boolean }): void {
    this.groupOffsets.check(commit, how)
  }

  async deleteApp(app: string): Promise<boolean> {
    this.checkOpen()
    checkText('the name of an app', app)
    const isDeleted = await this.#apps.delete(app)
    await this.#cut.settle(app)
    return isDeleted
  }

  /**
   * Before an app, or the group of this name, is given something: what an interrupted deletion of the app has
   * left must be gone. Undefined: there is nothing. Rejects with what the deletion fails with.
   */
  finishDeletion(app: string): Promise<void> | undefined {
    return this.#apps.finishDeletion(app)
  }

  /** @throws MillraceError APP_ALREADY_RUNNING, naming the holder; what an interrupted deletion fails with */
  async lock(name: string, holder: string): Promise<{ release(): Promise<void> }> {
    this.checkOpen()
    return this.#apps.lock(name, holder)
  }

  /**
   * Closes the broker: members leave, writers finish or abort, everything is synced, and the folder is marked
   * as cleanly closed.
   */
  close(): Promise<void> {
    return (this.#closing ??= this.#close())
  }

  async #close(): Promise<void> {
    await this.#entrances.leaveGroups()
    this.#closed = true
    await this.#expiry.stop()
    // Appends that wait for a partition are refused, and not waited for.
    await this.#log.stopRecovery()
    await this.#entrances.close()
    try {
      await this.transactions.close()
      await this.offsets.close()
    } finally {
      this.#locks.clear()
      await this.#log.close()
    }
  }

  /** Finishes changes that a crash has interrupted. */
  async #start(): Promise<void> {
    await this.#topics.start({
      deleted: (name, partitions) => {
        for (const partition of partitions) this.transactions.partitionDeleted(partition)
        this.#entrances.topicDeleted(name)
      },
      grown: name => this.#entrances.topicGrown(name),
      forgetOffsets: ({ name }) => this.offsets.forgetTopic(name),
    })
    await this.#apps.start()
    this.#expiry.start()
  }
}

function closedError(): MillraceError {
  return new MillraceError('CLOSED', 'The log is closed.')
}
