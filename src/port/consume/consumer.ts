/**
 * Reading typed records, alone or as a member of a group.
 *
 * **Processed records.** A record counts as processed when the next one is requested: in a `for await` loop,
 * when the body has ended without throwing. Only then may its offset be committed. So after a crash every
 * record whose body had not ended comes again (at least once). The consumer cannot tell `break` from an
 * exception: the record at which the loop was left comes again, unless the body called {@link
 * Consumer.commit}. Automatic commits happen `autoCommitMs` after a record was processed, when the loop is
 * left, and before a partition is given to another member.
 *
 * **How a loop ends.** At the end (`until`), or when the consumer or its log is closed: the loop ends. With
 * an error: the loop fails, and the consumer has left its group before; another loop over it joins again. By
 * `break` or an exception of the body: the consumer is closed. The steps are in subscription.ts.
 */
import { SerialQueue, MillraceError, type Clock } from '../../base/index.ts'
import type { ConsumedBatch, ConsumedRecord } from './consumed-records.ts'
import {
  checkPlace,
  checkTimestamp,
  consumerSettings,
  type ConsumerOptions,
  type ReadableTopic,
} from './consumer-options.ts'
import type { LogPort } from '../log-port.ts'
import { Subscription, type SubscriptionContext } from './subscription.ts'

/** A loop over the consumer; one at a time. */
interface Loop {
  over: boolean
}

/**
 * Reads the records of a topic, in order within each partition: {@link Log.consumer} makes one.
 *
 * In a group, a record counts as processed when the next one is requested, and only processed records are
 * committed: after a crash the rest comes again (at least once). Members of a group share the partitions,
 * which change hands as members come and go (KIP-429).
 *
 * @example
 * for await (const { key, value } of log.consumer(flights, { group: 'printer' })) console.log(key, value)
 */
export class Consumer<K, V> implements AsyncIterable<ConsumedRecord<K, V>>, AsyncDisposable {
  readonly #context: SubscriptionContext<K, V>
  readonly #onClose: () => void
  #subscription: Subscription<K, V> | undefined
  #loop: Loop | undefined
  #skipped = 0
  #closing: Promise<void> | undefined

  /** @internal Use `log.consumer(topic)`. */
  constructor(
    port: LogPort,
    clock: Clock,
    topic: ReadableTopic<K, V>,
    options: ConsumerOptions = {},
    onClose: () => void = () => undefined,
  ) {
    this.#onClose = onClose
    this.#context = {
      port,
      clock,
      topic,
      settings: consumerSettings(topic.name, options),
      positions: new Map(),
      onSkip: () => {
        this.#skipped += 1
      },
    }
  }

  /** Unreadable records that were left out, under the topic's `onError: 'skip'`. */
  get skipped(): number {
    return this.#skipped
  }

  /**
   * Iterates record by record. Leaving the loop commits processed records and closes the consumer. An error
   * ends the loop after all records before it were handed out. Then processed records are committed, the
   * group is left, and another loop over this consumer continues from there.
   *
   * @throws MillraceError UNKNOWN_TOPIC for a missing topic that declares no partitions, or a deleted one;
   *   PARTITION_COUNT_CHANGED for one that has another count than it declares; MALFORMED_RECORD for a record
   *   that the schema refuses, unless the topic says `onError: 'skip'`; OFFSET_OUT_OF_RANGE when retention
   *   has deleted the next records; MEMBER_FENCED when the group gave the partitions to another member, which
   *   gets the uncommitted records again; CLOSED for a loop that begins when the consumer or the log is
   *   closed; INVALID_ARGUMENT for a second loop beside another one
   */
  [Symbol.asyncIterator](): AsyncIterator<ConsumedRecord<K, V>, undefined> {
    const loop: Loop = { over: false }
    const turns = new SerialQueue()
    let waiting = 0
    return {
      next: async () => {
        const value = waiting === 0 && this.#loop === loop ? this.#subscription?.nextRecord() : undefined
        if (value) return { value, done: false }
        waiting += 1
        try {
          const read = await turns.run(() => this.#nextRecord(loop))
          return read ? { value: read, done: false } : { value: undefined, done: true }
        } finally {
          waiting -= 1
        }
      },
      return: async () => {
        await this.#leave(loop)
        return { value: undefined, done: true }
      },
    }
  }

  /**
   * Iterates batch by batch, which is faster: one promise per batch and not per record. A batch counts as
   * processed when the next one is requested. The loop ends, and fails, like the loop over records.
   */
  async *batches(): AsyncGenerator<ConsumedBatch<K, V>, void, undefined> {
    const loop: Loop = { over: false }
    try {
      for (;;) {
        const batch = await this.#read(loop, subscription => subscription.nextBatch())
        if (!batch) return
        yield batch
      }
    } finally {
      await this.#leave(loop)
    }
  }

  /**
   * Commits everything handed out so far: the caller says that the record (or batch) at hand is processed
   * too.
   * @throws MillraceError INVALID_ARGUMENT without a group; MEMBER_FENCED when the group gave the partitions
   *   away meanwhile, or the consumer has left it after an error; UNKNOWN_TOPIC when the topic was deleted
   */
  async commit(): Promise<void> {
    const { topic, settings } = this.#context
    if (settings.group === undefined)
      throw new MillraceError(
        'INVALID_ARGUMENT',
        `The consumer of '${topic.name}' has no group to commit for.`,
      )
    await this.#subscription?.commit()
  }

  /**
   * Continues at an offset of a partition that this consumer has. Joins the group first, if the consumer is
   * not a member.
   * @throws MillraceError INVALID_ARGUMENT for a partition that it does not have, or an invalid offset;
   *   CLOSED
   */
  async seek(partition: number, offset: number): Promise<void> {
    checkPlace(`a seek in '${this.#context.topic.name}'`, partition, offset)
    const subscription = await this.#opened()
    await subscription.seek(partition, offset)
  }

  /**
   * Continues, in every partition, at the first record with this timestamp (ms since the epoch, or a Date) or
   * a later one.
   */
  async seekToTime(timestamp: number | Date): Promise<void> {
    const at = checkTimestamp(`a seek in '${this.#context.topic.name}'`, 'timestamp', timestamp)
    const subscription = await this.#opened()
    await subscription.seekToTime(at)
  }

  /**
   * Commits processed records, and leaves the group; a loop over the consumer ends. The record in the loop's
   * body does not count as processed.
   */
  close(): Promise<void> {
    return (this.#closing ??= this.#close())
  }

  /** As {@link close}: for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #close(): Promise<void> {
    try {
      await this.#subscription?.end()
    } finally {
      this.#onClose()
    }
  }

  async #nextRecord(loop: Loop): Promise<ConsumedRecord<K, V> | undefined> {
    return await this.#read(loop, async subscription => {
      do {
        const record = subscription.nextRecord()
        // None: the batch has ended, or its partition was given away meanwhile.
        if (record) return record
      } while (await subscription.load())
      return undefined
    })
  }

  /** Reads on for a loop; undefined when that is over. */
  async #read<T>(
    loop: Loop,
    next: (subscription: Subscription<K, V>) => Promise<T | undefined>,
  ): Promise<T | undefined> {
    if (loop.over) return undefined
    await this.#enter(loop)
    const result = this.#closing ? undefined : await this.#use(next)
    if (result === undefined) await this.#leave(loop)
    return result
  }

  #opened(): Promise<Subscription<K, V>> {
    return this.#use(async subscription => {
      await subscription.open()
      return subscription
    })
  }

  async #enter(loop: Loop): Promise<void> {
    if (this.#loop === loop) return
    const { name } = this.#context.topic
    if (this.#closing) {
      loop.over = true
      await this.#refuseClosed()
    }
    if (this.#loop) {
      loop.over = true
      throw new MillraceError(
        'INVALID_ARGUMENT',
        `The consumer of '${name}' is being read by another loop, and can have only one. Make another consumer: with the same group they share the partitions.`,
      )
    }
    this.#loop = loop
  }

  /** A loop ends: the consumer is closed. A loop that never began, or has failed, does not close it. */
  async #leave(loop: Loop): Promise<void> {
    loop.over = true
    if (this.#loop === loop) await this.close()
  }

  /**
   * Runs a call with the open subscription, or a new one. If it fails the subscription ends, so that no
   * member waits for one that does not read.
   */
  async #use<T>(action: (subscription: Subscription<K, V>) => Promise<T>): Promise<T> {
    if (this.#closing) await this.#refuseClosed()
    const subscription = (this.#subscription ??= new Subscription(this.#context))
    try {
      return await action(subscription)
    } catch (error) {
      if (this.#loop) this.#loop.over = true
      this.#loop = undefined
      // The first error counts, not one of closing after it.
      await subscription.end().catch(() => undefined)
      if (this.#subscription === subscription && !this.#closing) this.#subscription = undefined
      throw error
    }
  }

  /** In a new turn of the event loop: a program that retries in a loop must not block it. */
  async #refuseClosed(): Promise<never> {
    const { clock, topic } = this.#context
    await clock.yield()
    throw new MillraceError(
      'CLOSED',
      `The consumer of '${topic.name}' is closed, or its log is. Make another one with log.consumer, of a log that is open.`,
    )
  }
}
