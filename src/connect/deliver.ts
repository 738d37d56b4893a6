/**
 * Delivers a topic to a sink, exactly once.
 *
 * Delivery goes on where the **target** stands: its offsets move in the transaction that holds the rows (see
 * sink.ts). Records are read committed, decoded a batch at a time, and gathered into transactions that are
 * bounded in rows, bytes and time.
 *
 * One transaction is under way in the target while the next one is read and decoded, so at most two are held.
 */
import {
  checkOptions,
  durationMs,
  MillraceError,
  Outcome,
  systemClock,
  type Clock,
  type Duration,
} from '../base/index.ts'
import { checkConnector, checkLog } from './checks.ts'
import {
  DecodedBatch,
  type FetchedBatch,
  type Log,
  type LogPort,
  portOf,
  type Reader,
  topicToRead,
} from '../port/index.ts'
import { checkPolicy, checkTopic, Malformed, type ErrorPolicy } from '../schema/index.ts'
import { DeadLetters } from './dead-letters.ts'
import { SinkLoader, type DeliverStats, type Transaction } from './sink-loader.ts'
import type { ConnectObserver } from './observer.ts'
import type { Sink, SinkTopic } from './sink.ts'

/**
 * How long a delivery waits for its topic to be created: an app that was started with it does that in its
 * first moments.
 */
const topicWaitMsMax = 10_000
const topicPollMs = 20

/**
 * How far a delivery goes, how much it writes at a time, and what becomes of records that the sink refuses.
 */
export interface DeliverOptions {
  /**
   * `end`: deliver up to the end as it is at the start, then leave. Default: run until
   * {@link Delivery.finish} or {@link Delivery.stop}.
   */
  readonly until?: 'end'
  /**
   * What to do with a record that cannot be decoded or that the sink refuses. Default `fail`: delivery ends
   * with an error that names it, and nothing past it is delivered. Dead letters are the original bytes,
   * written exactly once.
   */
  readonly onError?: ErrorPolicy
  /** A transaction is written when it has this many rows. Default 50,000. */
  readonly transactionRows?: number
  /** … or this many bytes, as they stand on the log. Default 16 MiB. */
  readonly transactionBytes?: number
  /** … or is this old. Default 1 s. */
  readonly commitInterval?: Duration
  /** Ends the run as {@link Delivery.stop} does. */
  readonly signal?: AbortSignal
  /** Told of the run's steps. */
  readonly observer?: ConnectObserver
  /** Default: the machine's. A test gives its own. */
  readonly clock?: Clock
}

/**
 * How far a delivery has come, and in which state it is: `running` from its start on, `stopping` once it was
 * told to stop, `ended` or `failed`, with what it failed with.
 */
export interface DeliveryProgress extends DeliverStats {
  readonly state: 'running' | 'stopping' | 'ended' | 'failed'
  /** Only in the state `failed`. */
  readonly error?: unknown
}

/** A running delivery. Closing the log stops it as {@link Delivery.stop} does. */
export interface Delivery {
  /**
   * Settles when the delivery has ended; rejects with what it failed on. A failure ends the process as every
   * unhandled rejection does, unless `done`, `stop()` or `finish()` was taken before.
   */
  readonly done: Promise<DeliverStats>
  /** What has been delivered so far, and in which state the delivery is. */
  progress(): DeliveryProgress
  /** Delivers everything up to the end as it is now, then leaves. */
  finish(): Promise<DeliverStats>
  /** Commits what has been read, then leaves. */
  stop(): Promise<DeliverStats>
}

const optionKinds = {
  until: ['end'],
  onError: 'any',
  transactionRows: 'count',
  transactionBytes: 'count',
  commitInterval: 'duration',
  signal: 'signal',
  observer: 'object',
  clock: 'object',
} as const

/**
 * Starts to deliver a topic to a sink.
 *
 * The app that writes the topic may be started before or after: a topic that declares its partition count is
 * created, any other is waited for, up to 10 s. Only with `until: 'end'` it has to be there.
 *
 * @example
 * const delivery = deliver(log, delaysByHour, duckdb('warehouse.duckdb', { table: 'delays_by_hour' }))
 * await app.run({ until: 'end' })
 * await delivery.finish()
 * @throws MillraceError through `done`: MALFORMED_RECORD and SINK_REFUSED under `fail`, what opening the sink
 *   throws, SINK_FENCED, UNKNOWN_TOPIC, OFFSET_OUT_OF_RANGE
 */
export function deliver<K, V>(
  log: Log | LogPort,
  topic: SinkTopic<K, V>,
  sink: Sink<NoInfer<K>, NoInfer<V>>,
  options: DeliverOptions = {},
): Delivery {
  checkLog('deliver', log)
  checkTopic('deliver', topic)
  checkConnector('deliver', 'sink', sink)
  checkOptions(`the delivery of '${topic.name}' to '${sink.name}'`, options, optionKinds)
  if (options.onError !== undefined) checkPolicy(options.onError, 'the delivery')
  const run = new Run(portOf(log), topic, sink, options)
  const work = async (): Promise<DeliverStats> => {
    if (!('port' in log)) return await run.run()
    const release = log.onClose(() => {
      run.stop()
      return outcome.ended
    })
    try {
      return await run.run()
    } finally {
      release()
    }
  }
  const outcome = new Outcome(work)
  return {
    get done() {
      return outcome.take()
    },
    progress: () => run.progress(),
    finish() {
      return run.finish(outcome.take())
    },
    stop() {
      run.stop()
      return outcome.take()
    },
  }
}

const nothing: DeliverStats = { delivered: 0, skipped: 0, deadLettered: 0, bytes: 0, commits: 0 }

class Run<K, V> {
  readonly #log: LogPort
  readonly #topic: SinkTopic<K, V>
  readonly #sink: Sink<K, V>
  readonly #clock: Clock
  readonly #observer: ConnectObserver
  readonly #onError: ErrorPolicy
  readonly #rowsMax: number
  readonly #bytesMax: number
  readonly #intervalMs: number
  readonly #decoded: DecodedBatch<K, V>
  readonly #ending = new AbortController()
  readonly #untilEnd: boolean
  /** Wakes the loop out of its wait. */
  #wake = new AbortController()
  /** Where to leave, by partition; undefined: never. */
  #ends: number[] | undefined
  #open: Transaction<K, V> | undefined
  /** The write of the transaction before. */
  #underWay: Promise<void> = Promise.resolve()
  #failed = false
  #finishing = false
  #loader: SinkLoader<K, V> | undefined
  #outcome: { readonly state: 'ended' } | { readonly state: 'failed'; readonly error: unknown } | undefined

  constructor(log: LogPort, topic: SinkTopic<K, V>, sink: Sink<K, V>, options: DeliverOptions) {
    this.#log = log
    this.#topic = topic
    this.#sink = sink
    this.#clock = options.clock ?? systemClock
    this.#observer = options.observer ?? {}
    this.#onError = options.onError ?? 'fail'
    this.#rowsMax = options.transactionRows ?? 50_000
    this.#bytesMax = options.transactionBytes ?? 16 * 1024 * 1024
    this.#intervalMs = durationMs(options.commitInterval ?? '1s')
    this.#decoded = new DecodedBatch(topic.key, topic.value, false)
    this.#untilEnd = options.until === 'end'
    if (options.signal?.aborted) this.stop()
    options.signal?.addEventListener('abort', () => this.stop(), { once: true, signal: this.#ending.signal })
  }

  stop(): void {
    this.#ending.abort()
    this.#wake.abort()
  }

  progress(): DeliveryProgress {
    const state = this.#ending.signal.aborted ? 'stopping' : 'running'
    return { state, ...(this.#loader?.stats ?? nothing), ...this.#outcome }
  }

  async finish(done: Promise<DeliverStats>): Promise<DeliverStats> {
    // One that ends already cannot be told where.
    if (this.#ending.signal.aborted) return await done
    this.#finishing = true
    const partitions = await this.#partitions()
    this.#ends = await this.#endsNow(partitions)
    this.#wake.abort()
    return await done
  }

  async run(): Promise<DeliverStats> {
    try {
      const stats = await this.#run()
      this.#outcome = { state: 'ended' }
      return stats
    } catch (error) {
      this.#outcome = { state: 'failed', error }
      throw error
    }
  }

  async #run(): Promise<DeliverStats> {
    if (this.#ending.signal.aborted || (!(await this.#comesUp()) && this.#ending.signal.aborted))
      return nothing
    const partitions = await this.#partitions()
    const context = {
      topic: this.#topic,
      topicId: await this.#topicId(),
      partitions,
      clock: this.#clock,
      signal: this.#ending.signal,
      observer: this.#observer,
    }
    const { name } = this.#sink
    const writer = await this.#sink.open(context)
    let reader: Reader | undefined
    let letters: DeadLetters | undefined
    try {
      if (typeof this.#onError === 'object')
        letters = await DeadLetters.open(
          this.#log,
          name,
          this.#topic.name,
          partitions,
          this.#onError.deadLetter,
        )
      if (this.#untilEnd) this.#ends = await this.#endsNow(partitions)
      reader = await this.#log.openReader({ isolation: 'read_committed' })
      const committed = await writer.committed()
      const positions = await this.#eachPartition(partitions, async partition => ({
        topic: this.#topic.name,
        partition,
        offset: await this.#start(partition, committed.get(partition)),
      }))
      reader.assign(positions)
      // Between the two it may have been deleted and created again.
      if ((await this.#topicId()) !== context.topicId) throw this.#deleted()
      const loader = (this.#loader = new SinkLoader({
        topic: this.#topic.name,
        sink: name,
        writer,
        onError: this.#onError,
        letters,
        observer: this.#observer,
      }))
      await this.#deliver(reader, loader, partitions)
      return loader.stats
    } finally {
      // Ends the listening to the caller's signal, too.
      this.#ending.abort()
      await this.#underWay.catch(() => {})
      await reader?.close()
      await letters?.close()
      await writer.close()
    }
  }

  async #deliver(reader: Reader, loader: SinkLoader<K, V>, partitions: number): Promise<void> {
    const { name } = this.#topic
    for (;;) {
      let took = false
      for (let partition = 0; partition < partitions && !this.#ending.signal.aborted; partition++) {
        const fetched = reader.take(name, partition)
        if (!fetched) continue
        took = true
        this.#add(fetched, loader)
        if (this.#isFull()) await this.#write(loader, reader, partitions)
      }
      const leave = this.#ending.signal.aborted || this.#isAtEnds(reader)
      if (leave || this.#isDue()) await this.#write(loader, reader, partitions)
      if (leave || this.#failed) await this.#underWay
      if (leave) return
      if (took) await this.#clock.yield()
      else await this.#wait(reader)
    }
  }

  async #wait(reader: Reader): Promise<void> {
    const left = this.#open && Math.max(0, this.#open.dueMs - this.#clock.monotonic())
    await reader.wait(left, this.#wake.signal)
    if (this.#wake.signal.aborted) this.#wake = new AbortController()
  }

  #isAtEnds(reader: Reader): boolean {
    const { name } = this.#topic
    return this.#ends?.every((end, partition) => reader.position(name, partition) >= end) ?? false
  }

  #isFull(): boolean {
    return (
      this.#open !== undefined &&
      (this.#open.rows.length >= this.#rowsMax || this.#open.bytes >= this.#bytesMax)
    )
  }

  #isDue(): boolean {
    return this.#open !== undefined && this.#clock.monotonic() >= this.#open.dueMs
  }

  /** Takes a fetched batch into the open transaction. */
  #add(from: FetchedBatch, loader: SinkLoader<K, V>): void {
    const { partition } = from
    const into: Transaction<K, V> = (this.#open ??= {
      rows: [],
      batches: [],
      malformed: [],
      to: new Map(),
      bytes: 0,
      dueMs: this.#clock.monotonic() + this.#intervalMs,
    })
    const bad = (offset: number, part: string, why: string): void => {
      const reason = `Its ${part} is malformed (${why}).`
      loader.refuse(partition, offset, reason)
      into.malformed.push({ partition, offset, reason })
    }
    const decoded = this.#decoded
    decoded.load(from)
    for (let i = 0; i < decoded.count; i++) {
      const key = decoded.keys[i] as K | null | Malformed
      const value = decoded.values[i] as V | null | Malformed
      const offset = decoded.offsets[i]!
      if (key instanceof Malformed) bad(offset, 'key', key.reason)
      else if (value instanceof Malformed) bad(offset, 'value', value.reason)
      else into.rows.push({ partition, offset, timestamp: decoded.timestamps[i]!, key, value })
    }
    into.batches.push(from)
    into.bytes += decoded.bytes
    into.to.set(partition, from.nextOffset)
  }

  /** Begins to write the open transaction, when the one before is written. */
  async #write(loader: SinkLoader<K, V>, reader: Reader, partitions: number): Promise<void> {
    const transaction = this.#open
    if (!transaction) return
    this.#open = undefined
    await this.#underWay
    this.#underWay = loader.load(transaction).then(() => {
      const { delivered, skipped, deadLettered, bytes, commits } = loader.stats
      const records = delivered + skipped + deadLettered
      this.#observer.onProgress?.({ records, bytes, commits, lag: this.#lag(reader, partitions) })
    })
    this.#underWay.catch(() => {
      this.#failed = true
      this.#wake.abort()
    })
  }

  /** Records read and not yet being written, and those not yet read. */
  #lag(reader: Reader, partitions: number): number {
    const { name } = this.#topic
    let lag = this.#open?.rows.length ?? 0
    for (let partition = 0; partition < partitions; partition++)
      lag += Math.max(0, reader.end(name, partition) - reader.position(name, partition))
    return lag
  }

  /**
   * Where to begin in a partition, once it is sure that the topic still is the one that the target was loaded
   * from.
   */
  async #start(partition: number, committed: number | undefined): Promise<number> {
    const { name } = this.#topic
    const earliest = await this.#log.offsets(name, partition, 'earliest')
    if (committed === undefined) return earliest
    const latest = await this.#log.offsets(name, partition, 'latest', 'read_uncommitted')
    if (earliest <= committed && committed <= latest) return committed
    throw new MillraceError(
      'OFFSET_OUT_OF_RANGE',
      `The target of '${this.#sink.name}' is at offset ${committed} of ${name}, partition ${partition}, which holds ${earliest} to ${latest}: records between them are lost. Restore the log from a backup, or load this topic from its start into a new target, with a sink of another name.`,
    )
  }

  /** Whether the topic is there, or can be made; what is not may be about to be. */
  async #comesUp(): Promise<boolean> {
    const { name, partitions } = this.#topic
    if (partitions !== undefined) return true
    const giveUpAt = this.#clock.monotonic() + topicWaitMsMax
    while (!(await this.#log.describeTopic(name))) {
      const waits = !this.#untilEnd && !this.#finishing && !this.#ending.signal.aborted
      if (!waits || this.#clock.monotonic() >= giveUpAt) return false
      await this.#clock.sleep(topicPollMs)
    }
    return true
  }

  /** The partition count of the topic, which is created where it declares one and is missing. */
  async #partitions(): Promise<number> {
    const needs = `which is delivered to '${this.#sink.name}'`
    return (await topicToRead(this.#log, this.#topic, { needs })).partitions
  }

  async #topicId(): Promise<string> {
    const { name } = this.#topic
    const found = await this.#log.describeTopic(name)
    if (found) return found.id
    throw this.#deleted()
  }

  #deleted(): MillraceError {
    return new MillraceError(
      'UNKNOWN_TOPIC',
      `The topic '${this.#topic.name}' was deleted while its delivery to '${this.#sink.name}' was starting. Start the delivery again.`,
    )
  }

  #endsNow(partitions: number): Promise<number[]> {
    return this.#eachPartition(partitions, partition =>
      this.#log.offsets(this.#topic.name, partition, 'latest', 'read_committed'),
    )
  }

  #eachPartition<T>(partitions: number, ask: (partition: number) => Promise<T>): Promise<T[]> {
    return Promise.all(Array.from({ length: partitions }, (_, partition) => ask(partition)))
  }
}
