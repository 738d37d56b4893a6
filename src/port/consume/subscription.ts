/**
 * One stay of a consumer with its topic, from the first read to the end: a reader, with a group also a
 * membership, and what is processed and committed.
 *
 * | state     | what happens                                              | how it is left                                        |
 * | --------- | --------------------------------------------------------- | ----------------------------------------------------- |
 * | joining   | {@link open}: the topic is looked up, the group is joined | by itself, or with the error that it fails with       |
 * | reading   | {@link load} takes a batch, or waits for one              | with a batch, at the end, with an error               |
 * | in a body | the caller works on what was handed out                   | the caller asks for more, commits, or ends the stay   |
 * | ended     | {@link end}: what is processed is committed, the group is left, the reader closed | never: the consumer opens another one |
 *
 * What comes from outside meanwhile (expulsion, a deleted topic, a commit that fails by itself) is kept until
 * the caller asks for more, which then fails with it. Whatever fails, the consumer ends the stay: a member
 * that nobody reads for would keep its partitions from the others.
 */
import { isMillraceError, MillraceError, type Clock } from '../../base/index.ts'
import { AssignedPartitions, type AssignedPartition } from './assigned-partitions.ts'
import { ConsumedRecords, type ConsumedBatch, type ConsumedRecord } from './consumed-records.ts'
import type { ConsumerSettings, ReadableTopic } from './consumer-options.ts'
import { closedLog } from '../handles.ts'
import type { GroupMembership, LogPort, Reader, TopicPartition } from '../log-port.ts'
import { OffsetCommits } from './offset-commits.ts'
import { partitionsToRead, rangeOf } from './reading-range.ts'

/** What every stay of a consumer shares. */
export interface SubscriptionContext<K, V> {
  readonly port: LogPort
  readonly clock: Clock
  readonly topic: ReadableTopic<K, V>
  readonly settings: ConsumerSettings
  /** Where a stay without a group begins, by partition: where the one before has ended. */
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
        readonly refused: MillraceError | undefined
      }
    | undefined
  /** What has happened to it from outside: the next read fails with that. */
  #failure: { readonly error: unknown } | undefined
  /** Wakes a read that waits. */
  readonly #over = new AbortController()
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
   * The next record of the batch at hand, without waiting for anything. What was handed out before counts as
   * processed.
   */
  nextRecord(): ConsumedRecord<K, V> | undefined {
    this.#finishWork()
    const current = this.#current
    const record = current?.records[current.next]
    if (!current || !record) return undefined
    current.next += 1
    const isLast = current.next === current.records.length
    // After the last record of a batch come the offsets that nobody sees.
    this.#assigned.beginWork(current.partition, isLast ? current.nextOffset : record.offset + 1)
    return record
  }

  /** The records of the next batch; undefined at the end. What was handed out before counts as processed. */
  async nextBatch(): Promise<ConsumedBatch<K, V> | undefined> {
    this.#finishWork()
    while (await this.load()) {
      const current = this.#current
      // None: its partition was given away meanwhile.
      if (!current) continue
      const { partition, records, nextOffset } = current
      current.next = records.length
      this.#assigned.beginWork(partition, nextOffset)
      return { partition, records }
    }
    return undefined
  }

  /**
   * Makes the next batch the current one; false at the end. It is the current one from the moment in which it
   * is taken from the reader: in between its partition could be given away, with nothing to show that this
   * batch goes with it.
   */
  async load(): Promise<boolean> {
    try {
      await this.open()
      while (!this.#ending) {
        this.#throwFailure()
        if (this.#take()) return true
        if (this.#isAtEnd()) return false
        await this.#reader!.wait(undefined, this.#over.signal)
        if (this.#reader!.closed) throw closedLog()
      }
    } catch (error) {
      // What fails because it is ending is not told.
      if (!this.#ending) throw error
    }
    return false
  }

  /** Commits everything handed out so far, whatever the caller is at work on included. */
  async commit(): Promise<void> {
    this.#finishWork()
    this.#throwFailure()
    await this.#commits.commit(this.#assigned.all())
  }

  /**
   * Continues at an offset of a partition, once it is open. What was handed out of it does not count as
   * processed.
   */
  async seek(partition: number, offset: number): Promise<void> {
    const { port, topic, settings } = this.#context
    const place = { topic: topic.name, partition }
    if (this.#assigned.get(partition)) {
      // Where it ends may have been unknown, as long as it stood behind the end.
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
    // The reader keeps its place in a partition that stays: it has to let go of it first.
    this.#assigned.remove(partition)
    this.#assign()
    this.#assigned.add({ ...assigned, processed: offset })
    this.#assign()
  }

  /**
   * Commits what was processed, leaves the group, and lets go of the reader. What is at work is not
   * processed.
   */
  end(): Promise<void> {
    return (this.#ending ??= this.#end())
  }

  async #end(): Promise<void> {
    const { settings, positions } = this.#context
    // First of all nothing more is handed out, and nobody waits for what is at work.
    this.#current = undefined
    this.#assigned.dropWork()
    this.#over.abort('ended') // without a reason it would make an error, with its stack
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
    const { group, isolation } = settings
    const { name } = topic
    const partitions = await partitionsToRead(port, topic, group)
    this.#reader = await port.openReader(isolation === undefined ? {} : { isolation })
    if (this.#ending) return
    if (group === undefined)
      return this.#add(Array.from({ length: partitions }, (_, partition) => ({ topic: name, partition })))
    this.#membership = await port.joinGroup({
      group,
      topics: [[name]],
      rebalanceTimeoutMs: settings.rebalanceTimeoutMs,
      onAssigned: added => this.#add(added),
      onRevoked: revoked => this.#giveBack(revoked),
      onLost: (lost, error) => this.#lose(lost, error),
      busy: () => this.#busy(),
    })
  }

  async #add(added: readonly TopicPartition[]): Promise<void> {
    const { port, settings, positions } = this.#context
    for (const assigned of await rangeOf(port, added, settings, positions)) this.#assigned.add(assigned)
    this.#assign()
  }

  async #giveBack(revoked: readonly TopicPartition[]): Promise<void> {
    // First of all nothing more is handed out: what was processed while the commit is in progress would come
    // again elsewhere.
    const leaving = this.#assigned.beginLeaving(revoked)
    this.#dropCurrent(revoked)
    this.#assign()
    try {
      // What has ended is committed at once: what is at work may last longer than the group waits.
      await this.#commits.commitAutomatically(leaving)
      await this.#assigned.leavingIdle()
      // What was lost meanwhile is somebody else's already.
      const ours = leaving.filter(assigned => this.#assigned.isLeaving(assigned))
      await this.#commits.commitAutomatically(ours)
    } finally {
      this.#assigned.endLeaving(leaving)
    }
  }

  /** They are gone, with what was handed out of them: the stay has failed. */
  #lose(lost: readonly TopicPartition[], error: unknown): void {
    this.#assigned.lose(lost)
    this.#dropCurrent(lost)
    this.#assign()
    this.#fail(error)
  }

  /**
   * What the body is at work on; what has ended before is committed, since the group may not wait for the
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
        `${error.message} This consumer continues at an offset that it is told: consumer.seek(${partition}, offset), then loop over it again.`,
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

  /** Hands nothing more out of the batch at hand, if it is of one of these partitions. */
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

  async #send(offsets: readonly { readonly partition: number; readonly offset: number }[]): Promise<void> {
    const { port, topic, settings } = this.#context
    const commits = offsets.map(({ partition, offset }) => ({ topic: topic.name, partition, offset }))
    if (this.#membership) await this.#membership.commit(commits)
    else await port.commitOffsets({ group: settings.group!, offsets: commits })
  }
}
