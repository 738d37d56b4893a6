/**
 * Delivers a topic to a sink, exactly once.
 *
 * Delivery goes on where the **target** stands: its offsets move in the transaction that holds the rows (see sink.ts). Records are read committed, decoded a batch at a
 * time, and gathered into transactions that are bounded in rows, bytes and time.
 *
 * A refused transaction is halved until the record that is refused stands alone; what comes before it is delivered on the way, in order.
 */
import {
  durationMs,
  isMillraceError,
  MillraceError,
  systemClock,
  type Clock,
  type Duration,
} from '../base/index.ts'
import type { FetchedBatch, LogPort, Reader } from '../port/index.ts'
import { Malformed, type ErrorPolicy } from '../schema/index.ts'
import { DeadLetters } from './dead-letters.ts'
import { BatchDecoder } from './decoded-batch.ts'
import type { ConnectObserver } from './observer.ts'
import type { Sink, SinkRow, SinkTopic, SinkWriter } from './sink.ts'
import { ensureTopic } from './topics.ts'

export interface DeliverOptions {
  /** `end`: deliver up to the end as it is at the start, then leave. Default: go on until {@link Delivery.finish} or {@link Delivery.stop}. */
  readonly until?: 'end'
  /**
   * What to do with a record that cannot be decoded or that the sink refuses. Default `fail`: delivery ends with an error that names it, and nothing past it is
   * delivered. Dead letters are the original bytes, written exactly once.
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
  readonly observer?: ConnectObserver
  readonly clock?: Clock
}

/** Counts of this run. */
export interface DeliverStats {
  readonly delivered: number
  readonly skipped: number
  readonly deadLettered: number
  readonly bytes: number
  readonly commits: number
}

/** A delivery under way. */
export interface Delivery {
  /** Settles when the delivery has ended; rejects with what it failed on. Watch it: nothing else tells. */
  readonly done: Promise<DeliverStats>
  /** Delivers everything up to the end as it is now, then leaves. */
  finish(): Promise<DeliverStats>
  /** Commits what has been read, then leaves. */
  stop(): Promise<DeliverStats>
}

/**
 * Starts to deliver a topic to a sink.
 *
 * @example
 * const delivery = deliver(log, delaysByHour, duckdb('warehouse.duckdb', { table: 'delays_by_hour' }))
 * await app.run({ until: 'end' })
 * await delivery.finish()
 * @throws MillraceError through `done`: MALFORMED_RECORD and SINK_REFUSED under `fail`, what opening the sink throws, SINK_FENCED, UNKNOWN_TOPIC
 */
export function deliver<K, V>(
  log: LogPort,
  topic: SinkTopic<K, V>,
  sink: Sink<NoInfer<K>, NoInfer<V>>,
  options: DeliverOptions = {},
): Delivery {
  const run = new Run(log, topic, sink, options)
  const done = run.run()
  return {
    done,
    finish: () => run.finish(done),
    stop() {
      run.stop()
      return done
    },
  }
}

/** Records that are to be written together. */
interface Transaction<K, V> {
  readonly rows: SinkRow<K, V>[]
  /** Where the rows come from, in their order: each batch with the index of its first row. */
  readonly batches: { readonly from: FetchedBatch; readonly firstRow: number }[]
  readonly malformed: { readonly from: FetchedBatch; readonly offset: number; readonly reason: string }[]
  readonly to: Map<number, number>
  bytes: number
  /** When it has to be written. */
  readonly dueMs: number
}

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
  readonly #decoder: BatchDecoder<K, V>
  readonly #ending = new AbortController()
  readonly #untilEnd: boolean
  /** Wakes the loop out of its wait. */
  #wake = new AbortController()
  /** Where to leave, by partition; undefined: never. */
  #ends: number[] | undefined
  #open: Transaction<K, V> | undefined
  #letters: DeadLetters | undefined
  #delivered = 0
  #skipped = 0
  #deadLettered = 0
  #bytes = 0
  #commits = 0

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
    this.#decoder = new BatchDecoder(topic)
    this.#untilEnd = options.until === 'end'
    if (options.signal?.aborted) this.stop()
    options.signal?.addEventListener('abort', () => this.stop(), { once: true, signal: this.#ending.signal })
  }

  stop(): void {
    this.#ending.abort()
    this.#wake.abort()
  }

  async finish(done: Promise<DeliverStats>): Promise<DeliverStats> {
    const partitions = await this.#partitions()
    this.#ends = await this.#endsNow(partitions)
    this.#wake.abort()
    return await done
  }

  async run(): Promise<DeliverStats> {
    const partitions = await this.#partitions()
    const context = {
      topic: this.#topic,
      partitions,
      clock: this.#clock,
      signal: this.#ending.signal,
      observer: this.#observer,
    }
    const { name } = this.#sink
    const writer = await this.#sink.open(context)
    let reader: Reader | undefined
    try {
      if (typeof this.#onError === 'object')
        this.#letters = await DeadLetters.open(
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
        offset:
          committed.get(partition) ?? (await this.#log.offsets(this.#topic.name, partition, 'earliest')),
      }))
      reader.assign(positions)
      await this.#deliver(reader, writer, partitions)
      return {
        delivered: this.#delivered,
        skipped: this.#skipped,
        deadLettered: this.#deadLettered,
        bytes: this.#bytes,
        commits: this.#commits,
      }
    } finally {
      // Ends the listening to the caller's signal, too.
      this.#ending.abort()
      await reader?.close()
      await this.#letters?.close()
      await writer.close()
    }
  }

  async #deliver(reader: Reader, writer: SinkWriter<K, V>, partitions: number): Promise<void> {
    const { name } = this.#topic
    for (;;) {
      let took = false
      for (let partition = 0; partition < partitions && !this.#ending.signal.aborted; partition++) {
        const fetched = reader.take(name, partition)
        if (!fetched) continue
        took = true
        this.#add(fetched)
        if (this.#isFull()) await this.#write(writer, reader, partitions)
      }
      const leave = this.#ending.signal.aborted || this.#isAtEnds(reader)
      if (leave || this.#isDue()) await this.#write(writer, reader, partitions)
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
  #add(from: FetchedBatch): void {
    const { partition } = from
    const into: Transaction<K, V> = (this.#open ??= {
      rows: [],
      batches: [],
      malformed: [],
      to: new Map(),
      bytes: 0,
      dueMs: this.#clock.monotonic() + this.#intervalMs,
    })
    const decoder = this.#decoder
    decoder.decode(from)
    into.batches.push({ from, firstRow: into.rows.length })
    for (let i = 0; i < decoder.count; i++) {
      const key = decoder.keys[i] as K | null | Malformed
      const value = decoder.values[i] as V | null | Malformed
      const offset = decoder.offsets[i]!
      if (key instanceof Malformed) this.#malformed(into, from, offset, 'key', key.reason)
      else if (value instanceof Malformed) this.#malformed(into, from, offset, 'value', value.reason)
      else into.rows.push({ partition, offset, timestamp: decoder.timestamps[i]!, key, value })
    }
    into.bytes += decoder.bytes
    into.to.set(partition, from.nextOffset)
  }

  #malformed(
    into: Transaction<K, V>,
    from: FetchedBatch,
    offset: number,
    part: 'key' | 'value',
    why: string,
  ): void {
    const reason = `its ${part} is malformed (${why})`
    if (this.#onError === 'fail')
      throw new MillraceError(
        'MALFORMED_RECORD',
        `The record at ${this.#place(from.partition, offset)} cannot be delivered to '${this.#sink.name}': ${reason}. Set onError to 'skip' or { deadLetter: topic } to go past it.`,
      )
    into.malformed.push({ from, offset, reason })
  }

  async #write(writer: SinkWriter<K, V>, reader: Reader, partitions: number): Promise<void> {
    const transaction = this.#open
    if (!transaction) return
    this.#open = undefined
    const { rows, malformed, to, bytes } = transaction
    await this.#letters?.write('malformed', malformed)
    for (const { from, offset, reason } of malformed)
      this.#passed(this.#place(from.partition, offset), reason)
    await this.#writeRows(writer, transaction, 0, rows.length, to)
    this.#bytes += bytes
    this.#observer.onProgress?.({
      records: this.#delivered + this.#skipped + this.#deadLettered,
      bytes: this.#bytes,
      commits: this.#commits,
      lag: this.#lag(reader, partitions),
    })
  }

  /** Writes rows [start, end), which bring the target to `to`; refused rows are found by halving. */
  async #writeRows(
    writer: SinkWriter<K, V>,
    transaction: Transaction<K, V>,
    start: number,
    end: number,
    to: ReadonlyMap<number, number>,
  ): Promise<void> {
    const rows =
      start === 0 && end === transaction.rows.length ? transaction.rows : transaction.rows.slice(start, end)
    this.#observer.onPhase?.('loading')
    try {
      await writer.write(rows, to)
      this.#observer.onPhase?.('idle')
      this.#delivered += rows.length
      this.#commits++
    } catch (error) {
      if (!isMillraceError(error, 'SINK_REFUSED') || rows.length === 0) throw error
      if (rows.length === 1) {
        await this.#refused(transaction, start, error)
        await this.#writeRows(writer, transaction, start, start, to)
        return
      }
      const middle = start + (rows.length >> 1)
      const before = new Map<number, number>()
      for (const { partition, offset } of transaction.rows.slice(start, middle))
        before.set(partition, offset + 1)
      await this.#writeRows(writer, transaction, start, middle, before)
      await this.#writeRows(writer, transaction, middle, end, to)
    }
  }

  /** Applies the policy to a record that the sink refuses. */
  async #refused(transaction: Transaction<K, V>, index: number, error: MillraceError): Promise<void> {
    const { partition, offset } = transaction.rows[index]!
    const place = this.#place(partition, offset)
    if (this.#onError === 'fail')
      throw new MillraceError(
        'SINK_REFUSED',
        `The sink '${this.#sink.name}' refuses the record at ${place}: ${error.message} Set onError to 'skip' or { deadLetter: topic } to go past it.`,
        { cause: error },
      )
    const { from } = transaction.batches.findLast(({ firstRow }) => firstRow <= index)!
    await this.#letters?.write('refused', [{ from, offset, reason: error.message, error }])
    this.#passed(place, error.message)
  }

  #passed(place: string, reason: string): void {
    if (this.#letters) this.#deadLettered++
    else this.#skipped++
    this.#observer.onBadRecord?.({ place, reason, handled: this.#letters ? 'dead-lettered' : 'skipped' })
  }

  #place(partition: number, offset: number): string {
    return `${this.#topic.name}, partition ${partition}, offset ${offset}`
  }

  #lag(reader: Reader, partitions: number): number {
    const { name } = this.#topic
    let lag = 0
    for (let partition = 0; partition < partitions; partition++)
      lag += Math.max(0, reader.end(name, partition) - reader.position(name, partition))
    return lag
  }

  /** A topic that declares its partition count is created where it is not there yet: whoever writes to it may come later. */
  async #partitions(): Promise<number> {
    const { name, partitions } = this.#topic
    if (partitions !== undefined) return await ensureTopic(this.#log, name, partitions)
    const found = await this.#log.describeTopic(name)
    if (found) return found.partitions
    throw new MillraceError(
      'UNKNOWN_TOPIC',
      `There is no topic '${name}' to deliver to '${this.#sink.name}'. Start what writes to it first, or declare its partitions so that it can be created.`,
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
