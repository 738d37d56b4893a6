/**
 * LogPort in process: the commit log in a folder, with topics, groups and transactions over it.
 *
 * This file only puts the parts together; each rule lives in the part it belongs to. Start-up order matters:
 * transactions left open by a crash are ended first, so that the replay of committed offsets finds every one
 * of them decided.
 */
import { ActiveClock, MillraceError, type Clock, type Disk, type Random } from '../base/index.ts'
import { LogDirectory, type LogDirectoryOptions, type Partition } from '../log/index.ts'
import type {
  GroupCommit,
  GroupDescription,
  GroupMembership,
  GroupOptions,
  Isolation,
  LogPort,
  OffsetCommit,
  OffsetSpec,
  Reader,
  ReaderOptions,
  TopicConfig,
  TopicDescription,
  TopicPartition,
  Writer,
  WriterOptions,
} from '../port/index.ts'
import { Apps } from './apps.ts'
import { CutOffsets } from './cut-offsets.ts'
import { Groups } from './groups.ts'
import { internalLimitsDefault, type InternalLimits } from './internal-log.ts'
import { Locks } from './locks.ts'
import { MetadataFile } from './metadata.ts'
import { Offsets } from './offsets.ts'
import { ProducerIds } from './producer-ids.ts'
import { InProcessReader } from './reader.ts'
import { offsetsTopic, transactionsTopic } from './topic-names.ts'
import { Topics } from './topics.ts'
import { TransactionLog } from './transaction-log.ts'
import { recoverTransactions } from './transaction-recovery.ts'
import { Transactions } from './transactions.ts'
import { PlainWriter, TransactionalWriter, type WriterContext } from './writer.ts'

const transactionTimeoutMsDefault = 60_000

export interface InProcessLogOptions extends LogDirectoryOptions {
  readonly disk: Disk
  readonly clock: Clock
  readonly random: Random
  /** Limits of the logs that the broker keeps for itself. */
  readonly internal?: InternalLimits
}

export class InProcessLog implements LogPort {
  readonly #log: LogDirectory
  readonly #clock: Clock
  readonly #topics: Topics
  readonly #offsets: Offsets
  readonly #cut: CutOffsets
  readonly #transactions: Transactions
  readonly #producerIds: ProducerIds
  readonly #groups: Groups
  readonly #apps: Apps
  readonly #locks = new Locks()
  readonly #readers = new Set<InProcessReader>()
  readonly #writers = new Set<PlainWriter | TransactionalWriter>()
  readonly #writerContext: WriterContext
  #closing: Promise<void> | undefined
  /** Set later than `#closing`: members that leave still commit. */
  #closed = false

  private constructor(
    log: LogDirectory,
    clock: Clock,
    metadata: MetadataFile,
    topics: Topics,
    offsets: Offsets,
    cut: CutOffsets,
    transactions: Transactions,
    producerIds: ProducerIds,
    active: ActiveClock,
  ) {
    this.#log = log
    this.#clock = clock
    this.#topics = topics
    this.#offsets = offsets
    this.#cut = cut
    this.#transactions = transactions
    this.#producerIds = producerIds
    this.#groups = new Groups({
      active,
      partitions: topic => this.#known(topic).partitions,
      commit: commit => this.commitOffsets(commit),
    })
    this.#apps = new Apps({
      metadata,
      topics,
      offsets,
      transactions,
      groups: this.#groups,
      locks: this.#locks,
      openWriters: () => this.#writers,
    })
    this.#writerContext = {
      writable: (topic, index, app) => this.#writable(topic, index, app),
      transactions,
      offsets,
      checkCommit: commit => this.#checkCommit(commit),
      closed: writer => this.#writers.delete(writer),
    }
  }

  /**
   * Opens the log in a folder, which is created where it is missing, and recovers it after a crash.
   * @throws MillraceError DATA_DIR_IN_USE, DATA_DIR_FOREIGN, DATA_DIR_UNREADABLE
   */
  static async open(path: string, options: InProcessLogOptions): Promise<InProcessLog> {
    const { clock, random } = options
    const log = await LogDirectory.open(path, options)
    try {
      const metadata = await MetadataFile.open(log.disk, path)
      const topics = await Topics.open(log, metadata, random)
      const limits = options.internal ?? {}
      const internal = { segmentBytes: limits.segmentBytes ?? internalLimitsDefault.segmentBytes }
      const statePartition = await topics.internal(transactionsTopic, internal)
      const offsetsPartition = await topics.internal(offsetsTopic, internal)
      const transactionLog = await TransactionLog.open(statePartition, clock, limits)
      const states = await recoverTransactions(log, transactionLog, clock)
      const topicId = (topic: string): string | undefined => topics.get(topic)?.id
      const offsets = await Offsets.open(offsetsPartition, { clock, limits, topicId })
      if (transactionLog.failure) offsets.undecidedAll(transactionLog.failure)
      const cut = await CutOffsets.open(metadata, offsetsPartition)
      const producerIds = new ProducerIds(metadata)
      // Nobody can say which ids the partitions found here have seen: begin far beyond Kafka's, which count
      // from 0.
      if (metadata.origin === 'new' && log.recovery.partitions.length > 0)
        await producerIds.skipPast(clock.now())
      let largest = log.largestProducerId
      for (const { producerId } of states.values()) largest = Math.max(largest, producerId)
      await producerIds.skipPast(largest)
      const active = new ActiveClock(clock)
      const transactions = new Transactions(
        { clock, active, log, transactionLog, offsets, producerIds },
        states,
      )
      const port = new InProcessLog(
        log,
        clock,
        metadata,
        topics,
        offsets,
        cut,
        transactions,
        producerIds,
        active,
      )
      await port.#start()
      return port
    } catch (error) {
      await log.close().catch(() => undefined)
      throw error
    }
  }

  async createTopic(name: string, config: TopicConfig): Promise<void> {
    this.#checkOpen()
    await this.#topics.create(name, config)
  }

  async describeTopic(name: string): Promise<TopicDescription | undefined> {
    this.#checkOpen()
    return this.#topics.describe(name)
  }

  async listTopics(options: { readonly internal?: boolean } = {}): Promise<TopicDescription[]> {
    this.#checkOpen()
    return this.#topics.list(options.internal ?? false)
  }

  async deleteTopic(name: string, { app }: { readonly app?: string } = {}): Promise<void> {
    this.#checkOpen()
    await this.#topics.delete(name, app)
  }

  async offsets(
    topic: string,
    index: number,
    at: OffsetSpec,
    isolation: Isolation = 'read_committed',
  ): Promise<number> {
    this.#checkOpen()
    const partition = this.#topics.partition(topic, index)
    // Who asks for the end after a commit means to see what was committed.
    if (at !== 'earliest' && isolation === 'read_committed')
      await this.#transactions.outcomesVisible(partition)
    const end = partition.readableEnd(isolation)
    if (at === 'earliest') return partition.logStartOffset
    if (at === 'latest') return end
    const found = await partition.offsetForTimestamp(at.timestamp)
    return Math.min(found?.offset ?? end, end)
  }

  async openReader(options: ReaderOptions = {}): Promise<Reader> {
    this.#checkOpen()
    const reader = new InProcessReader(
      {
        clock: this.#clock,
        partition: (topic, index) => this.#topics.partition(topic, index),
        closed: closed => this.#readers.delete(closed),
      },
      options,
    )
    this.#readers.add(reader)
    return reader
  }

  async openWriter(options: WriterOptions = {}): Promise<Writer> {
    this.#checkOpen()
    const { transactionalId, transactionTimeoutMs = transactionTimeoutMsDefault, app } = options
    const writer =
      transactionalId === undefined
        ? new PlainWriter(
            this.#writerContext,
            { producerId: await this.#producerIds.next(), producerEpoch: 0 },
            app,
          )
        : new TransactionalWriter(
            this.#writerContext,
            transactionalId,
            await this.#transactions.init(transactionalId, transactionTimeoutMs),
            app,
          )
    this.#writers.add(writer)
    return writer
  }

  async joinGroup(options: GroupOptions): Promise<GroupMembership> {
    this.#checkOpen()
    return this.#groups.join(options)
  }

  async committedOffsets(
    group: string,
    partitions: readonly TopicPartition[],
  ): Promise<(OffsetCommit | undefined)[]> {
    if (this.#closed) throw closedError()
    this.#cut.check(group)
    return this.#offsets.committed(group, partitions)
  }

  async commitOffsets(commit: GroupCommit): Promise<void> {
    if (this.#closed) throw closedError()
    this.#checkCommit(commit)
    await this.#offsets.commit(commit)
    // Who is no member has not read what was committed: it says where the group begins.
    if (commit.memberId === undefined) await this.#cut.settle(commit.group)
  }

  async listGroups(): Promise<GroupDescription[]> {
    this.#checkOpen()
    const groups = new Set([...this.#groups.names(), ...this.#offsets.groups()])
    return Array.from(groups, group => ({
      group,
      members: this.#groups.members(group),
      offsets: this.#offsets.of(group),
    }))
  }

  async setOffsets(group: string, offsets: readonly OffsetCommit[]): Promise<void> {
    this.#checkOpen()
    this.#apps.checkStopped(group)
    this.#checkOffsets(offsets)
    await this.#offsets.replace(group, offsets)
    await this.#cut.settle(group)
  }

  async deleteApp(app: string): Promise<boolean> {
    this.#checkOpen()
    const isDeleted = await this.#apps.delete(app)
    await this.#cut.settle(app)
    return isDeleted
  }

  async lock(name: string, holder: string): Promise<{ release(): Promise<void> }> {
    this.#checkOpen()
    return this.#locks.take(name, holder)
  }

  /**
   * Members leave, writers finish or abort, everything is synced, and the folder is marked as cleanly closed.
   */
  close(): Promise<void> {
    return (this.#closing ??= this.#close())
  }

  async #close(): Promise<void> {
    await this.#groups.close()
    this.#closed = true
    for (const reader of this.#readers) await reader.close()
    for (const writer of this.#writers) await writer.close()
    try {
      await this.#transactions.close()
      await this.#offsets.close()
    } finally {
      this.#locks.clear()
      await this.#log.close()
    }
  }

  /** Finishes what a crash has interrupted. */
  async #start(): Promise<void> {
    await this.#topics.start({
      deleted: (name, partitions) => {
        for (const partition of partitions) this.#transactions.partitionDeleted(partition)
        for (const reader of this.#readers) reader.topicDeleted(name)
        this.#groups.topicDeleted(name)
      },
      forgetOffsets: ({ name }) => this.#offsets.forgetTopic(name),
    })
    await this.#apps.start()
  }

  #known(topic: string): TopicDescription {
    const description = this.#topics.describe(topic)
    if (description) return description
    throw new MillraceError('UNKNOWN_TOPIC', `There is no topic '${topic}': create it, or check the name.`)
  }

  #writable(topic: string, index: number, writerApp: string | undefined): Partition {
    const partition = this.#topics.partition(topic, index)
    const { internal, app } = this.#topics.get(topic)!
    if (internal)
      throw new MillraceError('INVALID_ARGUMENT', `Topic '${topic}' is written by the log itself only.`)
    if (app !== undefined && app !== writerApp)
      throw new MillraceError(
        'INVALID_ARGUMENT',
        `Topic '${topic}' is internal to the app '${app}', which alone writes it: publish to a topic of your own.`,
      )
    return partition
  }

  #checkCommit(commit: GroupCommit): void {
    this.#offsets.checkUsable()
    this.#groups.check(commit)
    this.#checkOffsets(commit.offsets)
  }

  #checkOffsets(offsets: readonly OffsetCommit[]): void {
    for (const { topic, partition, offset } of offsets) {
      this.#topics.partition(topic, partition)
      if (!Number.isSafeInteger(offset) || offset < 0)
        throw new MillraceError(
          'INVALID_ARGUMENT',
          `Offset ${offset} of '${topic}' ${partition} cannot be committed: it is not an offset.`,
        )
    }
  }

  #checkOpen(): void {
    if (this.#closing) throw closedError()
  }
}

function closedError(): MillraceError {
  return new MillraceError('CLOSED', 'The log is closed.')
}
