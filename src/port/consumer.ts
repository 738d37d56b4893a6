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
import { BatchDecoder, type Decoder } from './batch-decoder.ts'
import { ensureTopic } from './ensure-topic.ts'
import type { GroupMembership, Isolation, LogPort, OffsetSpec, Reader, TopicPartition } from './log-port.ts'

export interface ConsumedRecord<K, V> {
  readonly key: K | null
  readonly value: V | null
  readonly offset: number
  /** Ms since the epoch. */
  readonly timestamp: number
  readonly partition: number
  readonly headers: readonly RecordHeader[]
}

/** The records of one batch of one partition, in offset order. */
export interface ConsumedBatch<K, V> {
  readonly partition: number
  readonly records: readonly ConsumedRecord<K, V>[]
}

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

/** Where a partition that this consumer has stands. */
interface Owned {
  /** What is handed out and known to be processed: the offset to commit. */
  processed: number
  committed: number
  /** Where the iteration ends, with `until`. */
  end: number
}

export class Consumer<K, V> implements AsyncIterable<ConsumedRecord<K, V>>, AsyncDisposable {
  readonly #port: LogPort
  readonly #clock: Clock
  readonly #topic: ReadableTopic<K, V>
  readonly #options: ConsumerOptions
  readonly #decoder: BatchDecoder<K, V>
  #reader: Reader | undefined
  #membership: GroupMembership | undefined
  /** Partitions in the order in which they are served; the one served last is at the end. */
  #owned = new Map<number, Owned>()
  /** Being given away: nothing of them is handed out any more, but a body may still be at work on a record. */
  readonly #leaving = new Map<number, Owned>()
  /** The batch being handed out. */
  #current:
    | { partition: number; records: ConsumedRecord<K, V>[]; next: number; nextOffset: number }
    | undefined
  /** What is being processed now: counts as processed at the next call. */
  #working: { partition: number; nextOffset: number } | undefined
  /** Resolved when what is being worked on is done. */
  #idle: PromiseWithResolvers<void> | undefined
  #lastCommit = 0
  #committing: Promise<void> | undefined
  #commitFailure: unknown
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
    this.#clock = clock
    this.#topic = topic
    this.#options = options
    this.#decoder = new BatchDecoder(topic.key, topic.value)
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
        this.#finishWork()
        if (!(await this.#loadBatch())) return
        const current = this.#current
        // Its partition was given away meanwhile.
        if (!current) continue
        const { partition, records, nextOffset } = current
        this.#current = undefined
        this.#working = { partition, nextOffset }
        yield { partition, records }
      }
    } finally {
      await this.close()
    }
  }

  /** Commits everything handed out so far: whoever calls it says that the record (or batch) at hand is processed too. In a group only. */
  async commit(): Promise<void> {
    if (this.#options.group === undefined)
      throw new MillraceError(
        'INVALID_ARGUMENT',
        `The consumer of '${this.#topic.name}' has no group to commit for.`,
      )
    this.#finishWork()
    await this.#commit([...this.#owned, ...this.#leaving])
  }

  /** Goes on at an offset of a partition that this consumer has. */
  async seek(partition: number, offset: number): Promise<void> {
    await this.#start()
    const owned = this.#owned.get(partition)
    if (!owned)
      throw new MillraceError(
        'INVALID_ARGUMENT',
        `Partition ${partition} of '${this.#topic.name}' is not assigned to this consumer.`,
      )
    if (this.#current?.partition === partition) this.#current = undefined
    if (this.#working?.partition === partition) this.#working = undefined
    this.#owned.delete(partition)
    this.#assign()
    this.#owned.set(partition, { ...owned, processed: offset })
    this.#assign()
  }

  /** Goes on, in every partition, at the first record with this timestamp (ms since the epoch) or a later one. */
  async seekToTime(timestamp: number): Promise<void> {
    await this.#start()
    const { isolation } = this.#options
    const partitions = [...this.#owned.keys()]
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
      await this.#committing
      if (this.#autoCommitMs !== undefined) await this.#commit([...this.#owned, ...this.#leaving])
    } finally {
      this.#working = undefined
      this.#idle?.resolve()
      await this.#membership?.leave()
      await this.#reader?.close()
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  get #autoCommitMs(): number | undefined {
    const { group, autoCommitMs = autoCommitMsDefault } = this.#options
    return group === undefined || autoCommitMs === false ? undefined : autoCommitMs
  }

  /** The next record of the batch at hand, without waiting for anything. */
  #nextBuffered(): ConsumedRecord<K, V> | undefined {
    this.#finishWork()
    const { working, record } = this.#step()
    this.#working = working
    return record
  }

  #step(): {
    working: { partition: number; nextOffset: number } | undefined
    record: ConsumedRecord<K, V> | undefined
  } {
    const current = this.#current
    const record = current?.records[current.next]
    if (!current || !record) return { working: undefined, record: undefined }
    current.next += 1
    const last = current.next === current.records.length
    // After the last record of a batch come the offsets that nobody sees.
    return {
      record,
      working: { partition: current.partition, nextOffset: last ? current.nextOffset : record.offset + 1 },
    }
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
      this.#autoCommit()
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
      const dirty =
        this.#options.group !== undefined &&
        [...this.#owned.values()].some(({ processed, committed }) => processed !== committed)
      await this.#reader!.wait(dirty ? this.#autoCommitMs : undefined)
      // The group may have expelled this consumer while it was busy elsewhere: join again.
      await this.#start()
    }
    return false
  }

  /** The next batch of the partition that has waited longest. */
  #take(): { partition: number; records: ConsumedRecord<K, V>[]; nextOffset: number } | undefined {
    const { name } = this.#topic
    for (const [partition, owned] of this.#owned) {
      for (;;) {
        if (this.#options.until === 'end' && this.#reader!.position(name, partition) >= owned.end) break
        const fetched = this.#reader!.take(name, partition)
        if (!fetched) break
        const count = this.#decoder.decode(fetched)
        const records = this.#records(partition, count)
        if (records.length > 0) {
          this.#owned.delete(partition)
          this.#owned.set(partition, owned)
          return { partition, records, nextOffset: fetched.nextOffset }
        }
        owned.processed = fetched.nextOffset
      }
    }
    return undefined
  }

  #records(partition: number, count: number): ConsumedRecord<K, V>[] {
    const { keys, values, headers, offsets, timestamps } = this.#decoder
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

  /** Whatever was handed out counts as processed now. */
  #finishWork(): void {
    const working = this.#working
    if (!working) return
    this.#working = undefined
    const owned = this.#owned.get(working.partition) ?? this.#leaving.get(working.partition)
    if (owned) owned.processed = working.nextOffset
    this.#idle?.resolve()
    this.#idle = undefined
  }

  #finished(): boolean {
    if (this.#options.until !== 'end') return false
    return [...this.#owned].every(
      ([partition, { end }]) => this.#reader!.position(this.#topic.name, partition) >= end,
    )
  }

  /** A topic that declares its partition count is created where it is not there yet: whoever writes to it may come later. */
  async #partitions(): Promise<number> {
    const { name, partitions } = this.#topic
    if (partitions !== undefined) return await ensureTopic(this.#port, { name, partitions })
    const found = await this.#port.describeTopic(name)
    if (found) return found.partitions
    throw new MillraceError(
      'UNKNOWN_TOPIC',
      `There is no topic '${name}' to read. Check the name, publish to it first, or declare its partitions so that it can be created.`,
    )
  }

  async #start(): Promise<void> {
    if (this.#closed || (this.#reader && (this.#membership || this.#options.group === undefined))) return
    const { name } = this.#topic
    const { group, isolation } = this.#options
    const partitions = await this.#partitions()
    this.#reader ??= await this.#port.openReader(isolation === undefined ? {} : { isolation })
    if (group === undefined)
      return this.#add(Array.from({ length: partitions }, (_, partition) => ({ topic: name, partition })))
    this.#membership = await this.#port.joinGroup({
      group,
      topics: [[name]],
      onAssigned: added => this.#add(added),
      onRevoked: revoked => this.#giveBack(revoked),
      onLost: lost => {
        this.#remove(lost)
        if (lost.some(({ partition }) => partition === this.#working?.partition)) this.#working = undefined
        this.#membership = undefined
        this.#reader!.assign(this.#positions())
      },
    })
  }

  async #add(added: readonly TopicPartition[]): Promise<void> {
    const { group, from = 'earliest', isolation, until } = this.#options
    const { name } = this.#topic
    const committed = group === undefined ? [] : await this.#port.committedOffsets(group, added)
    const starts = await Promise.all(
      added.map(async ({ partition }, index): Promise<[number, Owned]> => {
        const offset =
          committed[index]?.offset ??
          (typeof from === 'object' && 'offset' in from
            ? from.offset
            : await this.#port.offsets(name, partition, from, isolation))
        const end =
          until === 'end' ? await this.#port.offsets(name, partition, 'latest', isolation) : Infinity
        return [partition, { processed: offset, committed: committed[index]?.offset ?? -1, end }]
      }),
    )
    for (const [partition, owned] of starts) this.#owned.set(partition, owned)
    this.#assign()
  }

  async #giveBack(revoked: readonly TopicPartition[]): Promise<void> {
    const leaving = revoked.flatMap(({ partition }): [number, Owned][] => {
      const owned = this.#owned.get(partition)
      return owned ? [[partition, owned]] : []
    })
    // First of all nothing more is handed out: what was processed while the commit is under way would come again elsewhere.
    this.#remove(revoked)
    for (const [partition, owned] of leaving) this.#leaving.set(partition, owned)
    this.#assign()
    while (this.#working && this.#leaving.has(this.#working.partition))
      await (this.#idle ??= Promise.withResolvers()).promise
    try {
      if (this.#autoCommitMs !== undefined) await this.#commit(leaving)
    } finally {
      for (const [partition] of leaving) this.#leaving.delete(partition)
    }
  }

  /** Nothing more is handed out of these. */
  #remove(partitions: readonly TopicPartition[]): void {
    for (const { partition } of partitions) {
      this.#owned.delete(partition)
      if (this.#current?.partition === partition) this.#current = undefined
    }
  }

  #assign(): void {
    this.#reader!.assign(this.#positions())
  }

  #positions(): (TopicPartition & { offset: number })[] {
    return [...this.#owned].map(([partition, { processed }]) => ({
      topic: this.#topic.name,
      partition,
      offset: processed,
    }))
  }

  /** Starts a commit when it is time for one; a failed one is reported by the next call. */
  #autoCommit(): void {
    if (this.#commitFailure !== undefined) {
      const failure = this.#commitFailure
      this.#commitFailure = undefined
      throw failure
    }
    const every = this.#autoCommitMs
    if (every === undefined || this.#committing || this.#clock.monotonic() - this.#lastCommit < every) return
    this.#committing = this.#commit([...this.#owned])
      .catch((error: unknown) => {
        this.#commitFailure = error
      })
      .finally(() => {
        this.#committing = undefined
      })
  }

  async #commit(partitions: readonly (readonly [number, Owned])[]): Promise<void> {
    this.#lastCommit = this.#clock.monotonic()
    const group = this.#options.group!
    const moved = partitions
      .filter(([, { processed, committed }]) => processed !== committed)
      .map(([partition, owned]) => ({ owned, partition, offset: owned.processed }))
    if (moved.length === 0) return
    const offsets = moved.map(({ partition, offset }) => ({ topic: this.#topic.name, partition, offset }))
    if (this.#membership) await this.#membership.commit(offsets)
    else await this.#port.commitOffsets({ group, offsets })
    for (const { owned, offset } of moved) owned.committed = offset
  }
}
