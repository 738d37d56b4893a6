/**
 * LogAdmin: what tools ask of a log beside {@link LogPort}: configs of topics, defaults for all topics,
 * groups, deletion of records. Names, values and rules are Kafka's
 * (https://kafka.apache.org/documentation/#topicconfigs).
 */

import type { GroupDetails, TopicPartition } from './log-port.ts'

/** Kafka's topic configs, as of 4.3. docs/topics.md says what each does. */
export type TopicConfigName =
  | 'cleanup.policy'
  | 'compression.gzip.level'
  | 'compression.lz4.level'
  | 'compression.type'
  | 'compression.zstd.level'
  | 'delete.retention.ms'
  | 'file.delete.delay.ms'
  | 'flush.messages'
  | 'flush.ms'
  | 'follower.replication.throttled.replicas'
  | 'index.interval.bytes'
  | 'leader.replication.throttled.replicas'
  | 'local.retention.bytes'
  | 'local.retention.ms'
  | 'max.compaction.lag.ms'
  | 'max.message.bytes'
  | 'message.timestamp.after.max.ms'
  | 'message.timestamp.before.max.ms'
  | 'message.timestamp.type'
  | 'min.cleanable.dirty.ratio'
  | 'min.compaction.lag.ms'
  | 'min.insync.replicas'
  | 'preallocate'
  | 'remote.log.copy.disable'
  | 'remote.log.delete.on.disable'
  | 'remote.storage.enable'
  | 'retention.bytes'
  | 'retention.ms'
  | 'segment.bytes'
  | 'segment.index.bytes'
  | 'segment.jitter.ms'
  | 'segment.ms'
  | 'unclean.leader.election.enable'

/** A config's value: Kafka's text, or a number or flag that is written as one. */
export type ConfigValue = string | number | boolean

/** Configs by Kafka's names for topics: `{ 'cleanup.policy': 'compact', 'segment.bytes': 1 << 20 }`. */
export type TopicConfigs = Readonly<Partial<Record<TopicConfigName | (string & {}), ConfigValue>>>

/** Configs by Kafka's names for brokers: `{ 'log.retention.hours': 168 }`. */
export type BrokerConfigs = Readonly<Record<string, ConfigValue>>

/** What is configured: a topic, or with `broker` the defaults of all topics. */
export type ConfigResource = { readonly type: 'topic'; readonly name: string } | { readonly type: 'broker' }

/**
 * Where a value comes from, by precedence: the topic's own config, the broker's default that
 * {@link LogAdmin.alterConfigs} has set, the option with which the log was opened, Kafka's default.
 */
export type ConfigSource = 'topic' | 'broker' | 'static' | 'default'

/** A value by one of the names of a config. */
export interface ConfigSynonym {
  readonly name: string
  readonly value: string
  readonly source: ConfigSource
}

/** A config, with its present value. */
export interface ConfigDescription {
  readonly name: string
  /** Null: the broker's config is not set, and one of its synonyms decides. */
  readonly value: string | null
  readonly source: ConfigSource
  /** All values by precedence; the first one holds. */
  readonly synonyms: readonly ConfigSynonym[]
  readonly type: 'boolean' | 'string' | 'int' | 'long' | 'double' | 'list'
  /** Only an option at opening sets it. */
  readonly readOnly: boolean
  /** What it does, in one line. For a config that takes only its default: the reason. */
  readonly documentation: string
}

/**
 * A change of one config (KIP-339). `delete` returns to the default; `append` and `subtract` add items to a
 * list, and take them off.
 */
export type ConfigChange =
  | { readonly name: string; readonly op: 'set' | 'append' | 'subtract'; readonly value: ConfigValue }
  | { readonly name: string; readonly op: 'delete' }

/** A log as a whole. */
export interface ClusterDescription {
  /**
   * Identifies the log, in Kafka's form of ids (22 characters of base64url); durable. Null: a log that is
   * opened read-only has none yet.
   */
  readonly clusterId: string | null
}

/** The state of a transaction, by Kafka's names. Prepared: decided, and not yet marked in all partitions. */
export type TransactionState =
  | 'Empty'
  | 'Ongoing'
  | 'PrepareCommit'
  | 'PrepareAbort'
  | 'CompleteCommit'
  | 'CompleteAbort'

/** A transactional id, and its present or last transaction. */
export interface TransactionDescription {
  readonly transactionalId: string
  readonly producerId: number
  readonly producerEpoch: number
  readonly state: TransactionState
  /** An open transaction is aborted after this long. */
  readonly timeoutMs: number
  /** Where an open transaction takes part. */
  readonly partitions: readonly TopicPartition[]
  /** When the present or last transaction began, in ms since the epoch. Missing where it is not known. */
  readonly startedMs?: number
}

/** A transaction that is open in a partition: `read_committed` ends before it. */
export interface OpenTransaction extends TopicPartition {
  readonly producerId: number
  readonly producerEpoch: number
  readonly firstOffset: number
  /** Missing where it hangs: no transactional id knows of it, so nobody will end it. */
  readonly transactionalId?: string
}

/** Which transaction to abort: that of a transactional id, or one that hangs in a partition. */
export type TransactionToAbort =
  | { readonly transactionalId: string }
  | (TopicPartition & { readonly producerId: number })

/** Why something is refused, for people. */
export interface Reason {
  /** The code of a MillraceError. */
  readonly code: string
  readonly message: string
}

/** A partition of a topic: see {@link LogAdmin.describePartitions}. */
export interface PartitionDescription {
  readonly partition: number
  /** The offset of the first record. */
  readonly startOffset: number
  /** The readable end under read_committed. */
  readonly endOffset: number
  /**
   * Why the partition refuses its calls, as one that is damaged does. The offsets are then those that were
   * known last.
   */
  readonly failure?: Reason
  /**
   * Why the partition of a compacted topic is not compacted any more, as with a record without a key. Kafka
   * calls it uncleanable. The next start of the log tries again. Kafka's protocol does not tell it.
   */
  readonly uncleanable?: Reason
}

/** The administration of a log. */
export interface LogAdmin {
  /**
   * The log itself, as Kafka's DescribeCluster. Its id is given when it is first asked for.
   * @throws MillraceError DISK_FULL
   */
  describeCluster(): Promise<ClusterDescription>
  /**
   * All configs of a topic, or the broker's defaults for topics; or those of `names` that exist.
   * @throws MillraceError UNKNOWN_TOPIC
   */
  describeConfigs(resource: ConfigResource, names?: readonly string[]): Promise<ConfigDescription[]>
  /**
   * The partitions of a topic, by index. Waits for those that are being recovered.
   * @throws MillraceError UNKNOWN_TOPIC; PARTITION_DAMAGED for a topic with missing files
   */
  describePartitions(topic: string): Promise<PartitionDescription[]>
  /**
   * Raises the partition count of a topic. Consumers in groups share the new partitions; a key may then be in
   * another partition than its earlier records. Durable when this resolves. `validateOnly` checks, and
   * changes nothing.
   * @throws MillraceError UNKNOWN_TOPIC; INVALID_ARGUMENT for a count that is not larger, and for an internal
   *   topic; DISK_FULL
   */
  createPartitions(
    topic: string,
    partitions: number,
    options?: { readonly validateOnly?: boolean },
  ): Promise<void>
  /**
   * Changes configs: all of the changes, or none. They hold at once, and are durable when this resolves.
   * `validateOnly` checks them, and changes nothing.
   * @throws MillraceError UNKNOWN_TOPIC; INVALID_CONFIG for an unknown name, a value out of range, or a
   *   config that takes only its default; INVALID_ARGUMENT for an internal topic of the log; DISK_FULL
   */
  alterConfigs(
    resource: ConfigResource,
    changes: readonly ConfigChange[],
    options?: { readonly validateOnly?: boolean },
  ): Promise<void>
  /** The members of a group, what they share, and its offsets. Undefined for an unknown group. */
  describeGroup(group: string): Promise<GroupDetails | undefined>
  /**
   * Deletes a group without members, with its offsets.
   * @throws MillraceError UNKNOWN_GROUP; GROUP_NOT_EMPTY; INVALID_ARGUMENT for the group of an app
   */
  deleteGroup(group: string): Promise<void>
  /**
   * Deletes the offsets of a group for partitions that no member reads.
   * @throws MillraceError UNKNOWN_GROUP; GROUP_SUBSCRIBED_TO_TOPIC; INVALID_ARGUMENT for the group of an app
   */
  deleteOffsets(group: string, partitions: readonly TopicPartition[]): Promise<void>
  /**
   * Deletes the records of a partition below `offset`; -1 is its present end (the high watermark). Resolves
   * with the partition's first offset when that is durable. Readers below it get OFFSET_OUT_OF_RANGE. `app`
   * names the owner of a topic that is internal to an app.
   * @throws MillraceError UNKNOWN_TOPIC, UNKNOWN_PARTITION; OFFSET_OUT_OF_RANGE above the end;
   *   POLICY_VIOLATION where only compaction removes records; INVALID_ARGUMENT for an internal topic of the
   *   log, or of another app; DISK_FULL
   */
  deleteRecords(
    topic: string,
    partition: number,
    offset: number,
    options?: { readonly app?: string },
  ): Promise<number>
  /** The transactional ids that the log knows (KIP-664). A read-only log shows them as they are written. */
  listTransactions(): Promise<TransactionDescription[]>
  /** Transactions that are open in partitions: of one topic, or of all, internal ones included (KIP-664). */
  openTransactions(topic?: string): Promise<OpenTransaction[]>
  /**
   * Aborts a transaction. The producer of a transactional id is fenced, as by a new writer (KIP-994). One
   * that hangs gets an abort marker in its partition, and nothing else changes.
   * @throws MillraceError INVALID_PRODUCER_ID_MAPPING for an unknown id; INVALID_TXN_STATE: no transaction is
   *   open, or it does not hang, but belongs to a transactional id; UNKNOWN_TOPIC, UNKNOWN_PARTITION,
   *   DISK_FULL
   */
  abortTransaction(transaction: TransactionToAbort): Promise<void>
}
