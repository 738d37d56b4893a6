/**
 * Reading typed records, alone or as a member of a group.
 *
 * **What counts as processed.** A record counts as processed when the one after it is asked for: in a `for await` loop that is when the body has ended
 * without throwing. Only then may its offset be committed, so after a crash every record whose body had not ended comes again
 * (at least once). `break` looks the same as an exception from in here, so the record at which the loop was left comes again as well, unless
 * {@link Consumer.commit} was called in the body. Commits happen by themselves every `autoCommitMs`, when the loop is left, and before a
 * partition is given to another member: that waits for the body that is at work on one of its records.
 */
import { MillraceError, type Clock } from '../base/index.ts'
import { Malformed, type Topic } from '../schema/index.ts'
import type { RecordHeader } from '../wire/index.ts'
import { AssignedPartitions } from './assigned-partitions.ts'
import { DecodedBatch, type Decoder } from './decoded-batch.ts'
import type { GroupMembership, Isolation, LogPort, OffsetSpec, Reader, TopicPartition } from './log-port.ts'
import { OffsetCommits } from './offset-commits.ts'
import { partitionsToRead, rangeOf } from './reading-range.ts'

/** A record as it was read. */
export interface ConsumedRecord<K, V> {
  /** Null where the record has none. */
  readonly key: K | null
  /** Null deletes the key, where the topic is read as a table (a tombstone). */
  readonly value: V | null
  /** Its place in the partition. Offsets ascend, with gaps. */
  readonly offset: number
  /** Ms since the epoch. */
  readonly timestamp: number
  /** Counts from 0. */
  readonly partition: number
  /** In their order; a name may come twice. */
  readonly headers: readonly RecordHeader[]
}

/** The records of one batch of one partition, in offset order. */
export interface ConsumedBatch<K, V> {
  /** Counts from 0. */
  readonly partition: number
  /** One at the least. */
  readonly records: readonly ConsumedRecord<K, V>[]
}

/** What a consumer reads, from where, and how it commits. */
export interface ConsumerOptions {
  /** Shares the partitions with the other members of this group, and goes on where the group stood. Without one, all partitions are read. */
  readonly group?: string
  /** Where to begin where the group has committed nothing. Default earliest. An offset holds for every partition. */
  readonly from?: OffsetSpec | { readonly offset: number }
  /** Default read_committed. */
  readonly isolation?: Isolation
  /** Ends the iteration at what was the end when the partition was assigned. Default: wait for more. */
  readonly until?: 'end'
  /** How often processed offsets are committed, in ms; false leaves it to {@link Consumer.commit}. Default 1000. Only in a group. */
  readonly autoCommitMs?: number | false
}

/** What a consumer needs of a topic. */
export interface ReadableTopic<K, V> {
  readonly name: string
  readonly partitions: number | undefined
  readonly key: Decoder<K>
  readonly value: Decoder<V>
  readonly onError?: Topic<K, V>['onError']
}

const autoCommitMsDefault = 1000

/**
 * Reads the records of a topic, in order within each partition: {@link Log.consumer} makes one.
 *
 * In a group, a record counts as processed when the one after it is asked for, and only what is processed is committed: after a crash the rest comes
 * again (at least once). Members of a group share the partitions, which change hands as members come and go (KIP-429).
 *
 * @example
 * for await (const { key, value } of log.consumer(flights, { group: 'printer' })) console.log(key, value)
 */
export class Consumer<K, V> implements AsyncIterable<ConsumedRecord<K, V>>, AsyncDisposable {
  readonly #port: LogPort
  readonly #topic: ReadableTopic<K, V>
  readonly #options: ConsumerOptions
  readonly #decoded: DecodedBatch<K, V>
  #reader: Reader | undefined
  #membership: GroupMembership | undefined
  readonly #assigned = new AssignedPartitions()
  readonly #commits: OffsetCommits
  /** The batch being handed out. */
  #current:
    | { partition: number; records: ConsumedRecord<K, V>[]; next: number; nextOffset: number }
    | undefined
  #skipped = 0
  readonly #onClose: () => void
  #closed = false

  /** @internal Use `log.consumer(topic)`. */
  constructor(
    port: LogPort,
    clock: Clock,
    topic: ReadableTopic<K, V>,
    options: ConsumerOptions = {},
    onClose: () => void = () => undefined,
  ) {
    this.#onClose = onClose
    this.#port = port
    this.#topic = topic
    this.#options = options
    this.#decoded = new DecodedBatch(topic.key, topic.value)
    const { group, autoCommitMs = autoCommitMsDefault } = options
    const everyMs = group === undefined || autoCommitMs === false ? undefined : autoCommitMs
    this.#commits = new OffsetCommits(clock, everyMs, offsets => this.#send(offsets))
  }

  /** Records that could not be read and were left out, where the topic says `onError: 'skip'`. */
  get skipped(): number {
    return this.#skipped
  }

  /**
   * Record by record; one iteration at a time. Leaving the loop commits what was processed and closes the consumer.
   * @throws MillraceError UNKNOWN_TOPIC for one that is not there and declares no partitions; MALFORMED_RECORD for a record that the schema refuses, unless the
   *   topic says `onError: 'skip'`; OFFSET_OUT_OF_RANGE when retention has taken what was to be read next; MEMBER_FENCED when the group gave the partitions away meanwhile: what was not committed comes again there
   */
  [Symbol.asyncIterator](): AsyncIterator<ConsumedRecord<K, V>, undefined> {
    return {
      next: async () => {
        const value = this.#nextBuffered() ?? (await this.#nextRecord())
        return value ? { value, done: false } : { value: undefined, done: true }
      },
      return: async () => {
        await this.close()
        return { value: undefined, done: true }
      },
    }
  }

  /** Batch by batch: for throughput, since there is one promise per batch and not per record. A batch is processed when the next one is asked for. */
  async *batches(): AsyncGenerator<ConsumedBatch<K, V>, void, undefined> {
    try {
      for (;;) {
        this.#assigned.finishWork()
        if (!(await this.#loadBatch())) return
        const current = this.#current
        // Its partition was given away meanwhile.
        if (!current) continue
        const { partition, records, nextOffset } = current
        this.#current = undefined
        this.#assigned.beginWork(partition, nextOffset)
        yield { partition, records }
      }
    } finally {
      await this.close()
    }
  }

  /**
   * Commits everything handed out so far: whoever calls it says that the record (or batch) at hand is processed too.
   * @throws MillraceError INVALID_ARGUMENT without a group, MEMBER_FENCED when the group gave the partitions away meanwhile
   */
  async commit(): Promise<void> {
    if (this.#options.group === undefined)
      throw new MillraceError(
        'INVALID_ARGUMENT',
        `The consumer of '${this.#topic.name}' has no group to commit for.`,
      )
    this.#assigned.finishWork()
    await this.#commits.commit(this.#assigned.all())
  }

  /**
   * Goes on at an offset of a partition that this consumer has.
   * @throws MillraceError INVALID_ARGUMENT for a partition that it does not have
   */
  async seek(partition: number, offset: number): Promise<void> {
    await this.#start()
    const assigned = this.#assigned.get(partition)
    if (!assigned)
      throw new MillraceError(
        'INVALID_ARGUMENT',
        `Partition ${partition} of '${this.#topic.name}' is not assigned to this consumer.`,
      )
    if (this.#current?.partition === partition) this.#current = undefined
    this.#assigned.dropWork(partition)
    // The reader keeps its place in a partition that stays: it has to let go of it first.
    this.#assigned.remove(partition)
    this.#assign()
    this.#assigned.add({ ...assigned, processed: offset })
    this.#assign()
  }

  /** Goes on, in every partition, at the first record with this timestamp (ms since the epoch) or a later one. */
  async seekToTime(timestamp: number): Promise<void> {
    await this.#start()
    const { isolation } = this.#options
    const partitions = Array.from(this.#assigned, ({ partition }) => partition)
    for (const partition of partitions)
      await this.seek(
        partition,
        await this.#port.offsets(this.#topic.name, partition, { timestamp }, isolation),
      )
  }

  /** Commits what was processed, and leaves the group. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#current = undefined
    this.#onClose()
    try {
      await this.#commits.idle()
      if (this.#commits.everyMs !== undefined) await this.#commits.commit(this.#assigned.all())
    } finally {
      this.#assigned.dropWork()
      await this.#membership?.leave()
      await this.#reader?.close()
    }
  }

  /** As {@link close}: for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  /** The next record of the batch at hand, without waiting for anything. */
  #nextBuffered(): ConsumedRecord<K, V> | undefined {
    this.#assigned.finishWork()
    const current = this.#current
    const record = current?.records[current.next]
    if (!current || !record) return undefined
    current.next += 1
    const isLast = current.next === current.records.length
    // After the last record of a batch come the offsets that nobody sees.
    this.#assigned.beginWork(current.partition, isLast ? current.nextOffset : record.offset + 1)
    return record
  }

  async #nextRecord(): Promise<ConsumedRecord<K, V> | undefined> {
    while (await this.#loadBatch()) {
      const record = this.#nextBuffered()
      // None: its partition was given away meanwhile.
      if (record) return record
    }
    return undefined
  }

  /**
   * Makes the next batch the current one; false at the end. It is the current one from the moment in which it is taken from the reader: in
   * between its partition could be given away, with nothing to show that this batch goes with it.
   */
  async #loadBatch(): Promise<boolean> {
    await this.#start()
    while (!this.#closed) {
      this.#commits.startIfDue(this.#assigned)
      const batch = this.#take()
      if (batch) {
        this.#current = { ...batch, next: 0 }
        return true
      }
      if (this.#closed) return false
      if (this.#finished()) {
        await this.close()
        return false
      }
      const isCommitted = [...this.#assigned].every(({ processed, committed }) => processed === committed)
      await this.#reader!.wait(isCommitted ? undefined : this.#commits.everyMs)
      // The group may have expelled this consumer while it was busy elsewhere: join again.
      await this.#start()
    }
    return false
  }

  /** The next batch of the partition that has waited longest. */
  #take(): { partition: number; records: ConsumedRecord<K, V>[]; nextOffset: number } | undefined {
    const { name } = this.#topic
    for (const assigned of this.#assigned) {
      const { partition } = assigned
      for (;;) {
        if (this.#reader!.position(name, partition) >= assigned.end) break
        const fetched = this.#reader!.take(name, partition)
        if (!fetched) break
        this.#decoded.load(fetched)
        const records = this.#records(partition)
        if (records.length > 0) {
          this.#assigned.add(assigned)
          return { partition, records, nextOffset: fetched.nextOffset }
        }
        assigned.processed = fetched.nextOffset
      }
    }
    return undefined
  }

  #records(partition: number): ConsumedRecord<K, V>[] {
    const { count, keys, values, headers, offsets, timestamps } = this.#decoded
    const records: ConsumedRecord<K, V>[] = []
    for (let index = 0; index < count; index += 1) {
      const key = keys[index]!
      const value = values[index]!
      const offset = offsets[index]!
      if (key instanceof Malformed || value instanceof Malformed) {
        const [what, { reason }] = key instanceof Malformed ? ['key', key] : ['value', value as Malformed]
        if (this.#topic.onError !== 'skip')
          throw new MillraceError(
            'MALFORMED_RECORD',
            `The ${what} at offset ${offset} of '${this.#topic.name}' partition ${partition} cannot be read: ${reason}. Mend the schema, seek past it, or declare the topic with onError: 'skip'.`,
          )
        this.#skipped += 1
        continue
      }
      records.push({ key, value, offset, timestamp: timestamps[index]!, partition, headers: headers[index]! })
    }
    return records
  }

  #finished(): boolean {
    if (this.#options.until !== 'end') return false
    return [...this.#assigned].every(
      ({ partition, end }) => this.#reader!.position(this.#topic.name, partition) >= end,
    )
  }

  async #start(): Promise<void> {
    if (this.#closed || (this.#reader && (this.#membership || this.#options.group === undefined))) return
    const { name } = this.#topic
    const { group, isolation } = this.#options
    const partitions = await partitionsToRead(this.#port, this.#topic)
    this.#reader ??= await this.#port.openReader(isolation === undefined ? {} : { isolation })
    if (group === undefined)
      return this.#add(Array.from({ length: partitions }, (_, partition) => ({ topic: name, partition })))
    this.#membership = await this.#port.joinGroup({
      group,
      topics: [[name]],
      onAssigned: added => this.#add(added),
      onRevoked: revoked => this.#giveBack(revoked),
      onLost: lost => {
        this.#assigned.lose(lost)
        this.#dropCurrent(lost)
        this.#membership = undefined
        this.#assign()
      },
    })
  }

  async #add(added: readonly TopicPartition[]): Promise<void> {
    for (const assigned of await rangeOf(this.#port, added, this.#options)) this.#assigned.add(assigned)
    this.#assign()
  }

  async #giveBack(revoked: readonly TopicPartition[]): Promise<void> {
    // First of all nothing more is handed out: what was processed while the commit is under way would come again elsewhere.
    const leaving = this.#assigned.beginLeaving(revoked)
    this.#dropCurrent(revoked)
    this.#assign()
    await this.#assigned.leavingIdle()
    try {
      // What was lost meanwhile is somebody else's already.
      const ours = leaving.filter(assigned => this.#assigned.isLeaving(assigned))
      if (this.#commits.everyMs !== undefined) await this.#commits.commit(ours)
    } finally {
      this.#assigned.endLeaving(leaving)
    }
  }

  /** Hands nothing more out of the batch at hand, if it is of one of these partitions. */
  #dropCurrent(partitions: readonly TopicPartition[]): void {
    if (partitions.some(({ partition }) => partition === this.#current?.partition)) this.#current = undefined
  }

  #assign(): void {
    const topic = this.#topic.name
    this.#reader!.assign(
      Array.from(this.#assigned, ({ partition, processed }) => ({ topic, partition, offset: processed })),
    )
  }

  async #send(offsets: readonly { readonly partition: number; readonly offset: number }[]): Promise<void> {
    const topic = this.#topic.name
    const commits = offsets.map(({ partition, offset }) => ({ topic, partition, offset }))
    if (this.#membership) await this.#membership.commit(commits)
    else await this.#port.commitOffsets({ group: this.#options.group!, offsets: commits })
  }
}
