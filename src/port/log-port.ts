/**
 * LogPort: the one interface between a log and its users.
 *
 * Each implementation, the broker in process or a client of a Kafka cluster, passes the same conformance
 * suite (`port/conformance/`). It moves **raw record batches**: nothing on this interface happens once per
 * record.
 *
 * Offsets, timestamps (ms since the epoch) and producer ids are JS numbers, safe up to 2^53.
 */
import type { RecordBatch } from '../wire/index.ts'
import type { GroupMembership, GroupOptions } from './group/membership.ts'
import type { LogAdmin, TopicConfigs } from './log-admin.ts'

export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

/** The configuration of a new topic. */
export interface TopicConfig {
  /** How many partitions; fixed for the topic's life. */
  readonly partitions: number
  /**
   * Kafka's topic configs: `{ 'cleanup.policy': 'compact', 'retention.bytes': 1e9 }`. For the others the
   * log's defaults hold, also where these change later. {@link LogAdmin.alterConfigs} changes them.
   */
  readonly configs?: TopicConfigs
  /**
   * Makes the topic internal to an app: it is hidden, only writers of the app ({@link WriterOptions.app})
   * write it, it is deleted with the app, and unless `configs` say otherwise nothing is dropped from it. A
   * topic `<app>-…-changelog` or `<app>-…-repartition` that millrace 0.1.0 made, which marked none as an
   * app's, becomes the app's.
   */
  readonly app?: string
}

/** An existing topic. */
export interface TopicDescription {
  readonly name: string
  /** Identifies the topic, also among earlier and later topics of the same name. */
  readonly id: string
  /** How many; they are numbered from 0. */
  readonly partitions: number
  /** Its partitions, its present configs, its app. */
  readonly config: TopicConfig
  /**
   * Bytes of the largest batch that it takes: its `max.message.bytes`, but a batch does not span segments. A
   * record whose batch would be larger is refused with RECORD_TOO_LARGE.
   */
  readonly batchBytesMax: number
  /** Internal: a topic of the log, as `__consumer_offsets`, or of an app ({@link TopicConfig.app}). */
  readonly internal: boolean
}

/** Where a group is, in Kafka's words: `Stable` while its members work, in between while they share. */
export type GroupState = 'Empty' | 'PreparingRebalance' | 'CompletingRebalance' | 'Stable' | 'Dead'

/** A consumer group, or the group of an app. */
export interface GroupDescription {
  readonly group: string
  /** The present number of members; undefined in a read-only log, which does not show it. */
  readonly members: number | undefined
  /** Its committed offsets, without those of open transactions. */
  readonly offsets: readonly OffsetCommit[]
}

/** A group as its coordinator has it; in a read-only log as it was last kept. */
export interface GroupDetails {
  readonly group: string
  readonly state: GroupState
  /** `consumer`; undefined for a group that has never had members. */
  readonly protocolType: string | undefined
  /** The assignor that its members have in common. */
  readonly protocol: string | undefined
  /** How often it has shared its partitions. */
  readonly generation: number
  readonly members: readonly GroupMemberDetails[]
  /** Its committed offsets, without those of open transactions. */
  readonly offsets: readonly OffsetCommit[]
}

export interface GroupMemberDetails {
  readonly memberId: string
  readonly instanceId: string | undefined
  readonly clientId: string
  readonly clientHost: string
  readonly assignment: readonly TopicPartition[]
}

/** `read_committed` never shows records of open or aborted transactions. */
export type Isolation = 'read_uncommitted' | 'read_committed'

/**
 * A position to look up: the two ends, the first record with the largest timestamp, or the first record at
 * or after a timestamp. Without such a record, the end. (Kafka's ListOffsets: -2 and -4, -1, -3 (KIP-734), or
 * the time. Nothing is tiered here, so the earliest local offset is the earliest.)
 */
export type OffsetSpec = 'earliest' | 'latest' | 'max-timestamp' | { readonly timestamp: number }

/** Where reading may start. */
export type StartSpec = Exclude<OffsetSpec, 'max-timestamp'>

/**
 * One fetched record batch, in memory that the reader lends. It is valid until the next {@link Reader.take}
 * of its partition, until {@link Reader.assign} drops the partition, or until {@link Reader.close}. Then its
 * bytes are overwritten: a caller that keeps them copies them.
 *
 * Control batches and batches of aborted transactions are filtered out, so offsets may have gaps: continue
 * from `nextOffset`, never from the last record seen plus one.
 */
export interface FetchedBatch {
  readonly topic: string
  readonly partition: number
  readonly batch: RecordBatch
  /** Skip records below this offset: a fetch may start inside a batch. */
  readonly firstOffset: number
  /**
   * The reader's position after this batch, and after batches that were filtered between it and the next one.
   */
  readonly nextOffset: number
}

/**
 * Reads assigned partitions ahead into bounded buffers.
 *
 * Obligations of the caller: one caller at a time; {@link close} at the end. `take` is synchronous so that
 * the caller, which knows the watermarks, can choose the next partition.
 */
export interface Reader {
  /**
   * Replaces the assignment. Partitions that stay keep their position and buffer; a new one starts at its
   * offset.
   */
  assign(positions: readonly (TopicPartition & { readonly offset: number })[]): void
  /**
   * The next batch of a partition, or undefined when none is buffered: then {@link wait}. In both cases the
   * batch before is no longer valid. Throws the error of a failed fetch of this partition.
   */
  take(topic: string, partition: number): FetchedBatch | undefined
  /**
   * Whether the position has reached the readable end as it is known now (last stable offset under
   * read_committed).
   */
  atEnd(topic: string, partition: number): boolean
  /** The offset after everything taken or filtered so far. */
  position(topic: string, partition: number): number
  /**
   * The readable end as it is known now: high watermark, or last stable offset under read_committed. While
   * the log cannot tell, as of a partition that is damaged or being recovered, the position.
   */
  end(topic: string, partition: number): number
  /**
   * Resolves when a partition without a buffered batch may have one or has reached its end, when anything has
   * changed since the last call, when `timeoutMs` has passed, when `signal` aborts, or when the reader is
   * closed. Keeps the process alive. Rejects with CLOSED for a reader that is closed already, and with
   * nothing else.
   */
  wait(timeoutMs?: number, signal?: AbortSignal): Promise<void>
  /**
   * Whether it was closed, by {@link close} or with its log: then everything but {@link wait} throws CLOSED,
   * and that returns at once.
   */
  readonly closed: boolean
  close(): Promise<void>
}

/** An offset to commit, with a text of the caller, which is returned with it. */
export interface OffsetCommit extends TopicPartition {
  /** The next offset to read. */
  readonly offset: number
  /** The leader epoch of the last batch that was processed (KIP-320); kept with the offset. -1: none. */
  readonly leaderEpoch?: number
  readonly metadata?: string
}

/**
 * Who commits, checked as Kafka does: a member commits in the present generation of its group (MEMBER_FENCED
 * otherwise). Without a member and a generation, a caller commits to a group without members; within a
 * transaction to any (a client from before KIP-447).
 */
export interface Committer {
  readonly group: string
  readonly memberId?: string
  readonly generation?: number
  /** Of a static member. */
  readonly instanceId?: string | undefined
}

/** Offsets, and who commits them. */
export interface GroupCommit extends Committer {
  readonly offsets: readonly OffsetCommit[]
}

/**
 * Appends batches. An idempotent writer retries without duplicates; a transactional one makes everything
 * between two calls of {@link commit} atomic, across partitions and with the offsets in it.
 */
export interface Writer {
  /**
   * Appends one batch, as `BatchBuilder.build` made it. The writer owns the bytes until the call has
   * resolved, or for good if it rejects. It stamps producer id, epoch, sequence and the transactional flag
   * into them, before the CRC. A transactional writer begins its transaction with the first append. Resolves
   * once acknowledged: durable, or for a transactional writer accepted (then {@link commit} makes it
   * durable). Order of calls is order in the partition; a failure fails the writer: all later calls reject
   * with it. The log may let a call wait while much is on its way to the disk: the batch is then built later.
   * The caller bounds what it has appended and got no answer for, as `Batcher` does.
   *
   * Not so a **refusal**, which leaves nothing in the log: UNKNOWN_TOPIC, UNKNOWN_PARTITION,
   * RECORD_TOO_LARGE, INVALID_RECORD, INVALID_TIMESTAMP. A transaction with a refused append can only be
   * aborted, and the writer continues; until then appends and commits reject with the refusal. But a
   * topic may be deleted during the append: its records are gone either way, and the transaction continues.
   */
  append(topic: string, partition: number, batch: BatchToAppend): Promise<{ readonly baseOffset: number }>
  /**
   * Commits everything appended since the last commit, with `offsets`. Transactional writers only. Nothing
   * appended and no offsets: does nothing. It covers every {@link append} called before it, resolved or not;
   * if one of them failed, it rejects, and nothing of the transaction is shown. Calls during a commit belong
   * to the next transaction, in their order.
   *
   * Refused offsets are as a refused append: the transaction can only be aborted, and the writer continues
   * (in Kafka a refused TxnOffsetCommit is abortable).
   * @throws MillraceError for `offsets` as {@link LogPort.commitOffsets}; PRODUCER_FENCED, DISK_FULL
   */
  commit(offsets?: GroupCommit): Promise<void>
  /** Aborts everything appended since the last commit. */
  abort(): Promise<void>
  close(): Promise<void>
}

/** The unbuilt batch that a writer stamps and builds: see `BatchBuilder` in wire. */
export interface BatchToAppend {
  readonly count: number
  build(stamp: {
    producerId?: number
    producerEpoch?: number
    baseSequence?: number
    transactional?: boolean
  }): Uint8Array
}

export interface WriterOptions {
  /**
   * Makes the writer transactional. Opening a second writer with the same id fences the first one: its calls
   * reject with PRODUCER_FENCED, its open transaction is aborted.
   */
  readonly transactionalId?: string
  /**
   * After this long an open transaction is aborted by the coordinator. Default 60 s. In process, only time in
   * which the process could act counts: not while it was stopped, or its event loop blocked.
   */
  readonly transactionTimeoutMs?: number
  /** Lets the writer write to the topics that are internal to this app. */
  readonly app?: string
}

/** A log as its users see it: topics, readers and writers of raw batches, groups, committed offsets. */
export interface LogPort {
  /** Configs, and deletion of records. */
  readonly admin: LogAdmin
  /** Creates a topic. Throws TOPIC_EXISTS, INVALID_CONFIG; INVALID_ARGUMENT for a bad name or count. */
  createTopic(name: string, config: TopicConfig): Promise<void>
  /** Undefined for an unknown topic. */
  describeTopic(name: string): Promise<TopicDescription | undefined>
  /** All topics; internal ones only on request. */
  listTopics(options?: { readonly internal?: boolean }): Promise<TopicDescription[]>
  /**
   * Deletes a topic with all its records, and the offsets of groups for it. Readers and members learn of it
   * (UNKNOWN_TOPIC); in open transactions it counts as ended. A deletion that a failure or crash has
   * interrupted is finished when the name is used again, or at the next start.
   * @throws MillraceError UNKNOWN_TOPIC; INVALID_ARGUMENT for an internal topic of the log, or of another app
   *   than `app`
   */
  deleteTopic(name: string, options?: { readonly app?: string }): Promise<void>
  /**
   * Looks positions up; 'latest' is the readable end under `isolation`, with all records committed before the
   * call. Under read_uncommitted it has all records appended before the call, which it may wait to be synced.
   * @throws MillraceError UNKNOWN_TOPIC, UNKNOWN_PARTITION; PARTITION_DAMAGED, PARTITION_POISONED;
   *   DISK_FULL (retriable) if the end of a transaction finds no room in this partition
   */
  offsets(topic: string, partition: number, at: OffsetSpec, isolation?: Isolation): Promise<number>
  /** A reader without partitions: {@link Reader.assign} sets them. */
  openReader(options?: ReaderOptions): Promise<Reader>
  /**
   * An idempotent writer, or with a transactional id a transactional one. INVALID_ARGUMENT for a timeout that
   * is too long, or an id that is empty or cannot be stored (32,767 bytes of UTF-8).
   */
  openWriter(options?: WriterOptions): Promise<Writer>
  /**
   * Joins a consumer group; resolves with the first assignment, which may be empty. UNKNOWN_TOPIC,
   * NOT_COPARTITIONED, INVALID_ARGUMENT, INCONSISTENT_GROUP_PROTOCOL, GROUP_MAX_SIZE_REACHED,
   * INVALID_SESSION_TIMEOUT.
   */
  joinGroup(options: GroupOptions): Promise<GroupMembership>
  /**
   * The committed offsets of a group; undefined for a partition without one. Waits for pending transactions
   * that hold offsets of the group to end (KIP-447), so that a successor never reads a position from before
   * its predecessor's commit.
   * @throws MillraceError DISK_FULL (retriable) if such a transaction cannot end for lack of room
   */
  committedOffsets(
    group: string,
    partitions: readonly TopicPartition[],
  ): Promise<(OffsetCommit | undefined)[]>
  /**
   * Commits offsets for a group without members (tools, resets, connectors), or in the name of one.
   * @throws MillraceError MEMBER_FENCED; UNKNOWN_TOPIC, UNKNOWN_PARTITION; INVALID_ARGUMENT for an offset, or
   *   a name or metadata that cannot be stored (32,767 bytes of UTF-8)
   */
  commitOffsets(commit: GroupCommit): Promise<void>
  /**
   * All groups: with members, or offsets, also where only open transactions hold these. One that is empty
   * stays until its offsets have expired.
   */
  listGroups(): Promise<GroupDescription[]>
  /**
   * Replaces the committed offsets of a group without members by `offsets`; with none the group is forgotten.
   * For tools.
   * @throws MillraceError GROUP_NOT_EMPTY, UNKNOWN_TOPIC, UNKNOWN_PARTITION, INVALID_ARGUMENT
   */
  setOffsets(group: string, offsets: readonly OffsetCommit[]): Promise<void>
  /**
   * Deletes the log's data of an app: its internal topics, its committed offsets, its transactional ids
   * (`<app>-…`). Its output topics stay. False if there was no data. An interrupted deletion is finished by
   * the next call, or the next start.
   * @throws MillraceError GROUP_NOT_EMPTY while it runs
   */
  deleteApp(app: string): Promise<boolean>
  /**
   * Takes the named lock (throws APP_ALREADY_RUNNING, with the holder, if it is taken): `exchange: 'memory'`
   * admits one instance by it. Freed by release, close or the end of the process.
   */
  lock(name: string, holder: string): Promise<{ release(): Promise<void> }>
  /**
   * Members leave, open transactions are aborted, everything acknowledged is kept. Later calls reject with
   * CLOSED. Rejects with the first failure, such as DISK_FULL; the log is closed nevertheless, and its next
   * start recovers. Waits for a disk that does not answer.
   */
  close(): Promise<void>
}

export interface ReaderOptions {
  /**
   * Default read_committed. Under read_uncommitted a reader that waits gets the records of open transactions
   * within 100 ms: it causes a sync for them, at most that often.
   */
  readonly isolation?: Isolation
  /** Bytes of one fetch of a partition. Default 512 KiB. */
  readonly fetchBytes?: number
  /** Bytes buffered ahead per partition. Default 1 MiB. */
  readonly bufferBytes?: number
}
