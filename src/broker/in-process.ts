/** LogPort in process: calls of the broker, with readers and writers that pass batches without copies. */
import { LentMemory, type Clock } from '../base/index.ts'
import {
  asFenced,
  checkDeletion,
  checkGroupCommit,
  checkGroupOptions,
  checkListing,
  checkLock,
  checkName,
  checkNewTopic,
  checkOffsetSpec,
  checkPartitions,
  checkPlace,
  checkReaderOptions,
  checkTopics,
  checkWriterOptions,
  type GroupCommit,
  type GroupDescription,
  GroupMember,
  type GroupMemberContext,
  type GroupMembership,
  type GroupOptions,
  type Isolation,
  type LogAdmin,
  type LogPort,
  type OffsetCommit,
  type OffsetSpec,
  type PartitionCounts,
  type Reader,
  type ReaderOptions,
  type TopicConfig,
  type TopicDescription,
  type TopicPartition,
  type Writer,
  type WriterOptions,
} from '../port/index.ts'
import type { OpenWriter } from './apps.ts'
import { Broker } from './broker.ts'
import type { Entrance } from './entrances.ts'
import type { BrokerOptions } from './open-parts.ts'
import { inProcessHost } from './groups/group.ts'
import { InProcessReader } from './reader.ts'
import { KafkaServer, type KafkaServerOptions } from './server/kafka-server.ts'
import { PlainWriter, TransactionalWriter, type WriterContext } from './writer.ts'

const transactionTimeoutMsDefault = 60_000

/** Fetched bytes that readers hold, past which they read little ahead. */
const fetchMemoryBytesDefault = 64 * 1024 * 1024
/** The part of it that is kept while nobody reads. */
const keptFetchBytesMax = 8 * 1024 * 1024

export interface InProcessLogOptions extends BrokerOptions {
  /**
   * Bytes of fetched batches, of all readers together. Past them a partition reads nothing ahead, and little
   * at a time. Default 64 MiB.
   */
  readonly fetchMemoryBytes?: number | undefined
}

export class InProcessLog implements LogPort {
  readonly #broker: Broker
  readonly #clock: Clock
  readonly #clients = new Clients()
  readonly #fetchMemory: LentMemory
  readonly #writerContext: WriterContext

  private constructor(broker: Broker, { clock, fetchMemoryBytes }: InProcessLogOptions) {
    this.#broker = broker
    this.#clock = clock
    const lentBytesMax = fetchMemoryBytes ?? fetchMemoryBytesDefault
    this.#fetchMemory = new LentMemory({
      lentBytesMax,
      keptBytesMax: Math.min(lentBytesMax, keptFetchBytesMax),
    })
    broker.attach(this.#clients)
    const { writers } = this.#clients
    this.#writerContext = {
      clock,
      unrecovered: (topic, index) => broker.unrecovered(topic, index),
      writable: (topic, index, app) => broker.writable(topic, index, app),
      transactions: broker.transactions,
      offsets: broker.offsets,
      finishDeletion: group => broker.finishDeletion(group),
      checkCommit: commit => fencing(() => broker.checkCommit(commit, { isTransactional: true })),
      closed: writer => writers.delete(writer),
    }
  }

  /**
   * Opens the log in a folder, and creates a missing one. After a crash the partitions of users are recovered
   * beside their calls.
   * @throws MillraceError DATA_DIR_IN_USE, DATA_DIR_FOREIGN, DATA_DIR_UNREADABLE
   */
  static async open(path: string, options: InProcessLogOptions): Promise<InProcessLog> {
    return new InProcessLog(await Broker.open(path, options), options)
  }

  get admin(): LogAdmin {
    return this.#broker.admin
  }

  async createTopic(name: string, config: TopicConfig): Promise<void> {
    checkNewTopic(name, config)
    return this.#broker.createTopic(name, config)
  }

  async describeTopic(name: string): Promise<TopicDescription | undefined> {
    checkName('describeTopic', 'name', name)
    return this.#broker.describeTopic(name)
  }

  async listTopics(options: { readonly internal?: boolean } = {}): Promise<TopicDescription[]> {
    checkListing(options)
    return this.#broker.listTopics(options.internal ?? false)
  }

  async deleteTopic(name: string, options: { readonly app?: string } = {}): Promise<void> {
    checkDeletion(name, options)
    return this.#broker.deleteTopic(name, options.app)
  }

  async offsets(
    topic: string,
    index: number,
    at: OffsetSpec,
    isolation: Isolation = 'read_committed',
  ): Promise<number> {
    checkPlace('offsets', topic, index)
    checkOffsetSpec('offsets', at, isolation)
    return this.#broker.offsetAt(topic, index, at, isolation)
  }

  async openReader(options: ReaderOptions = {}): Promise<Reader> {
    checkReaderOptions(options)
    this.#broker.checkOpen()
    const { readers } = this.#clients
    const context = {
      clock: this.#clock,
      memory: this.#fetchMemory,
      unrecovered: (topic: string, index: number) => this.#broker.unrecovered(topic, index),
      partition: (topic: string, index: number) => this.#broker.partition(topic, index),
      closed: (reader: InProcessReader) => readers.delete(reader),
    }
    const reader = new InProcessReader(context, options)
    readers.add(reader)
    return reader
  }

  async openWriter(options: WriterOptions = {}): Promise<Writer> {
    checkWriterOptions(options)
    const { transactionalId, transactionTimeoutMs = transactionTimeoutMsDefault, app } = options
    this.#broker.checkOpen()
    if (app !== undefined) await this.#broker.finishDeletion(app)
    const writer =
      transactionalId === undefined
        ? new PlainWriter(this.#writerContext, await this.#broker.newProducer(), app)
        : new TransactionalWriter(
            this.#writerContext,
            transactionalId,
            await this.#broker.transactions.init({ transactionalId, timeoutMs: transactionTimeoutMs }),
            app,
          )
    this.#clients.writers.add(writer)
    return writer
  }

  async joinGroup(options: GroupOptions): Promise<GroupMembership> {
    checkGroupOptions(options)
    this.#broker.checkOpen()
    const { active, groups } = this.#broker
    const { members } = this.#clients
    const topics = options.topics.flat()
    checkTopics(options, new Map(topics.map(topic => [topic, this.#broker.partitionCount(topic)])))
    const context: GroupMemberContext = {
      coordinator: groups,
      active,
      clientId: 'millrace',
      clientHost: inProcessHost,
      counts: async all => this.#countsOf(all),
      ended: member => members.delete(member),
    }
    const member = new GroupMember(context, options)
    members.add(member)
    return member.join()
  }

  async committedOffsets(
    group: string,
    partitions: readonly TopicPartition[],
  ): Promise<(OffsetCommit | undefined)[]> {
    checkName('committedOffsets', 'group', group)
    checkPartitions('committedOffsets', partitions)
    return this.#broker.groupOffsets.committed(group, partitions)
  }

  async commitOffsets(commit: GroupCommit): Promise<void> {
    checkGroupCommit('commitOffsets', commit)
    try {
      await this.#broker.groupOffsets.commit(commit)
    } catch (error) {
      throw asFenced(error)
    }
  }

  async listGroups(): Promise<GroupDescription[]> {
    return this.#broker.groupOffsets.list()
  }

  setOffsets(group: string, offsets: readonly OffsetCommit[]): Promise<void> {
    return this.#broker.groupOffsets.set(group, offsets)
  }

  deleteApp(app: string): Promise<boolean> {
    return this.#broker.deleteApp(app)
  }

  async lock(name: string, holder: string): Promise<{ release(): Promise<void> }> {
    checkLock(name, holder)
    return this.#broker.lock(name, holder)
  }

  /**
   * Serves the log over Kafka's protocol as well, until the server or the log is closed.
   * @throws MillraceError ADDRESS_IN_USE, ADDRESS_UNAVAILABLE, CLOSED
   */
  listen(options: Omit<KafkaServerOptions, 'clock'> & { readonly clock?: Clock }): Promise<KafkaServer> {
    return KafkaServer.listen(this.#broker, { clock: this.#clock, ...options })
  }

  close(): Promise<void> {
    return this.#broker.close()
  }

  #countsOf(topics: readonly string[]): PartitionCounts {
    const counts = new Map<string, number>()
    for (const topic of topics) {
      const found = this.#broker.describeTopic(topic)
      if (found) counts.set(topic, found.partitions)
    }
    return counts
  }
}

/** A refused commit as users of LogPort know it. */
function fencing(check: () => void): void {
  try {
    check()
  } catch (error) {
    throw asFenced(error)
  }
}

/** The readers, writers and members that there are. */
class Clients implements Entrance {
  readonly readers = new Set<InProcessReader>()
  readonly writers = new Set<PlainWriter | TransactionalWriter>()
  readonly members = new Set<GroupMember>()

  topicDeleted(topic: string): void {
    for (const reader of this.readers) reader.topicDeleted(topic)
    for (const member of this.members) member.topicDeleted(topic)
  }

  topicGrown(topic: string): void {
    for (const member of this.members) member.topicGrown(topic)
  }

  async leaveGroups(): Promise<void> {
    await Promise.all(Array.from(this.members, member => member.leave()))
  }

  openWriters(): Iterable<OpenWriter> {
    return this.writers
  }

  async close(): Promise<void> {
    for (const reader of this.readers) await reader.close()
    for (const writer of this.writers) await writer.close()
  }
}
