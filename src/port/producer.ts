/**
 * Publishing typed records: they are encoded at once, gathered into one batch per partition, and appended when the batch is full or has
 * waited long enough. A record with a key goes to `murmur2(key) % partitions`, as with every Kafka client; records without one go
 * together to one partition, and with each batch to the next (sticky partitioning, KIP-480).
 */
import { fromUtf8, MillraceError, partitionFor, type Clock, type Compression } from '../base/index.ts'
import type { WritableTopic } from '../schema/index.ts'
import { BatchBuilder, type RecordHeader } from '../wire/index.ts'
import { ensureTopic } from './ensure-topic.ts'
import type { LogPort, Writer } from './log-port.ts'

/** How records are gathered into batches. */
export interface ProducerOptions {
  /**
   * How long a batch waits for more records, in ms. Default 0: until the event loop turns, so that what is sent in one go goes together.
   */
  readonly lingerMs?: number
  /** A batch of this size is appended at once. Default 64 KiB, before compression. */
  readonly batchBytes?: number
  /** Default none. */
  readonly compression?: Compression
  /** What may be sent and not acknowledged yet; past it `send` waits. Default 32 MiB. */
  readonly bufferBytes?: number
}

/** A record to publish. The key is left out where the topic has none; a null value deletes the key where the topic is read as a table. */
export type OutgoingRecord<K, V> = {
  /** Null deletes the key (a tombstone). */
  readonly value: V | null
  /** Ms since the epoch. Default: what the topic's `timestamp` says, otherwise now. */
  readonly timestamp?: number
  /** In their order; a name may come twice. */
  readonly headers?: readonly RecordHeader[]
} & ([null] extends [K] ? { readonly key?: K } : { readonly key: K })

/** What a producer needs of a topic: it may be one whose schema can only be written. */
export interface ProducedTopic<K, V> extends WritableTopic<K, V> {
  /** What a schema transforms can be read and not written, so the value written is what the function expects. */
  readonly timestamp?: ((value: never) => number) | 'arrival' | undefined
}

const batchBytesDefault = 64 * 1024
const bufferBytesDefault = 32 << 20

/** A batch being filled or on its way. */
interface OpenBatch {
  readonly builder: BatchBuilder
  readonly acknowledged: PromiseWithResolvers<number>
}

/**
 * Publishes records to a topic: {@link Log.producer} makes one. Idempotent: a record is never written twice, and those of one partition stay in the
 * order in which they were sent (KIP-98).
 *
 * @example
 * await log.producer(flights).sendBatch(rows.map(row => ({ key: row.destination, value: row })))
 */
export class Producer<K, V> {
  readonly #port: LogPort
  readonly #clock: Clock
  readonly #topic: ProducedTopic<K, V>
  readonly #options: Required<ProducerOptions>
  /** The partition count, once the topic is known to be there. */
  #partitions: Promise<number> | undefined
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
  #closed = false

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
    this.#options = {
      lingerMs: options.lingerMs ?? 0,
      batchBytes: options.batchBytes ?? batchBytesDefault,
      compression: options.compression ?? 'none',
      bufferBytes: options.bufferBytes ?? bufferBytesDefault,
    }
  }

  /**
   * Publishes a record; resolves once it is durable. Without waiting for each, many are on their way together, in order per partition.
   * @throws MillraceError MALFORMED_RECORD when the schema refuses it, DISK_FULL, CLOSED
   */
  async send(record: OutgoingRecord<K, V>): Promise<{ readonly partition: number; readonly offset: number }> {
    const partitions = await this.#ready()
    while (this.#room) await this.#room.promise
    const { partition, batch, index } = this.#add(record, partitions)
    return { partition, offset: (await batch.acknowledged.promise) + index }
  }

  /** Publishes many records, without a promise for each; resolves once all are durable. The first that the schema refuses stops it. */
  async sendBatch(records: Iterable<OutgoingRecord<K, V>>): Promise<void> {
    const partitions = await this.#ready()
    const batches = new Set<OpenBatch>()
    try {
      for (const record of records) {
        while (this.#room) await this.#room.promise
        batches.add(this.#add(record, partitions).batch)
      }
    } finally {
      await Promise.all([...batches].map(batch => batch.acknowledged.promise))
    }
  }

  /** Appends everything sent so far without waiting for more; resolves once it is durable, and rejects when something was not. */
  async flush(): Promise<void> {
    // Records still waiting for the topic, or for room, were sent before as well.
    await this.#partitions?.catch(() => undefined)
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

  /** Flushes, and lets go of the writer. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#onClose()
    try {
      await this.flush()
    } finally {
      await (await this.#writer?.catch(() => undefined))?.close()
    }
  }

  /** As {@link close}: for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #ready(): Promise<number> {
    if (this.#closed) throw new MillraceError('CLOSED', `The producer of '${this.#topic.name}' is closed.`)
    this.#partitions ??= ensureTopic(this.#port, this.#topic).catch((error: unknown) => {
      this.#partitions = undefined
      throw error
    })
    return this.#partitions
  }

  #add(
    record: OutgoingRecord<K, V>,
    partitions: number,
  ): { partition: number; batch: OpenBatch; index: number } {
    const { key: keyCodec, value: valueCodec } = this.#topic
    const plainKey = record.key ?? null
    const key = keyCodec.encode(plainKey)
    const value = valueCodec.encode(record.value)
    const partition = this.#partitionOf(plainKey, key, partitions)
    let batch = this.#open.get(partition)
    if (!batch) {
      const builder = new BatchBuilder({ compression: this.#options.compression })
      this.#open.set(partition, (batch = { builder, acknowledged: Promise.withResolvers() }))
      // Whoever waits for a record hears of a failure; flush reports it too.
      batch.acknowledged.promise.catch(() => undefined)
      this.#linger()
    }
    const { builder } = batch
    const before = builder.sizeBytes
    const timestamp = this.#timestampOf(record)
    if (typeof key !== 'object' && typeof value !== 'object')
      builder.appendText(timestamp, key, value, record.headers)
    else builder.append(timestamp, bytesOf(key), bytesOf(value), record.headers)
    this.#count(builder.sizeBytes - before)
    const index = builder.count - 1
    if (builder.sizeBytes >= this.#options.batchBytes) this.#append(partition)
    return { partition, batch, index }
  }

  #partitionOf(key: K | null, encoded: string | Uint8Array | null, partitions: number): number {
    if (encoded === null) return this.#sticky % partitions
    const chosenBy = this.#topic.key.partitionBytes?.(key as K) ?? encoded
    return partitionFor(bytesOf(chosenBy)!, partitions)
  }

  #timestampOf({ timestamp, value }: OutgoingRecord<K, V>): number {
    if (timestamp !== undefined) return timestamp
    const extract = this.#topic.timestamp
    const extracted = typeof extract === 'function' && value !== null ? extract(value as never) : undefined
    return Number.isSafeInteger(extracted) && extracted! >= 0 ? extracted! : this.#clock.now()
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
    const bytes = builder.sizeBytes
    const writer = (this.#writer ??= this.#port.openWriter())
    try {
      return await (await writer).append(this.#topic.name, partition, builder)
    } catch (error) {
      // A writer that failed stays so: the next batch gets a new one.
      if (this.#writer === writer) this.#writer = undefined
      void writer.then(failed => failed.close()).catch(() => undefined)
      throw error
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

function bytesOf(encoded: string | Uint8Array | null): Uint8Array | null {
  return typeof encoded === 'string' ? fromUtf8(encoded) : encoded
}
