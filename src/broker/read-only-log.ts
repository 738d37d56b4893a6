/**
 * LogPort for looking: the log in a folder as its files are, beside the process that writes it. Takes no lock
 * and writes nothing.
 *
 * It shows **written** records: each look reads the topic's files up to the last whole batch with a valid
 * checksum. The writer may not have synced the last of them, so a power cut can take records that were shown.
 * Transactions are followed through their markers, so `read_committed` ends before the first open one and
 * skips aborted ones, as usual.
 *
 * The writer does not know of its readers. A look during which it changes files (by retention, compaction, a
 * roll, a deletion) finds some of them gone, or files of different moments: it is repeated.
 */
import { MillraceError, type Clock, type Disk } from '../base/index.ts'
import { LogDirectory, parsePartitionFolder, type Partition } from '../log/index.ts'
import {
  checkConfigNames,
  checkListing,
  checkName,
  checkOffsetSpec,
  checkPartitions,
  checkPlace,
  checkReaderOptions,
  checkResource,
  type GroupDescription,
  type GroupMembership,
  type Isolation,
  type LogAdmin,
  type LogPort,
  missingTopic,
  type OffsetCommit,
  type OffsetSpec,
  type OpenTransaction,
  type PartitionDescription,
  type Reader,
  type ReaderOptions,
  type TopicDescription,
  type TopicPartition,
  type Writer,
} from '../port/index.ts'
import { staticConfigs } from './configs/broker-configs.ts'
import { Configs, describedConfigs } from './configs/configs.ts'
import { CutOffsets } from './offsets/cut-offsets.ts'
import { describedGroup } from './groups/group-descriptions.ts'
import { MetadataFile, type StoredTopic } from './internal/metadata.ts'
import { lookUpOffset } from './offset-look-up.ts'
import { Offsets } from './offsets/offsets.ts'
import { openAsItIs, OutdatedLooks } from './read-only-look.ts'
import { type Look, ReadOnlyReader } from './read-only-reader.ts'
import { internalTopics, offsetsTopic, transactionsTopic } from './internal/topic-names.ts'
import { describedPartition, description } from './topics/topic-descriptions.ts'
import { describedFromLog, openIn } from './transactions/transaction-admin.ts'
import { TransactionLog } from './transactions/transaction-log.ts'

export interface ReadOnlyLogOptions {
  readonly disk: Disk
  readonly clock: Clock
}

type TransactionStates = TransactionLog['states']

export class ReadOnlyLog implements LogPort {
  readonly #path: string
  readonly #options: ReadOnlyLogOptions
  readonly #readers = new Set<ReadOnlyReader>()
  #closed = false

  private constructor(path: string, options: ReadOnlyLogOptions) {
    this.#path = path
    this.#options = options
  }

  /** @throws MillraceError DATA_DIR_FOREIGN, DATA_DIR_UNREADABLE */
  static async open(path: string, options: ReadOnlyLogOptions): Promise<ReadOnlyLog> {
    const log = new ReadOnlyLog(path, options)
    // Checks the owner of the folder, and whether it can be read.
    await log.listTopics()
    return log
  }

  async describeTopic(name: string): Promise<TopicDescription | undefined> {
    checkName('describeTopic', 'name', name)
    const topics = await this.#topics()
    return topics.find(topic => topic.name === name)
  }

  async listTopics(options: { readonly internal?: boolean } = {}): Promise<TopicDescription[]> {
    checkListing(options)
    const topics = await this.#topics()
    return topics.filter(({ internal }) => options.internal || !internal)
  }

  async offsets(
    topic: string,
    index: number,
    at: OffsetSpec,
    isolation: Isolation = 'read_committed',
  ): Promise<number> {
    checkPlace('offsets', topic, index)
    checkOffsetSpec('offsets', at, isolation)
    return this.#find(topic, [index], look => lookUpOffset(look.partition(index), at, isolation))
  }

  async openReader(options: ReaderOptions = {}): Promise<Reader> {
    this.#checkOpen()
    checkReaderOptions(options)
    const { clock } = this.#options
    const reader = new ReadOnlyReader(
      {
        clock,
        look: (topic, partitions) => this.#look(topic, partitions),
        closed: () => this.#readers.delete(reader),
      },
      options,
    )
    this.#readers.add(reader)
    return reader
  }

  /** The error for calls that a read-only log refuses. */
  refusal(what: string): MillraceError {
    return new MillraceError(
      'READ_ONLY',
      `The log in ${this.#path} was opened with { readOnly: true }: it ${what}. The process that has the log open for writing can do that.`,
    )
  }

  /** The options of the process that has the log open are not known here. */
  readonly admin: LogAdmin = {
    describeCluster: async () => {
      const { clusterId = null } = await this.#content()
      return { clusterId }
    },
    describeConfigs: async (resource, names) => {
      checkResource('describeConfigs', resource)
      checkConfigNames('describeConfigs', names)
      const { topics, configs } = await this.#content()
      return describedConfigs(configs, resource, names, name => {
        const topic = topics.find(each => each.name === name)
        if (topic) return topic.configs
        throw missingTopic(name, { advice: 'Check the name.' })
      })
    },
    describePartitions: async topic => {
      checkName('describePartitions', 'topic', topic)
      return this.#describePartitions(topic)
    },
    createPartitions: () => this.#refuse('adds no partitions'),
    alterConfigs: () => this.#refuse('changes no configs'),
    deleteRecords: () => this.#refuse('deletes no records'),
    listTransactions: async () => {
      const { states, open } = await this.#transactions()
      return describedFromLog(states, open)
    },
    openTransactions: async topic => {
      if (topic !== undefined) checkName('openTransactions', 'topic', topic)
      return (await this.#transactions(topic)).open
    },
    abortTransaction: () => this.#refuse('aborts no transactions'),
    describeGroup: async group => {
      checkName('describeGroup', 'group', group)
      return this.#committed(({ offsets }) => {
        const kept = offsets.kept.get(group)
        const committed = offsets.of(group)
        if (!offsets.names().has(group)) return undefined
        return describedGroup(group, kept, kept && kept.members.length > 0 ? 'Stable' : 'Empty', committed)
      })
    },
    deleteGroup: () => this.#refuse('deletes no groups'),
    deleteOffsets: () => this.#refuse('deletes no offsets'),
  }

  openWriter = (): Promise<Writer> => this.#refuse('publishes nothing')
  createTopic = (): Promise<void> => this.#refuse('creates no topics')
  deleteTopic = (): Promise<void> => this.#refuse('deletes no topics')
  joinGroup = (): Promise<GroupMembership> =>
    this.#refuse('has no consumer groups, but consumers without one read all partitions')
  commitOffsets = (): Promise<void> => this.#refuse('commits no offsets')
  setOffsets = (): Promise<void> => this.#refuse('commits no offsets')
  deleteApp = (): Promise<never> => this.#refuse('deletes no apps')
  lock = (): Promise<never> => this.#refuse('runs no apps')

  /** The offsets committed at the last look; does not wait for open transactions. */
  async committedOffsets(
    group: string,
    partitions: readonly TopicPartition[],
  ): Promise<(OffsetCommit | undefined)[]> {
    checkName('committedOffsets', 'group', group)
    checkPartitions('committedOffsets', partitions)
    const committed = await this.#committed(({ offsets, cut }) => {
      cut.check(group)
      return offsets.of(group)
    })
    return partitions.map(({ topic, partition }) =>
      committed?.find(each => each.topic === topic && each.partition === partition),
    )
  }

  async listGroups(): Promise<GroupDescription[]> {
    const groups = await this.#committed(({ offsets }) =>
      Array.from(offsets.names(), group => ({ group, members: undefined, offsets: offsets.of(group) })),
    )
    return groups ?? []
  }

  async close(): Promise<void> {
    this.#closed = true
    for (const reader of this.#readers) await reader.close()
  }

  async #refuse(what: string): Promise<never> {
    this.#checkOpen()
    throw this.refusal(what)
  }

  /** Reads the committed offsets; undefined in a folder that has none. */
  async #committed<T>(
    use: (found: { readonly offsets: Offsets; readonly cut: CutOffsets }) => T,
  ): Promise<T | undefined> {
    const topics = new Map((await this.listTopics({ internal: true })).map(({ name, id }) => [name, id]))
    if (!topics.has(offsetsTopic)) return undefined
    const { clock, disk } = this.#options
    const context = { clock, topicId: (topic: string) => topics.get(topic) }
    return this.#find(offsetsTopic, [0], async look => {
      const offsets = await Offsets.look(look.partition(0), context)
      offsets.checkUsable()
      return use({ offsets, cut: CutOffsets.look(await MetadataFile.open(disk, this.#path)) })
    })
  }

  async #describePartitions(name: string): Promise<PartitionDescription[]> {
    const { topics, configs } = await this.#content()
    const topic = topics.find(each => each.name === name)
    if (!topic) throw missingTopic(name, { advice: 'Check the name.' })
    const { compact } = configs.settingsOf(topic.configs)
    const indexes = [...Array(topic.partitions).keys()]
    return this.#find(name, indexes, look =>
      Promise.all(indexes.map(index => describedPartition(look.partition(index), compact))),
    )
  }

  /** The transactional ids, and what is open in the partitions of a topic, or of all. */
  async #transactions(
    topic?: string,
  ): Promise<{ readonly states: TransactionStates; readonly open: OpenTransaction[] }> {
    const topics = await this.listTopics({ internal: true })
    const looked = topics.filter(({ name }) => topic === undefined || name === topic)
    if (topic !== undefined && looked.length === 0) throw missingTopic(topic, { advice: 'Check the name.' })
    // The log of transactions last: it knows an id before a partition has a transaction of it.
    const open = await this.#openTransactions(looked)
    const states = await this.#transactionStates(topics.some(({ name }) => name === transactionsTopic))
    const idOf = new Map<number, string>()
    for (const [id, { producerId, nextProducerId }] of states)
      idOf.set(producerId, id).set(nextProducerId, id)
    return {
      states,
      open: open.map(each => {
        const transactionalId = idOf.get(each.producerId)
        return transactionalId === undefined ? each : { ...each, transactionalId }
      }),
    }
  }

  /** What is open in the partitions of these topics, by one look. */
  async #openTransactions(topics: readonly TopicDescription[]): Promise<OpenTransaction[]> {
    const counts = new Map(topics.map(({ name, partitions }) => [name, partitions]))
    const log = await this.#open((name, index) => index < (counts.get(name) ?? 0))
    try {
      return topics.flatMap(topic =>
        [...Array(topic.partitions).keys()].flatMap(index =>
          openIn(partitionOf(log, topic, index), () => undefined),
        ),
      )
    } finally {
      await log.close()
    }
  }

  async #transactionStates(areThere: boolean): Promise<TransactionStates> {
    if (!areThere) return new Map()
    return this.#find(transactionsTopic, [0], async look => {
      const { failure, states } = await TransactionLog.look(look.partition(0), this.#options.clock)
      if (failure) throw failure
      return states
    })
  }

  async #topics(): Promise<TopicDescription[]> {
    const { topics, configs } = await this.#content()
    return topics.map(topic => description(topic, configs.settingsOf(topic.configs)))
  }

  /** The topics and their configs, as the writer has saved them. */
  async #content(): Promise<{
    readonly clusterId: string | undefined
    readonly topics: readonly StoredTopic[]
    readonly configs: Configs
  }> {
    this.#checkOpen()
    const { disk } = this.#options
    // Opening checks the owner of the folder.
    const folder = await LogDirectory.open(this.#path, {
      ...this.#options,
      readOnly: true,
      only: () => false,
    })
    await folder.close()
    const metadata = await MetadataFile.open(disk, this.#path)
    const { clusterId, topics, brokerConfigs } = metadata.current
    return {
      clusterId,
      topics:
        metadata.origin === 'new'
          ? topicsByFolders(await disk.list(this.#path))
          : topics.filter(({ creating, deleting }) => !creating && !deleting),
      configs: new Configs(staticConfigs(), brokerConfigs),
    }
  }

  /** What `find` finds in these partitions as they are now. */
  async #find<T>(topic: string, partitions: readonly number[], find: (look: Look) => Promise<T>): Promise<T> {
    const outdated = new OutdatedLooks()
    for (;;) {
      const look = await this.#look(topic, partitions)
      try {
        return await find(look)
      } catch (error) {
        if (!outdated.add(error)) throw error
      } finally {
        await look.close()
      }
    }
  }

  /** These partitions of a topic as they are now. */
  async #look(topic: string, partitions: readonly number[]): Promise<Look> {
    const known = await this.describeTopic(topic)
    if (!known) throw missingTopic(topic, { needs: `looked for in ${this.#path}`, advice: 'Check the name.' })
    const log = await this.#open((name, index) => name === topic && partitions.includes(index))
    return {
      topicId: known.id,
      partition: index => partitionOf(log, known, index),
      close: () => log.close(),
    }
  }

  /** The directory with these of its partitions, as it is now. */
  #open(only: (topic: string, index: number) => boolean): Promise<LogDirectory> {
    return openAsItIs(this.#path, { ...this.#options, only })
  }

  #checkOpen(): void {
    if (this.#closed) throw new MillraceError('CLOSED', 'The log is closed.')
  }
}

function partitionOf(log: LogDirectory, { name, partitions }: TopicDescription, index: number): Partition {
  const partition = log.partition(name, index)
  if (partition) return partition
  throw new MillraceError(
    'UNKNOWN_PARTITION',
    `Topic '${name}' has the partitions 0 to ${partitions - 1}, not ${index}.`,
  )
}

/**
 * Topics by the folders of their partitions, for a log directory of Apache Kafka, which has no other list.
 */
function topicsByFolders(names: readonly string[]): StoredTopic[] {
  const counts = new Map<string, number>()
  for (const name of names) {
    const { topic, index } = parsePartitionFolder(name) ?? { topic: '', index: 0 }
    if (topic !== '') counts.set(topic, Math.max(counts.get(topic) ?? 0, index + 1))
  }
  return [...counts].map(([name, partitions]) => ({
    name,
    id: name,
    partitions,
    ...(internalTopics.includes(name) ? { internal: true } : {}),
  }))
}
