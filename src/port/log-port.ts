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

export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

/** How a topic is made. */
export interface TopicConfig {
  /** How many partitions; fixed for the topic's life. */
  readonly partitions: number
  /** Bytes kept per partition before whole segments are dropped; -1 keeps all (the default). */
  readonly retentionBytes?: number
  /**
   * Bytes at which a segment is closed and a new one begun. A record that needs more is refused
   * (RECORD_TOO_LARGE). Default: the log's.
   */
  readonly segmentBytes?: number
  /**
   * Makes the topic internal to an app: it is hidden, only writers of the app ({@link WriterOptions.app})
   * write it, it goes with the app, and nothing is dropped from it for its size. A topic `<app>-…-changelog`
   * or `<app>-…-repartition` that is there and belongs to nobody (millrace 0.1.0 made it) becomes the app's.
   */
  readonly app?: string
}

/** A topic that is there. */
export interface TopicDescription {
  readonly name: string
  /** Tells a topic from another one of the same name, before or after it. */
  readonly id: string
  /** How many; they are numbered from 0. */
  readonly partitions: number
  /** What was said when it was created. */
  readonly config: TopicConfig
  /**
   * Bytes of the largest batch that it takes: one does not span segments. A record whose batch would be
   * larger is refused with RECORD_TOO_LARGE.
   */
  readonly batchBytesMax: number
  /**
   * Topics that the log keeps for itself, as `__consumer_offsets`, and those of apps
   * ({@link TopicConfig.app}).
   */
  readonly internal: boolean
}

/** A consumer group, or the group of an app. */
export interface GroupDescription {
  readonly group: string
  /** How many are in it now; undefined where the log is only read, which does not show it. */
  readonly members: number | undefined
  /** Everything that it has committed. What open transactions hold is not in it. */
  readonly offsets: readonly OffsetCommit[]
}

/** `read_committed` never shows records of open or aborted transactions. */
export type Isolation = 'read_uncommitted' | 'read_committed'

/**
 * A position to look up: the two ends, or the first record at or after a timestamp (the end where there is
 * none).
 */
export type OffsetSpec = 'earliest' | 'latest' | { readonly timestamp: number }

/**
 * One fetched record batch. Control batches and batches of aborted transactions never get here, so offsets
 * may jump from one to the next: continue from `nextOffset`, never from the last record seen plus one.
 */
export interface FetchedBatch {
  readonly topic: string
  readonly partition: number
  readonly batch: RecordBatch
  /** Records below this offset are not wanted: a fetch may start inside a batch. */
  readonly firstOffset: number
  /** Where the reader stands after this batch and whatever was filtered between it and the next one. */
  readonly nextOffset: number
}

/**
 * Reads assigned partitions ahead into bounded buffers.
 *
 * Obligations of the caller: one caller at a time; {@link close} at the end. `take` is synchronous so that
 * the caller, who knows the watermarks, chooses the partition to continue with.
 */
export interface Reader {
  /**
   * Replaces what is read. Partitions that stay keep their position and buffer; a new one starts at its
   * offset.
   */
  assign(positions: readonly (TopicPartition & { readonly offset: number })[]): void
  /**
   * The next batch of a partition, or undefined when none is buffered: then {@link wait}. Throws what the
   * fetch of this partition failed with.
   */
  take(topic: string, partition: number): FetchedBatch | undefined
  /**
   * Whether the position has reached the readable end as it is known now (last stable offset under
   * read_committed).
   */
  atEnd(topic: string, partition: number): boolean
  /** The offset after everything taken or filtered so far. */
  position(topic: string, partition: number): number
  /** The readable end as it is known now: high watermark, or last stable offset under read_committed. */
  end(topic: string, partition: number): number
  /**
   * Resolves when a partition for which `take` gave nothing may give something or has reached its end, when
   * anything at all has changed since the last call, when `timeoutMs` has passed, when `signal` aborts, or
   * when the reader is closed meanwhile. Keeps the process alive. Rejects with CLOSED for a reader that is
   * closed already, and with nothing else.
   */
  wait(timeoutMs?: number, signal?: AbortSignal): Promise<void>
  /**
   * Whether it was closed, by {@link close} or with its log: then everything but {@link wait} throws CLOSED,
   * and that returns at once.
   */
  readonly closed: boolean
  close(): Promise<void>
}

/** An offset to commit, with a text of the caller's own that comes back with it. */
export interface OffsetCommit extends TopicPartition {
  /** The next offset to read. */
  readonly offset: number
  readonly metadata?: string
}

/**
 * Who commits: offsets of a generation that has passed are refused (MEMBER_FENCED). Without a generation
 * anyone may commit.
 */
export interface GroupCommit {
  readonly group: string
  readonly memberId?: string
  readonly generation?: number
  readonly offsets: readonly OffsetCommit[]
}

/**
 * Appends batches. An idempotent writer retries without duplicates; a transactional one makes everything
 * between two calls of {@link commit} atomic, across partitions and with the offsets in it.
 */
export interface Writer {
  /**
   * Appends one batch, as `BatchBuilder.build` made it; the writer owns the bytes from now on and stamps
   * producer id, epoch, sequence and the transactional flag into it (before the CRC). A transactional writer
   * begins its transaction by itself. Resolves once acknowledged: durable, or for a transactional writer
   * accepted (then {@link commit} makes it durable). Order of calls is order in the partition; a failure
   * fails the writer: all later calls reject with it.
   */
  append(topic: string, partition: number, batch: BatchToAppend): Promise<{ readonly baseOffset: number }>
  /**
   * Commits everything appended since the last commit, with `offsets`. Transactional writers only. Nothing
   * appended and no offsets: does nothing.
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

export interface GroupOptions {
  readonly group: string
  /**
   * What its members do with their partitions: `consumer`, the default, or `streams`. All of a group do the
   * same, INVALID_ARGUMENT otherwise (Kafka's INCONSISTENT_GROUP_PROTOCOL): a consumer that came under the
   * name of an app would take records away from it.
   */
  readonly protocol?: 'consumer' | 'streams'
  /**
   * Topics to share, in sets: the partitions with one number of all topics of a set go to the same member
   * (co-partitioning). Topics of one set must have one partition count.
   */
  readonly topics: readonly (readonly string[])[]
  /** Called with what was added, before any of it is given to this member. Awaited. */
  onAssigned(partitions: readonly TopicPartition[], generation: number): Promise<void> | void
  /**
   * Called **before** partitions are given to another member, and awaited: commit here. Bounded by
   * `rebalanceTimeoutMs`.
   */
  onRevoked(partitions: readonly TopicPartition[], generation: number): Promise<void> | void
  /**
   * Called when partitions are gone already, so that nothing can be committed for them any more. The error
   * says why: MEMBER_FENCED for a member that was expelled, UNKNOWN_TOPIC for a topic that was deleted (also
   * where the member had none of its partitions), or what {@link onAssigned} or {@link onRevoked} failed
   * with.
   */
  onLost(partitions: readonly TopicPartition[], error: unknown): void
  /**
   * Asked at each rebalance: the partitions that the member is at work on and cannot give away yet, with a
   * promise for the end of that work. They move last, so that nobody has to wait for it. A member whose work
   * takes longer than `rebalanceTimeoutMs` from there is expelled.
   */
  busy?(): { readonly partitions: readonly TopicPartition[]; readonly done: Promise<unknown> } | undefined
  /**
   * How long {@link onRevoked} and {@link onAssigned} may take, in time in which the process could act.
   * Default 60 s.
   */
  readonly rebalanceTimeoutMs?: number
}

/** A member of a consumer group. */
export interface GroupMembership {
  readonly memberId: string
  /** The generation that the current assignment belongs to; part of each commit. */
  readonly generation: number
  readonly assignment: readonly TopicPartition[]
  /** Commits offsets outside a transaction. */
  commit(offsets: readonly OffsetCommit[]): Promise<void>
  /** Gives everything back (onRevoked first) and leaves. */
  leave(): Promise<void>
}

/** A log as its users see it: topics, readers and writers of raw batches, groups, committed offsets. */
export interface LogPort {
  /** Creates a topic. TOPIC_EXISTS when it is there; INVALID_ARGUMENT for a bad name or count. */
  createTopic(name: string, config: TopicConfig): Promise<void>
  /** Undefined for an unknown topic. */
  describeTopic(name: string): Promise<TopicDescription | undefined>
  /** All topics; those that the log keeps for itself, and those of apps, only when asked for. */
  listTopics(options?: { readonly internal?: boolean }): Promise<TopicDescription[]>
  /**
   * Deletes a topic with all its records, and what groups have committed for it. Readers and members learn of
   * it (UNKNOWN_TOPIC); in open transactions it counts as ended. One that was interrupted, by a failure or a
   * crash, is finished when the name is used again, or at the next start.
   * @throws MillraceError UNKNOWN_TOPIC; INVALID_ARGUMENT for one that the log keeps for itself, or that is
   *   internal to another app than `app`
   */
  deleteTopic(name: string, options?: { readonly app?: string }): Promise<void>
  /**
   * Looks positions up; 'latest' is the readable end under `isolation`, with everything that was committed
   * before the call.
   * @throws MillraceError UNKNOWN_TOPIC, UNKNOWN_PARTITION; DISK_FULL (retriable) where the end of a
   *   transaction finds no room in this partition
   */
  offsets(topic: string, partition: number, at: OffsetSpec, isolation?: Isolation): Promise<number>
  /** A reader without partitions: {@link Reader.assign} says which. */
  openReader(options?: ReaderOptions): Promise<Reader>
  /**
   * An idempotent writer, or with a transactional id a transactional one. INVALID_ARGUMENT for a timeout that
   * is too long.
   */
  openWriter(options?: WriterOptions): Promise<Writer>
  /**
   * Joins a consumer group; resolves with the first assignment, which may be empty. UNKNOWN_TOPIC,
   * NOT_COPARTITIONED, INVALID_ARGUMENT.
   */
  joinGroup(options: GroupOptions): Promise<GroupMembership>
  /**
   * The committed offsets of a group; undefined where none is. Waits for pending transactions that hold
   * offsets of the group to end (KIP-447), so that a successor never reads a position from before its
   * predecessor's commit.
   * @throws MillraceError DISK_FULL (retriable) where such a transaction cannot end for want of room
   */
  committedOffsets(
    group: string,
    partitions: readonly TopicPartition[],
  ): Promise<(OffsetCommit | undefined)[]>
  /** Commits offsets for a group that has no live members (tools, resets, connectors). */
  commitOffsets(commit: GroupCommit): Promise<void>
  /** Groups with members, or with committed offsets. */
  listGroups(): Promise<GroupDescription[]>
  /**
   * Replaces everything that a group without members has committed by `offsets`; none: the group is
   * forgotten. For those who look after a log.
   * @throws MillraceError GROUP_NOT_EMPTY, UNKNOWN_TOPIC, UNKNOWN_PARTITION, INVALID_ARGUMENT
   */
  setOffsets(group: string, offsets: readonly OffsetCommit[]): Promise<void>
  /**
   * Deletes what the log keeps for an app: its internal topics, what its group has committed, its
   * transactional ids (`<app>-…`). What it has written to topics of its users stays. False: there was
   * nothing. One that was interrupted is finished by the next call, or the next start.
   * @throws MillraceError GROUP_NOT_EMPTY while it runs
   */
  deleteApp(app: string): Promise<boolean>
  /**
   * Takes the named lock if nobody holds it (APP_ALREADY_RUNNING otherwise, naming the holder):
   * `exchange: 'memory'` admits one instance by it. Freed by release, close or the end of the process.
   */
  lock(name: string, holder: string): Promise<{ release(): Promise<void> }>
  /**
   * Members leave, open transactions are aborted, everything acknowledged is kept. Later calls reject with
   * CLOSED. Rejects with the first failure, as DISK_FULL; the log is closed all the same, and its next start
   * recovers. Waits for a disk that does not answer.
   */
  close(): Promise<void>
}

export interface ReaderOptions {
  /** Default read_committed. */
  readonly isolation?: Isolation
  /** Bytes of one fetch of a partition. Default 512 KiB. */
  readonly fetchBytes?: number
  /** Bytes buffered ahead per partition. Default 1 MiB. */
  readonly bufferBytes?: number
}
