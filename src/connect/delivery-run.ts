/** One run of a delivery: reads a topic, gathers transactions, and has them written. */
import { durationMs, systemClock, type Clock } from '../base/index.ts'
import { countAgainMs, DecodedBatch, type FetchedBatch, type LogPort, type Reader } from '../port/index.ts'
import { Malformed, type ErrorPolicy } from '../schema/index.ts'
import { DeadLetters } from './dead-letters.ts'
import type { DeliverOptions } from './deliver-options.ts'
import { DeliveredTopic } from './delivered-topic.ts'
import { SinkLoader, type DeliverStats, type Transaction } from './sink-loader.ts'
import type { ConnectObserver } from './observer.ts'
import { keptBatch } from './raw-record.ts'
import type { Sink, SinkTopic } from './sink.ts'

/**
 * How far a delivery has come, and in which state it is: `running` from its start on, `stopping` once it was
 * told to stop, `ended` or `failed`, with what it failed with.
 */
export interface DeliveryProgress extends DeliverStats {
  readonly state: 'running' | 'stopping' | 'ended' | 'failed'
  /** Only in the state `failed`. */
  readonly error?: unknown
}

const nothing: DeliverStats = { delivered: 0, skipped: 0, deadLettered: 0, bytes: 0, commits: 0 }

export class DeliveryRun<K, V> {
  readonly #log: LogPort
  readonly #topic: SinkTopic<K, V>
  readonly #delivered: DeliveredTopic
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
  /** When the partitions of the topic are counted again, as long as it is not known where to leave. */
  #countDueMs = 0
  #outcome: { readonly state: 'ended' } | { readonly state: 'failed'; readonly error: unknown } | undefined

  constructor(log: LogPort, topic: SinkTopic<K, V>, sink: Sink<K, V>, options: DeliverOptions) {
    this.#log = log
    this.#topic = topic
    this.#sink = sink
    this.#clock = options.clock ?? systemClock
    this.#delivered = new DeliveredTopic(log, topic, sink.name, this.#clock)
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
    return { state, ...this.#stats, ...this.#outcome }
  }

  async finish(done: Promise<DeliverStats>): Promise<DeliverStats> {
    // One that ends already cannot be told where.
    if (this.#ending.signal.aborted) return await done
    this.#finishing = true
    const partitions = await this.#delivered.partitions()
    this.#ends = await this.#delivered.ends(partitions)
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
    if (
      this.#ending.signal.aborted ||
      (!(await this.#delivered.appears(() => this.#waitsForTopic)) && this.#ending.signal.aborted)
    )
      return nothing
    try {
      while (await this.#round());
    } finally {
      // Ends the listening to the caller's signal, too.
      this.#ending.abort()
    }
    return this.#stats
  }

  get #stats(): DeliverStats {
    return this.#loader?.stats ?? nothing
  }

  /** Delivers from the partitions that the topic has by now. True: it has got more meanwhile. */
  async #round(): Promise<boolean> {
    const partitions = await this.#delivered.partitions()
    this.#countDueMs = this.#clock.monotonic() + countAgainMs
    const context = {
      topic: this.#topic,
      topicId: await this.#delivered.id(),
      partitions,
      clock: this.#clock,
      signal: this.#ending.signal,
      observer: this.#observer,
    }
    const { name } = this.#sink
    const writer = await this.#sink.open(context)
    let reader: Reader | undefined
    let letters: DeadLetters | undefined
    let continues = false
    try {
      if (typeof this.#onError === 'object')
        letters = await DeadLetters.open(
          this.#log,
          name,
          this.#topic.name,
          partitions,
          this.#onError.deadLetter,
        )
      if (this.#untilEnd) this.#ends ??= await this.#delivered.ends(partitions)
      reader = await this.#log.openReader({ isolation: 'read_committed' })
      const committed = await writer.committed()
      reader.assign(await this.#delivered.starts(partitions, committed))
      // Between the two it may have been deleted and created again.
      if ((await this.#delivered.id()) !== context.topicId) throw this.#delivered.deleted()
      const loader = (this.#loader = new SinkLoader({
        topic: this.#topic.name,
        sink: name,
        writer,
        onError: this.#onError,
        letters,
        observer: this.#observer,
        before: this.#stats,
      }))
      continues = await this.#deliver(reader, loader, partitions)
      return continues
    } finally {
      if (!continues) this.#ending.abort()
      await this.#underWay.catch(() => {})
      await reader?.close()
      await letters?.close()
      await writer.close()
    }
  }

  /** Whether a topic that is missing may be about to be created. */
  get #waitsForTopic(): boolean {
    return !this.#untilEnd && !this.#finishing && !this.#ending.signal.aborted
  }

  /** Resolves at the end; or with true, once the topic has more partitions. */
  async #deliver(reader: Reader, loader: SinkLoader<K, V>, partitions: number): Promise<boolean> {
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
      const hasGrown = await this.#hasGrown(partitions)
      const leave = this.#ending.signal.aborted || hasGrown || this.#isAtEnds(reader, partitions)
      if (leave || this.#isDue()) await this.#write(loader, reader, partitions)
      if (leave || this.#failed) await this.#underWay
      if (leave) return hasGrown && !this.#ending.signal.aborted
      if (took) await this.#clock.yield()
      else await this.#wait(reader)
    }
  }

  async #wait(reader: Reader): Promise<void> {
    const dueMs = Math.min(this.#open?.dueMs ?? Infinity, this.#ends ? Infinity : this.#countDueMs)
    await reader.wait(Math.max(0, dueMs - this.#clock.monotonic()), this.#wake.signal)
    if (this.#wake.signal.aborted) this.#wake = new AbortController()
  }

  /** Whether the topic has more partitions than these, as far as the run has to know it by now. */
  async #hasGrown(partitions: number): Promise<boolean> {
    if (this.#ends) return this.#ends.length > partitions
    if (this.#clock.monotonic() < this.#countDueMs) return false
    this.#countDueMs = this.#clock.monotonic() + countAgainMs
    return (await this.#delivered.count()) > partitions
  }

  #isAtEnds(reader: Reader, partitions: number): boolean {
    const { name } = this.#topic
    const ends = this.#ends
    // It may have been told to finish just now, where more partitions are.
    if (!ends || ends.length > partitions) return false
    return ends.every((end, partition) => reader.position(name, partition) >= end)
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
    if (typeof this.#onError === 'object') into.batches.push(keptBatch(from))
    into.bytes += decoded.bytes
    decoded.release()
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
}
