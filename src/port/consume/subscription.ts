/**
 * One subscription of a consumer to its topic, from the first read to the end: a reader, the processed and
 * committed offsets, and with a group also a membership.
 *
 * | state     | what happens                                              | how it is left                                        |
 * | --------- | --------------------------------------------------------- | ----------------------------------------------------- |
 * | joining   | {@link open}: the topic is looked up, the group is joined | by itself, or with the error that it fails with       |
 * | reading   | {@link load} takes a batch, or waits for one              | with a batch, at the end, with an error               |
 * | in a body | the caller works on what was handed out                   | the caller asks for more, commits, or ends the stay   |
 * | ended     | {@link end}: what is processed is committed, the group is left, the reader closed | never: the consumer opens another one |
 *
 * Events from outside (expulsion, a deleted topic, a failed automatic commit) are kept until the caller's
 * next request, which then fails with them. After any failure the consumer ends the subscription: a member
 * that does not read would keep its partitions from the others.
 */
import { isMillraceError, MillraceError, type Clock } from '../../base/index.ts'
import { AssignedPartitions, type AssignedPartition } from './assigned-partitions.ts'
import { ConsumedRecords, type ConsumedBatch, type ConsumedRecord } from './consumed-records.ts'
import type { ConsumerSettings, ReadableTopic } from './consumer-options.ts'
import { countAgainMs } from '../ensure-topic.ts'
import { closedLog } from '../handles.ts'
import type { GroupMembership } from '../group/membership.ts'
import type { LogPort, Reader, TopicPartition } from '../log-port.ts'
import { OffsetCommits, type ProcessedOffset } from './offset-commits.ts'
import { partitionsToRead, rangeOf } from './reading-range.ts'

/** The shared parts of a consumer's subscriptions. */
export interface SubscriptionContext<K, V> {
  readonly port: LogPort
  readonly clock: Clock
  readonly topic: ReadableTopic<K, V>
  readonly settings: ConsumerSettings
  /** Where a subscription without a group begins, by partition: at the end of the last one. */
  readonly positions: Map<number, number>
  readonly onSkip: () => void
}

export class Subscription<K, V> {
  readonly #context: SubscriptionContext<K, V>
  readonly #records: ConsumedRecords<K, V>
  readonly #assigned = new AssignedPartitions()
  readonly #commits: OffsetCommits
  #opening: Promise<void> | undefined
  #reader: Reader | undefined
  #membership: GroupMembership | undefined
  /** The batch being handed out. */
  #current:
    | {
        readonly partition: number
        readonly records: readonly ConsumedRecord<K, V>[]
        next: number
        readonly nextOffset: number
        readonly leaderEpoch: number
        readonly refused: MillraceError | undefined
      }
    | undefined
  /** Of the topic, for a consumer without a group. */
  #count = 0
  /** When they are counted again: never where a group shares them, or `until` is 'end'. */
  #countDueMs = Infinity
  /** An event from outside: the next read fails with it. */
  #failure: { readonly error: unknown } | undefined
  /** Wakes a read that waits. */
  readonly #over = new AbortController()
  /** Ends a join that waits for others. */
  readonly #leaving = new AbortController()
  #ending: Promise<void> | undefined

  constructor(context: SubscriptionContext<K, V>) {
    this.#context = context
    this.#records = new ConsumedRecords(context.topic, context.onSkip)
    this.#commits = new OffsetCommits({
      clock: context.clock,
      everyMs: context.settings.commitEveryMs,
      send: offsets => this.#send(offsets),
      partitions: () => this.#assigned.all(),
      onFailure: error => this.#fail(error),
    })
  }

  /** Joins; resolves when it has its first partitions, which may be none. */
  open(): Promise<void> {
    return (this.#opening ??= this.#open())
  }

  /**
   * The next record of the current batch, without waiting. The record handed out before counts as processed.
   */
  nextRecord(): ConsumedRecord<K, V> | undefined {
    this.#finishWork()
    const current = this.#current
    const record = current?.records[current.next]
    if (!current || !record) return undefined
    current.next += 1
    const isLast = current.next === current.records.length
    // The offsets after the last record of a batch are filtered ones.
    const { partition, nextOffset, leaderEpoch } = current
    this.#assigned.beginWork(partition, isLast ? nextOffset : record.offset + 1, leaderEpoch)
    return record
  }

  /** The records of the next batch; undefined at the end. The batch handed out before counts as processed. */
  async nextBatch(): Promise<ConsumedBatch<K, V> | undefined> {
    this.#finishWork()
    while (await this.load()) {
      const current = this.#current
      // None: its partition was given away meanwhile.
      if (!current) continue
      const { partition, records, nextOffset, leaderEpoch } = current
      current.next = records.length
      this.#assigned.beginWork(partition, nextOffset, leaderEpoch)
      return { partition, records }
    }
    return undefined
  }

  /**
   * Makes the next batch the current one; false at the end. It is the current one from the moment in which it
   * is taken from the reader: otherwise its partition could be given away in between, without this batch.
   */
  async load(): Promise<boolean> {
    try {
      await this.open()
      while (!this.#ending) {
        this.#throwFailure()
        if (this.#nowMs >= this.#countDueMs) await this.#countAgain()
        if (this.#take()) return true
        if (this.#isAtEnd()) return false
        await this.#reader!.wait(this.#countDueMs - this.#nowMs, this.#over.signal)
        if (this.#reader!.closed) throw closedLog()
      }
    } catch (error) {
      // Failures caused by the end are not reported.
      if (!this.#ending) throw error
    }
    return false
  }

  /** Commits everything handed out so far, the caller's current record included. */
  async commit(): Promise<void> {
    this.#finishWork()
    this.#throwFailure()
    await this.#commits.commit(this.#assigned.all())
  }

  /**
   * Continues at an offset of a partition, once the subscription is open. Records handed out of it do not
   * count as processed.
   */
  async seek(partition: number, offset: number): Promise<void> {
    const { port, topic, settings } = this.#context
    const place = { topic: topic.name, partition }
    if (this.#assigned.get(partition)) {
      // Its end may have been unknown, while its position was past the log's end.
      const [{ end } = { end: Infinity }] = await rangeOf(
        port,
        [place],
        { ...settings, group: undefined },
        new Map([[partition, offset]]),
      )
      this.#throwFailure()
      const assigned = this.#ending ? undefined : this.#assigned.get(partition)
      if (assigned) return this.#moveTo(offset, { ...assigned, end: Math.min(assigned.end, end) })
    }
    throw new MillraceError(
      'INVALID_ARGUMENT',
      `Partition ${partition} of '${topic.name}' is not assigned to this consumer.`,
    )
  }

  async seekToTime(timestamp: number): Promise<void> {
    const { port, topic, settings } = this.#context
    const partitions = Array.from(this.#assigned, ({ partition }) => partition)
    for (const partition of partitions)
      await this.seek(partition, await port.offsets(topic.name, partition, { timestamp }, settings.isolation))
  }

  #moveTo(offset: number, assigned: AssignedPartition): void {
    const { partition } = assigned
    if (this.#current?.partition === partition) this.#current = undefined
    this.#assigned.dropWork(partition)
    // The reader keeps its position in a partition that stays: it must drop the partition first.
    this.#assigned.remove(partition)
    this.#assign()
    this.#assigned.add({ ...assigned, processed: offset, leaderEpoch: -1 })
    this.#assign()
  }

  /**
   * Commits processed records, leaves the group, and closes the reader. The record at work does not count.
   */
  end(): Promise<void> {
    return (this.#ending ??= this.#end())
  }

  async #end(): Promise<void> {
    const { settings, positions } = this.#context
    // First stop handing out records, and stop waiting for the record at work.
    this.#current = undefined
    this.#assigned.dropWork()
    this.#over.abort('ended') // without a reason it would make an error, with its stack
    this.#leaving.abort('ended')
    if (settings.group === undefined)
      for (const { partition, processed } of this.#assigned) positions.set(partition, processed)
    await this.#opening?.catch(() => undefined)
    try {
      await this.#commits.end()
    } finally {
      await this.#membership?.leave()
      await this.#reader?.close()
    }
  }

  async #open(): Promise<void> {
    const { port, topic, settings } = this.#context
    const { group, isolation, until } = settings
    const { name } = topic
    const partitions = await partitionsToRead(port, topic, group)
    this.#reader = await port.openReader(isolation === undefined ? {} : { isolation })
    if (this.#ending) return
    this.#count = partitions
    if (group === undefined && until !== 'end') this.#countDueMs = this.#nowMs + countAgainMs
    if (group === undefined)
      return this.#add(Array.from({ length: partitions }, (_, partition) => ({ topic: name, partition })))
    this.#membership = await port.joinGroup({
      group,
      topics: [[name]],
      ...settings.joining,
      onAssigned: added => this.#add(added),
      onRevoked: revoked => this.#giveBack(revoked),
      onLost: (lost, error) => this.#lose(lost, error),
      busy: () => this.#busy(),
      signal: this.#leaving.signal,
    })
  }

  get #nowMs(): number {
    return this.#context.clock.monotonic()
  }

  /** Reads the partitions that the topic has got meanwhile, from their starts. */
  async #countAgain(): Promise<void> {
    const { port, topic } = this.#context
    this.#countDueMs = this.#nowMs + countAgainMs
    // What a deleted topic means, its reader says.
    const { partitions = 0 } = (await port.describeTopic(topic.name)) ?? {}
    for (; this.#count < partitions; this.#count += 1) {
      const partition = this.#count
      const processed = await port.offsets(topic.name, partition, 'earliest')
      this.#assigned.add({ partition, processed, leaderEpoch: -1, committed: -1, end: Infinity })
      this.#assign()
    }
  }

  async #add(added: readonly TopicPartition[]): Promise<void> {
    const { port, settings, positions } = this.#context
    for (const assigned of await rangeOf(port, added, settings, positions)) this.#assigned.add(assigned)
    this.#assign()
  }

  async #giveBack(revoked: readonly TopicPartition[]): Promise<void> {
    // First stop handing out records: those processed during the commit would come again elsewhere.
    const leaving = this.#assigned.beginLeaving(revoked)
    this.#dropCurrent(revoked)
    this.#assign()
    try {
      // Finished records are committed at once: the one at work may last longer than the group waits.
      await this.#commits.commitAutomatically(leaving)
      await this.#assigned.leavingIdle()
      // Partitions lost meanwhile have another owner already.
      const ours = leaving.filter(assigned => this.#assigned.isLeaving(assigned))
      await this.#commits.commitAutomatically(ours)
    } finally {
      this.#assigned.endLeaving(leaving)
    }
  }

  /** They are gone, with the records handed out of them: the subscription has failed. */
  #lose(lost: readonly TopicPartition[], error: unknown): void {
    this.#assigned.lose(lost)
    this.#dropCurrent(lost)
    this.#assign()
    this.#fail(error)
  }

  /**
   * The partition that the body works on. Earlier records are committed, since the group may not wait for the
   * body.
   */
  #busy(): { readonly partitions: readonly TopicPartition[]; readonly done: Promise<void> } | undefined {
    const partition = this.#assigned.atWork
    if (partition === undefined) return undefined
    this.#commits.startNow()
    return { partitions: [{ topic: this.#context.topic.name, partition }], done: this.#assigned.idle() }
  }

  /** The next batch with records, of the partition that has waited longest. */
  #take(): boolean {
    const reader = this.#reader!
    const { name } = this.#context.topic
    const refused = this.#current?.refused
    this.#current = undefined
    if (refused) throw refused
    for (const assigned of this.#assigned) {
      const { partition } = assigned
      while (reader.position(name, partition) < assigned.end) {
        const fetched = this.#fetched(reader, partition)
        if (!fetched) break
        const readable = this.#records.of(fetched)
        if (readable.records.length > 0) {
          this.#current = { ...readable, next: 0 }
          this.#assigned.add(assigned)
          return true
        }
        assigned.processed = readable.nextOffset
        assigned.leaderEpoch = readable.leaderEpoch
        if (readable.refused) throw readable.refused
      }
    }
    return false
  }

  #fetched(reader: Reader, partition: number): ReturnType<Reader['take']> {
    try {
      return reader.take(this.#context.topic.name, partition)
    } catch (error) {
      if (!isMillraceError(error, 'OFFSET_OUT_OF_RANGE')) throw error
      throw new MillraceError(
        'OFFSET_OUT_OF_RANGE',
        `${error.message} Set an offset to continue from: consumer.seek(${partition}, offset), then loop over it again.`,
        { cause: error },
      )
    }
  }

  #isAtEnd(): boolean {
    const { topic, settings } = this.#context
    if (settings.until !== 'end') return false
    return [...this.#assigned].every(
      ({ partition, end }) => this.#reader!.position(topic.name, partition) >= end,
    )
  }

  #finishWork(): void {
    if (this.#assigned.finishWork()) this.#commits.processed()
  }

  #fail(error: unknown): void {
    this.#failure ??= { error }
    this.#over.abort('failed')
  }

  #throwFailure(): void {
    if (this.#failure) throw this.#failure.error
  }

  /** Hands out no more of the current batch, if it is of one of these partitions. */
  #dropCurrent(partitions: readonly TopicPartition[]): void {
    if (partitions.some(({ partition }) => partition === this.#current?.partition)) this.#current = undefined
  }

  #assign(): void {
    if (this.#ending) return
    const topic = this.#context.topic.name
    this.#reader!.assign(
      Array.from(this.#assigned, ({ partition, processed }) => ({ topic, partition, offset: processed })),
    )
  }

  async #send(offsets: readonly ProcessedOffset[]): Promise<void> {
    const { port, topic, settings } = this.#context
    const commits = offsets.map(processed => ({ topic: topic.name, ...processed }))
    if (this.#membership) await this.#membership.commit(commits)
    else await port.commitOffsets({ group: settings.group!, offsets: commits })
  }
}
