/**
 * Publishing typed records: they are encoded at once, gathered into one batch per partition, and appended
 * when the batch is full or has waited long enough. A record with a key goes to `murmur2(key) % partitions`,
 * as with every Kafka client; records without one go together to one partition, and with each batch to the
 * next (sticky partitioning, KIP-480).
 */
import {
  assert,
  checkOptions,
  compressions,
  isMillraceError,
  MillraceError,
  type Clock,
  type Compression,
} from '../../base/index.ts'
import { countAgainMs, ensureTopic } from '../ensure-topic.ts'
import type { LogPort, Writer } from '../log-port.ts'
import { Batcher, bufferBytesDefault, type SizedBatch } from './batcher.ts'
import { checkRecords, RecordEncoder, type OutgoingRecord, type ProducedTopic } from './outgoing-record.ts'
import type { OpenBatch, TopicBatches } from './topic-batches.ts'

/** How records are gathered into batches. */
export interface ProducerOptions {
  /**
   * How long a batch waits for more records, in ms. Default 0: until the event loop turns, so that what is
   * sent in one go goes together.
   */
  readonly lingerMs?: number
  /** A batch of this size is appended at once. Default 64 KiB, before compression. */
  readonly batchBytes?: number
  /**
   * `none` (default), `gzip`, `snappy`, `lz4` or `zstd`: Kafka's `compression.type` of a producer. A batch
   * that would not get smaller is written as it is.
   */
  readonly compression?: Compression
  /** What may be sent and not acknowledged yet; past it `send` waits. Default 32 MiB. */
  readonly bufferBytes?: number
}

const batchBytesDefault = 64 * 1024

/**
 * Publishes records to a topic: {@link Log.producer} makes one. Idempotent: a record is never written twice,
 * and those of one partition stay in the order in which they were sent (KIP-98).
 *
 * @example
 * await log.producer(flights).sendBatch(rows.map(row => ({ key: row.destination, value: row })))
 */
export class Producer<K, V> {
  readonly #port: LogPort
  readonly #clock: Clock
  readonly #topic: ProducedTopic<K, V>
  readonly #encoder: RecordEncoder<K, V>
  readonly #lingerMs: number
  readonly #batcher: Batcher
  /** Settles once the topic is there. */
  #ready: Promise<void> | undefined
  #batches: TopicBatches | undefined
  #countedMs = 0
  #writer: Promise<Writer> | undefined
  #lingering: AbortController | undefined
  readonly #onClose: () => void
  #closing: Promise<void> | undefined

  /** @internal Use `log.producer(topic)`. */
  constructor(
    port: LogPort,
    clock: Clock,
    topic: ProducedTopic<K, V>,
    options: ProducerOptions = {},
    onClose: () => void = () => undefined,
  ) {
    this.#onClose = onClose
    this.#port = port
    this.#clock = clock
    this.#topic = topic
    this.#encoder = new RecordEncoder(topic, clock)
    checkOptions(`the producer of '${topic.name}'`, options, {
      lingerMs: value =>
        Number.isFinite(value) && (value as number) >= 0 ? undefined : 'milliseconds, 0 or more',
      batchBytes: 'count',
      compression: compressions,
      bufferBytes: 'count',
    })
    this.#lingerMs = options.lingerMs ?? 0
    this.#batcher = new Batcher((name, partition, batch) => this.#append(name, partition, batch), {
      batchBytes: options.batchBytes ?? batchBytesDefault,
      compression: options.compression ?? 'none',
      bufferBytes: options.bufferBytes ?? bufferBytesDefault,
    })
  }

  /**
   * Publishes a record; resolves once it is durable. Without waiting for each, many are on their way
   * together, in order per partition. What is refused leaves nothing behind: all others arrive.
   *
   * @throws MillraceError MALFORMED_RECORD when the schema refuses it, or it could not be read back or
   *   processed; RECORD_TOO_LARGE; INVALID_ARGUMENT for an argument that is not a record;
   *   PARTITION_COUNT_CHANGED when the topic has other partitions than it declares; DISK_FULL, CLOSED
   */
  async send(record: OutgoingRecord<K, V>): Promise<{ readonly partition: number; readonly offset: number }> {
    await this.#prepare()
    while (this.#batcher.isFull) await this.#batcher.room()
    const { partition, batch, index } = this.#add(record)
    return { partition, offset: (await batch.acknowledged.promise) + index }
  }

  /**
   * Publishes many records, without a promise for each; resolves once all are durable. The first that is
   * refused stops it: what precedes it is published.
   */
  async sendBatch(records: Iterable<OutgoingRecord<K, V>>): Promise<void> {
    checkRecords(this.#topic.name, records)
    await this.#prepare()
    const batches = new Set<OpenBatch>()
    try {
      for (const record of records) {
        while (this.#batcher.isFull) await this.#batcher.room()
        batches.add(this.#add(record).batch)
      }
    } finally {
      await Promise.all([...batches].map(batch => batch.acknowledged.promise))
    }
  }

  /**
   * Appends everything sent so far without waiting for more; resolves once it is durable, and rejects when
   * something was not.
   */
  async flush(): Promise<void> {
    // Records still waiting for the topic, or for room, were sent before as well.
    await this.#ready?.catch(() => undefined)
    this.#flush()
    while (this.#batcher.isFull) {
      await this.#batcher.room()
      this.#flush()
    }
    try {
      await this.#batcher.settled()
    } finally {
      // What fails next is reported by the next flush.
      this.#batcher.forgetFailure()
    }
  }

  /** Flushes, and lets go of the writer. A second call waits for the first. */
  close(): Promise<void> {
    return (this.#closing ??= this.#close())
  }

  /** As {@link close}: for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #close(): Promise<void> {
    try {
      await this.flush()
    } finally {
      await (await this.#writer?.catch(() => undefined))?.close()
      this.#onClose()
    }
  }

  #prepare(): Promise<void> {
    if (this.#closing)
      throw new MillraceError('CLOSED', `The producer of '${this.#topic.name}' is closed, or its log is.`)
    const nowMs = this.#clock.monotonic()
    if (this.#batches && nowMs - this.#countedMs >= countAgainMs) {
      this.#countedMs = nowMs
      return this.#become(this.#countAgain(this.#batches))
    }
    return this.#ready ?? this.#become(this.#lookUp())
  }

  /** Sends wait for it. After a failure the next one looks the topic up. */
  #become(ready: Promise<void>): Promise<void> {
    this.#ready = ready.catch((error: unknown) => {
      this.#ready = undefined
      throw error
    })
    return this.#ready
  }

  /** The topic may have got more partitions. If that is not known now, nothing changes. */
  async #countAgain({ topic }: TopicBatches): Promise<void> {
    const found = await this.#port.describeTopic(topic.name).catch(() => undefined)
    if (found && found.partitions !== topic.partitions) await this.#lookUp()
  }

  async #lookUp(): Promise<void> {
    this.#countedMs = this.#clock.monotonic()
    this.#batches = this.#batcher.into(await ensureTopic(this.#port, this.#topic))
  }

  #add(record: OutgoingRecord<K, V>): { partition: number; batch: OpenBatch; index: number } {
    const batches = this.#batches
    assert(batches, 'the topic has been looked up')
    // All that can be refused is refused before a batch is opened or touched.
    const { key, value, timestamp, headers, partitionBy } = this.#encoder.encode(record)
    const partition = batches.partitionFor(partitionBy)
    const batch = batches.append(partition, timestamp, key, value, headers)
    if (this.#batcher.hasGathered) this.#linger()
    else this.#stopLingering()
    return { partition, batch, index: batch.count - 1 }
  }

  /** Has everything that is gathered appended after the linger time. */
  #linger(): void {
    if (this.#lingering) return
    const lingering = (this.#lingering = new AbortController())
    const lingerMs = this.#lingerMs
    const waited = lingerMs === 0 ? this.#clock.yield() : this.#clock.sleep(lingerMs, lingering.signal)
    void waited
      .then(() => {
        this.#lingering = undefined
        this.#batcher.flush()
      })
      .catch(() => undefined)
  }

  #stopLingering(): void {
    this.#lingering?.abort()
    this.#lingering = undefined
  }

  #flush(): void {
    this.#batcher.flush()
    this.#stopLingering()
  }

  async #append(
    name: string,
    partition: number,
    batch: SizedBatch,
  ): Promise<{ readonly baseOffset: number }> {
    const { count, sizeBytes } = batch
    const writer = (this.#writer ??= this.#port.openWriter())
    try {
      return await (await writer).append(name, partition, batch)
    } catch (error) {
      // A writer that failed stays so: the next batch gets a new one.
      if (this.#writer === writer) this.#writer = undefined
      void writer.then(failed => failed.close()).catch(() => undefined)
      if (!isMillraceError(error, 'RECORD_TOO_LARGE')) throw error
      // The topic takes less than it did when it was looked up.
      this.#ready = undefined
      throw new MillraceError(
        'RECORD_TOO_LARGE',
        `Topic '${name}' was created again with smaller segments: ${count} record${count === 1 ? '' : 's'} gathered for partition ${partition} ` +
          `did not fit into one (${sizeBytes} bytes). Send them again, in batches that fit now.`,
        { cause: error },
      )
    }
  }
}
