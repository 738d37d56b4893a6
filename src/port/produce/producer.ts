/**
 * Publishing typed records: they are encoded at once, gathered into one batch per partition, and appended
 * when the batch is full or has waited long enough. A record with a key goes to `murmur2(key) % partitions`,
 * as with every Kafka client; records without one go together to one partition, and with each batch to the
 * next (sticky partitioning, KIP-480).
 */
import {
  checkOptions,
  fromUtf8,
  isMillraceError,
  MillraceError,
  partitionFor,
  type Clock,
  type Compression,
} from '../../base/index.ts'
import { BatchBuilder, batchHeaderBytes, singleBatchBytes } from '../../wire/index.ts'
import { ensureTopic } from '../ensure-topic.ts'
import type { LogPort, Writer } from '../log-port.ts'
import {
  checkRecords,
  RecordEncoder,
  recordTooLarge,
  type OutgoingRecord,
  type ProducedTopic,
} from './outgoing-record.ts'

/** How records are gathered into batches. */
export interface ProducerOptions {
  /**
   * How long a batch waits for more records, in ms. Default 0: until the event loop turns, so that what is
   * sent in one go goes together.
   */
  readonly lingerMs?: number
  /** A batch of this size is appended at once. Default 64 KiB, before compression. */
  readonly batchBytes?: number
  /** Default none. A batch that would not get smaller is written as it is. */
  readonly compression?: Compression
  /** What may be sent and not acknowledged yet; past it `send` waits. Default 32 MiB. */
  readonly bufferBytes?: number
}

const batchBytesDefault = 64 * 1024
const bufferBytesDefault = 32 << 20

/** A batch being filled or on its way. */
interface OpenBatch {
  readonly builder: BatchBuilder
  readonly acknowledged: PromiseWithResolvers<number>
}

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
  readonly #options: Required<ProducerOptions>
  /** What is known of the topic, once it is there. */
  #ready: Promise<ReadyTopic> | undefined
  #writer: Promise<Writer> | undefined
  readonly #open = new Map<number, OpenBatch>()
  /** Acknowledgements awaited; they never reject. */
  readonly #inFlight = new Set<Promise<void>>()
  #bufferedBytes = 0
  #room: PromiseWithResolvers<void> | undefined
  #lingering: AbortController | undefined
  #sticky = 0
  /** What failed since the last flush. */
  #failure: unknown
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
      compression: ['none', 'gzip', 'zstd'],
      bufferBytes: 'count',
    })
    this.#options = {
      lingerMs: options.lingerMs ?? 0,
      batchBytes: options.batchBytes ?? batchBytesDefault,
      compression: options.compression ?? 'none',
      bufferBytes: options.bufferBytes ?? bufferBytesDefault,
    }
  }

  /**
   * Publishes a record; resolves once it is durable. Without waiting for each, many are on their way
   * together, in order per partition. What is refused leaves nothing behind: all others arrive.
   *
   * @throws MillraceError MALFORMED_RECORD when the schema refuses it, or it could not be read back or
   *   processed; RECORD_TOO_LARGE; INVALID_ARGUMENT for what is no record; PARTITION_COUNT_CHANGED when the
   *   topic has other partitions than it declares; DISK_FULL, CLOSED
   */
  async send(record: OutgoingRecord<K, V>): Promise<{ readonly partition: number; readonly offset: number }> {
    const topic = await this.#prepare()
    while (this.#room) await this.#room.promise
    const { partition, batch, index } = this.#add(record, topic)
    return { partition, offset: (await batch.acknowledged.promise) + index }
  }

  /**
   * Publishes many records, without a promise for each; resolves once all are durable. The first that is
   * refused stops it: what precedes it is published.
   */
  async sendBatch(records: Iterable<OutgoingRecord<K, V>>): Promise<void> {
    checkRecords(this.#topic.name, records)
    const topic = await this.#prepare()
    const batches = new Set<OpenBatch>()
    try {
      for (const record of records) {
        while (this.#room) await this.#room.promise
        batches.add(this.#add(record, topic).batch)
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
    this.#appendAll()
    while (this.#room) {
      await this.#room.promise
      this.#appendAll()
    }
    await Promise.all(this.#inFlight)
    const failure = this.#failure
    this.#failure = undefined
    if (failure !== undefined) throw failure
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

  #prepare(): Promise<ReadyTopic> {
    if (this.#closing)
      throw new MillraceError('CLOSED', `The producer of '${this.#topic.name}' is closed, or its log is.`)
    this.#ready ??= this.#lookUp().catch((error: unknown) => {
      this.#ready = undefined
      throw error
    })
    return this.#ready
  }

  async #lookUp(): Promise<ReadyTopic> {
    const partitions = await ensureTopic(this.#port, this.#topic)
    const { batchBytesMax = Infinity } = (await this.#port.describeTopic(this.#topic.name)) ?? {}
    return { partitions, batchBytesMax, batchBytes: Math.min(this.#options.batchBytes, batchBytesMax) }
  }

  #add(
    record: OutgoingRecord<K, V>,
    { partitions, batchBytesMax, batchBytes }: ReadyTopic,
  ): { partition: number; batch: OpenBatch; index: number } {
    // All that can be refused is refused before a batch is opened or touched.
    const encoded = this.#encoder.encode(record)
    const { key, value, timestamp, headers, bytesMax, partitionBy } = encoded
    const partition =
      partitionBy === null ? this.#sticky % partitions : partitionFor(bytesOf(partitionBy)!, partitions)
    if (batchHeaderBytes + bytesMax > batchBytesMax) {
      const bytes = singleBatchBytes(key, value, headers)
      if (bytes > batchBytesMax) throw recordTooLarge(this.#topic.name, partition, key, bytes, batchBytesMax)
    }
    const batch = this.#batch(partition, bytesMax, batchBytes)
    const { builder } = batch
    const before = builder.sizeBytes
    if (typeof key !== 'object' && typeof value !== 'object')
      builder.appendText(timestamp, key, value, headers)
    else builder.append(timestamp, bytesOf(key), bytesOf(value), headers)
    this.#count(builder.sizeBytes - before)
    const index = builder.count - 1
    if (builder.sizeBytes >= batchBytes) this.#append(partition)
    return { partition, batch, index }
  }

  /** The batch for a record. One that is larger than a batch should be goes alone. */
  #batch(partition: number, bytesMax: number, batchBytes: number): OpenBatch {
    const open = this.#open.get(partition)
    if (open && open.builder.sizeBytes + bytesMax <= batchBytes) return open
    if (open) this.#append(partition)
    const batch: OpenBatch = {
      builder: new BatchBuilder({ compression: this.#options.compression }),
      acknowledged: Promise.withResolvers(),
    }
    this.#open.set(partition, batch)
    // Anyone who waits for a record hears of a failure; flush reports it too.
    batch.acknowledged.promise.catch(() => undefined)
    this.#linger()
    return batch
  }

  /** Has everything that is open appended after the linger time. */
  #linger(): void {
    if (this.#lingering) return
    const lingering = (this.#lingering = new AbortController())
    const { lingerMs } = this.#options
    const waited = lingerMs === 0 ? this.#clock.yield() : this.#clock.sleep(lingerMs, lingering.signal)
    void waited
      .then(() => {
        this.#lingering = undefined
        this.#appendAll()
      })
      .catch(() => undefined)
  }

  #appendAll(): void {
    for (const partition of this.#open.keys()) this.#append(partition)
  }

  #append(partition: number): void {
    const batch = this.#open.get(partition)!
    this.#open.delete(partition)
    this.#sticky += 1
    if (this.#open.size === 0) {
      this.#lingering?.abort()
      this.#lingering = undefined
    }
    const acknowledged = this.#write(partition, batch).then(
      ({ baseOffset }) => batch.acknowledged.resolve(baseOffset),
      (error: unknown) => {
        this.#failure ??= error
        batch.acknowledged.reject(error)
      },
    )
    this.#inFlight.add(acknowledged)
    void acknowledged.then(() => this.#inFlight.delete(acknowledged))
  }

  async #write(partition: number, { builder }: OpenBatch): Promise<{ readonly baseOffset: number }> {
    const { count, sizeBytes: bytes } = builder
    const writer = (this.#writer ??= this.#port.openWriter())
    try {
      return await (await writer).append(this.#topic.name, partition, builder)
    } catch (error) {
      // A writer that failed stays so: the next batch gets a new one.
      if (this.#writer === writer) this.#writer = undefined
      void writer.then(failed => failed.close()).catch(() => undefined)
      if (!isMillraceError(error, 'RECORD_TOO_LARGE')) throw error
      // The topic takes less than it did when it was looked up.
      this.#ready = undefined
      throw new MillraceError(
        'RECORD_TOO_LARGE',
        `Topic '${this.#topic.name}' was created again with smaller segments: ${count} record${count === 1 ? '' : 's'} gathered for partition ${partition} ` +
          `did not fit into one (${bytes} bytes). Send them again, in batches that fit now.`,
        { cause: error },
      )
    } finally {
      this.#count(-bytes)
    }
  }

  /** Counts bytes that wait to be acknowledged, or no longer wait. */
  #count(bytes: number): void {
    this.#bufferedBytes += bytes
    if (this.#bufferedBytes >= this.#options.bufferBytes) this.#room ??= Promise.withResolvers()
    else if (this.#room) {
      this.#room.resolve()
      this.#room = undefined
    }
  }
}

/** The topic as it is on the log. */
interface ReadyTopic {
  readonly partitions: number
  /** What no batch may exceed. */
  readonly batchBytesMax: number
  /** A batch of this size is appended. */
  readonly batchBytes: number
}

function bytesOf(encoded: string | Uint8Array | null): Uint8Array | null {
  return typeof encoded === 'string' ? fromUtf8(encoded) : encoded
}
