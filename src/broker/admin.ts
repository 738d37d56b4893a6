/** Administration of the broker: LogAdmin, and what only requests of Kafka's tools ask for. */
import {
  checkOptions,
  checkTopicName,
  MillraceError,
  randomUuid,
  type DiskSpace,
  type Random,
} from '../base/index.ts'
import { diskError, type LogDirectory, type Partition } from '../log/index.ts'
import {
  checkConfigChanges,
  checkConfigNames,
  checkName,
  checkPartitions,
  checkPlace,
  checkResource,
  checkTransactionToAbort,
  type ClusterDescription,
  type ConfigChange,
  type ConfigDescription,
  type ConfigResource,
  type GroupDetails,
  type LogAdmin,
  type OpenTransaction,
  type PartitionDescription,
  type TopicConfigName,
  type TopicConfigs,
  type TopicPartition,
  type TransactionDescription,
  type TransactionToAbort,
} from '../port/index.ts'
import {
  brokerOnlyConfigs,
  brokerSynonyms,
  checkBrokerConfig,
  checkTopicConfig,
  isBrokerConfig,
} from './configs/broker-configs.ts'
import { changedConfigs } from './configs/changes.ts'
import { invalid, type ConfigTexts } from './configs/values.ts'
import { describedConfigs, type Configs } from './configs/configs.ts'
import type { GroupAdmin } from './groups/group-admin.ts'
import type { MetadataFile } from './internal/metadata.ts'
import type { Offsets } from './offsets/offsets.ts'
import { topicConfig, topicConfigs } from './configs/topic-configs.ts'
import { checkedConfigs } from './topics/topic-checks.ts'
import { describedPartition } from './topics/topic-descriptions.ts'
import { usePartition } from './topics/topic-partitions.ts'
import type { Topics } from './topics/topics.ts'
import {
  abortHanging,
  appendRequestedMarker,
  openIn,
  producersIn,
  type PartitionProducer,
  type RequestedMarker,
} from './transactions/transaction-admin.ts'
import type { Transactions } from './transactions/transactions.ts'

export interface AdminParts {
  readonly random: Random
  readonly log: LogDirectory
  readonly transactions: Transactions
  readonly metadata: MetadataFile
  readonly topics: Topics
  readonly configs: Configs
  readonly offsets: Offsets
  /** The partition, which users or the app may write; else it throws: see `Broker.writable`. */
  writable(topic: string, index: number, app: string | undefined): Partition
  readonly groups: GroupAdmin
  /** Throws CLOSED. */
  checkOpen(): void
}

export interface LogDirectoryDescription {
  readonly path: string
  /** Undefined where the system does not tell. */
  readonly space: DiskSpace | undefined
  /** Of the records of each partition that was asked for. */
  readonly bytes: readonly (number | undefined)[]
}

export class Admin implements LogAdmin {
  readonly #parts: AdminParts

  constructor(parts: AdminParts) {
    this.#parts = parts
  }

  /** The data directory. */
  get path(): string {
    return this.#parts.log.path
  }

  async describeCluster(): Promise<ClusterDescription> {
    this.#parts.checkOpen()
    const { metadata, random } = this.#parts
    // Durable before it is shown.
    if (metadata.current.clusterId === undefined)
      await metadata.update(content => ({ ...content, clusterId: content.clusterId ?? randomUuid(random) }))
    return { clusterId: metadata.current.clusterId ?? null }
  }

  async describeConfigs(resource: ConfigResource, names?: readonly string[]): Promise<ConfigDescription[]> {
    this.#parts.checkOpen()
    checkResource('describeConfigs', resource)
    checkConfigNames('describeConfigs', names)
    const { configs, topics } = this.#parts
    return describedConfigs(configs, resource, names, name => topics.known(name).configs)
  }

  /**
   * All configs that a topic with these own configs has; it need not be there.
   * @throws MillraceError INVALID_CONFIG
   */
  describeTopicConfigs(own: TopicConfigs): ConfigDescription[] {
    return this.#parts.configs.describeTopic(checkedConfigs(own))
  }

  async describePartitions(topic: string): Promise<PartitionDescription[]> {
    this.#parts.checkOpen()
    checkName('describePartitions', 'topic', topic)
    const { topics, transactions } = this.#parts
    const { partitions } = topics.known(topic)
    const describe = (index: number): Promise<PartitionDescription> =>
      usePartition(topics, topic, index, async partition => {
        await transactions.outcomesVisible(partition)
        // One that was deleted refuses as well, but is not there any more.
        topics.check(topic, index)
        return describedPartition(partition, partition.settings.compact)
      })
    return Promise.all(Array.from({ length: partitions }, (_, index) => describe(index)))
  }

  async alterConfigs(
    resource: ConfigResource,
    changes: readonly ConfigChange[],
    options: { readonly validateOnly?: boolean } = {},
  ): Promise<void> {
    this.#parts.checkOpen()
    checkResource('alterConfigs', resource)
    checkConfigChanges('alterConfigs', changes)
    checkOptions('alterConfigs', options, { validateOnly: 'boolean' })
    await this.#alter(resource, () => changes, options.validateOnly ?? false)
  }

  /**
   * As {@link alterConfigs}, but a deletion of a config that does not exist changes nothing, as in Kafka: its
   * tools delete what they may have set.
   */
  async alterKnownConfigs(
    resource: ConfigResource,
    changes: readonly ConfigChange[],
    validateOnly: boolean,
  ): Promise<void> {
    this.#parts.checkOpen()
    const isKnown = (name: string): boolean =>
      resource.type === 'topic' ? topicConfig(name) !== undefined : isBrokerConfig(name)
    const some = (own: ConfigTexts): readonly ConfigChange[] =>
      changes.filter(({ name, op }) => op !== 'delete' || Object.hasOwn(own, name) || isKnown(name))
    await this.#alter(resource, some, validateOnly)
  }

  /**
   * Replaces the configs of a resource: those that it has set, and that are not given, return to their
   * defaults. Otherwise as {@link alterConfigs}.
   */
  async replaceConfigs(
    resource: ConfigResource,
    configs: readonly { readonly name: string; readonly value: string }[],
    validateOnly: boolean,
  ): Promise<void> {
    this.#parts.checkOpen()
    const names = new Set(configs.map(({ name }) => name))
    const sets = configs.map((each): ConfigChange => ({ ...each, op: 'set' }))
    const changes = (own: ConfigTexts): readonly ConfigChange[] => [
      ...sets,
      ...Object.keys(own).flatMap((name): ConfigChange[] =>
        names.has(name) ? [] : [{ name, op: 'delete' }],
      ),
    ]
    await this.#alter(resource, changes, validateOnly)
  }

  /**
   * The data directory, with the bytes of these partitions; undefined: the partition is not there.
   * @throws MillraceError DISK_FAILED
   */
  async describeLogDirectory(partitions: readonly TopicPartition[]): Promise<LogDirectoryDescription> {
    this.#parts.checkOpen()
    const { log } = this.#parts
    try {
      return {
        path: log.path,
        space: await log.space(),
        bytes: await Promise.all(partitions.map(each => log.partitionBytes(each.topic, each.partition))),
      }
    } catch (error) {
      throw diskError(error, `looking at the files in ${log.path}`)
    }
  }

  async createPartitions(
    topic: string,
    partitions: number,
    options: { readonly validateOnly?: boolean } = {},
  ): Promise<void> {
    this.#parts.checkOpen()
    checkName('createPartitions', 'topic', topic)
    checkOptions('createPartitions', options, { validateOnly: 'boolean' })
    await this.#parts.topics.grow(topic, partitions, options.validateOnly ?? false)
  }

  async describeGroup(group: string): Promise<GroupDetails | undefined> {
    this.#parts.checkOpen()
    checkName('describeGroup', 'group', group)
    return this.#parts.groups.describe(group)
  }

  async deleteGroup(group: string): Promise<void> {
    this.#parts.checkOpen()
    checkName('deleteGroup', 'group', group)
    await this.#parts.groups.delete(group)
  }

  async deleteOffsets(group: string, partitions: readonly TopicPartition[]): Promise<void> {
    this.#parts.checkOpen()
    checkName('deleteOffsets', 'group', group)
    checkPartitions('deleteOffsets', partitions)
    await this.#parts.groups.deleteOffsets(group, partitions)
  }

  async deleteRecords(
    topic: string,
    index: number,
    offset: number,
    options: { readonly app?: string } = {},
  ): Promise<number> {
    this.#parts.checkOpen()
    checkPlace('deleteRecords', topic, index)
    checkOptions('deleteRecords', options, { app: 'string' })
    return usePartition(this.#parts.topics, topic, index, async () => {
      const partition = this.#parts.writable(topic, index, options.app)
      const { settings } = partition
      if (settings.compact && !settings.delete)
        throw new MillraceError(
          'POLICY_VIOLATION',
          `Records of '${topic}' cannot be deleted by offset: it is compacted only. Add 'delete' to its cleanup.policy.`,
        )
      if (!Number.isSafeInteger(offset) || offset < -1)
        throw new MillraceError(
          'OFFSET_OUT_OF_RANGE',
          `${offset} is not an offset: give the first offset to keep, or -1 to delete all records.`,
        )
      return partition.deleteRecords(offset === -1 ? partition.highWatermark : offset)
    })
  }

  async listTransactions(): Promise<TransactionDescription[]> {
    this.#parts.checkOpen()
    return this.#parts.transactions.list()
  }

  /** One of {@link listTransactions}; undefined: the id is not known. */
  async describeTransaction(transactionalId: string): Promise<TransactionDescription | undefined> {
    this.#parts.checkOpen()
    return this.#parts.transactions.describe(transactionalId)
  }

  /**
   * The producers that a partition remembers (DescribeProducers).
   * @throws MillraceError UNKNOWN_TOPIC, UNKNOWN_PARTITION; INVALID_ARGUMENT: no topic can have the name
   */
  async describeProducers(topic: string, index: number): Promise<PartitionProducer[]> {
    this.#parts.checkOpen()
    checkTopicName(topic)
    return usePartition(this.#parts.topics, topic, index, async partition => producersIn(partition))
  }

  /**
   * Ends a transaction that hangs in a partition, as a tool says it (WriteTxnMarkers).
   * @throws MillraceError as {@link appendRequestedMarker}; UNKNOWN_TOPIC, UNKNOWN_PARTITION
   */
  async writeMarker(topic: string, index: number, marker: RequestedMarker): Promise<void> {
    this.#parts.checkOpen()
    const { offsets, topics, transactions } = this.#parts
    const { producerId, type } = marker
    await usePartition(topics, topic, index, async partition => {
      await appendRequestedMarker(partition, marker, transactions.idOf(producerId, partition))
      if (partition === offsets.partition) offsets.ended(producerId, type)
    })
  }

  async openTransactions(topic?: string): Promise<OpenTransaction[]> {
    this.#parts.checkOpen()
    if (topic !== undefined) checkName('openTransactions', 'topic', topic)
    const { log, topics, transactions } = this.#parts
    if (topic !== undefined) topics.known(topic)
    const isAsked = (partition: { readonly topic: string }): boolean =>
      topic === undefined || partition.topic === topic
    const unrecovered = [...log.unrecovered()].filter(isAsked)
    await Promise.all(unrecovered.map(partition => partition.once(() => undefined)))
    return [...log.partitions()]
      .filter(isAsked)
      .flatMap(partition => openIn(partition, producerId => transactions.idOf(producerId, partition)))
  }

  async abortTransaction(transaction: TransactionToAbort): Promise<void> {
    this.#parts.checkOpen()
    checkTransactionToAbort('abortTransaction', transaction)
    const { offsets, topics, transactions } = this.#parts
    if ('transactionalId' in transaction) return transactions.abort(transaction.transactionalId)
    const { topic, partition, producerId } = transaction
    await usePartition(topics, topic, partition, async target => {
      await abortHanging(target, producerId, transactions.idOf(producerId, target))
      if (target === offsets.partition) offsets.ended(producerId, 'abort')
    })
  }

  /** `changes`: given what the resource has set. */
  async #alter(
    resource: ConfigResource,
    changes: (own: ConfigTexts) => readonly ConfigChange[],
    validateOnly: boolean,
  ): Promise<void> {
    const { metadata, configs, topics } = this.#parts
    if (resource.type === 'topic') {
      const change = (own: ConfigTexts): ConfigTexts => this.#changedTopic(own, changes(own))
      return topics.alterConfigs(resource.name, change, validateOnly)
    }
    const change = (own: ConfigTexts): ConfigTexts => this.#changedBroker(own, changes(own))
    if (validateOnly) {
      change(configs.altered)
      return
    }
    let next: ConfigTexts = {}
    await metadata.update(content => {
      next = change(content.brokerConfigs)
      return { ...content, brokerConfigs: next }
    })
    configs.alter(next)
    topics.reconfigure()
  }

  #changedTopic(own: ConfigTexts, changes: readonly ConfigChange[]): ConfigTexts {
    const { configs } = this.#parts
    const next = changedConfigs(
      {
        own,
        kindOf: name => topicConfig(name)?.kind,
        inherited: name => configs.value(name as TopicConfigName, {}),
        check: checkTopicConfig,
      },
      changes,
    )
    configs.checkTogether(next)
    return next
  }

  #changedBroker(own: ConfigTexts, changes: readonly ConfigChange[]): ConfigTexts {
    const { configs } = this.#parts
    const next = changedConfigs(
      {
        own,
        kindOf: name => {
          const synonym = brokerSynonyms.get(name)
          return synonym && topicConfigs[synonym.topicConfig].kind
        },
        inherited: name => configs.with({}).value(brokerSynonyms.get(name)!.topicConfig, {}),
        check: (name, text) => {
          const synonym = brokerSynonyms.get(name)
          if (Object.hasOwn(brokerOnlyConfigs, name))
            throw invalid(name, 'is read when the log is opened: give it as an option there')
          if (synonym && !synonym.isFirst) {
            const instead = topicConfigs[synonym.topicConfig].broker[0]!.name
            throw invalid(name, `is read when the log is opened: alter '${instead}' instead`)
          }
          checkBrokerConfig(name, text)
        },
      },
      changes,
    )
    configs.with(next).checkTogether()
    return next
  }
}
