/** Records on their way into the partitions of a topic: a batch in the making per partition, and a bounded number of batches under way. */
import { binaryString, fromUtf8, partitionFor, partitionForBinary } from '../base/index.ts'
import type { Writer } from '../port/index.ts'
import { BatchBuilder, type RecordHeader } from '../wire/index.ts'

/** A batch is sent when it has this size: large enough that its header and its acknowledgement weigh nothing. */
const batchBytes = 128 * 1024
/** Batches that may wait for their acknowledgement before the caller has to. */
const appendsInFlightMax = 64

type Data = string | Uint8Array | null

const isText = (data: Data): data is string | null => typeof data === 'string' || data === null
const bytesOf = (data: Data): Uint8Array | null => (typeof data === 'string' ? fromUtf8(data) : data)

export class BatchedAppends {
  /** Bytes of keys and values so far. */
  bytes = 0
  readonly #writer: Writer
  readonly #topic: string
  readonly #builders: (BatchBuilder | undefined)[]
  readonly #inFlight: Promise<unknown>[] = []
  #keyless = 0

  constructor(writer: Writer, topic: string, partitions: number) {
    this.#writer = writer
    this.#topic = topic
    this.#builders = Array.from({ length: partitions }, () => undefined)
  }

  /** By murmur2 of `bytes`, as every Kafka client does; records without a key stay together until their batch is full. */
  partitionFor(bytes: Data): number {
    const partitions = this.#builders.length
    if (partitions === 1) return 0
    if (bytes === null) return this.#keyless
    return typeof bytes === 'string'
      ? partitionForBinary(binaryString(bytes), partitions)
      : partitionFor(bytes, partitions)
  }

  append(
    partition: number,
    timestamp: number,
    key: Data,
    value: Data,
    headers?: readonly RecordHeader[],
  ): void {
    const builder = (this.#builders[partition] ??= new BatchBuilder({ initialBytes: batchBytes + 4096 }))
    const before = builder.sizeBytes
    if (isText(key) && isText(value)) builder.appendText(timestamp, key, value, headers)
    else builder.append(timestamp, bytesOf(key), bytesOf(value), headers)
    this.bytes += builder.sizeBytes - before
    if (builder.sizeBytes >= batchBytes) this.#send(partition, builder)
  }

  /** Call between rows, and no row goes beyond what may be under way. Rejects with what an append failed with. */
  async settle(): Promise<void> {
    if (this.#inFlight.length >= appendsInFlightMax) await this.#acknowledged()
  }

  /** Sends everything and waits until it is acknowledged. */
  async flush(): Promise<void> {
    for (const [partition, builder] of this.#builders.entries()) if (builder) this.#send(partition, builder)
    await this.#acknowledged()
  }

  #send(partition: number, builder: BatchBuilder): void {
    // The writer owns the batch from here on.
    this.#builders[partition] = undefined
    if (partition === this.#keyless) this.#keyless = (this.#keyless + 1) % this.#builders.length
    const append = this.#writer.append(this.#topic, partition, builder)
    append.catch(() => {})
    this.#inFlight.push(append)
  }

  async #acknowledged(): Promise<void> {
    await Promise.all(this.#inFlight)
    this.#inFlight.length = 0
  }
}
