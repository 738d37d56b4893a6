/**
 * Records on their way into the partitions of a topic: an open batch per partition, and a bounded number of
 * batches in flight.
 */
import { binaryString, fromUtf8, partitionFor, partitionForBinary } from '../base/index.ts'
import { ensureTopic, recordTooLarge, type LogPort, type Writer } from '../port/index.ts'
import {
  BatchBuilder,
  batchHeaderBytes,
  recordSizeBound,
  singleBatchBytes,
  type RecordHeader,
} from '../wire/index.ts'

/**
 * A batch is sent when it has this size: large enough that its header and its acknowledgement weigh nothing.
 */
const batchBytes = 128 * 1024
/** Batches that may wait for their acknowledgement before the caller has to. */
const appendsInFlightMax = 64

type Data = string | Uint8Array | null

const isText = (data: Data): data is string | null => typeof data === 'string' || data === null
const bytesOf = (data: Data): Uint8Array | null => (typeof data === 'string' ? fromUtf8(data) : data)

/** A topic that is there, and what it takes. */
export interface TargetTopic {
  readonly name: string
  readonly partitions: number
  /** Bytes that no batch may exceed. */
  readonly batchBytesMax: number
}

/**
 * The topic, which is created where it is not there yet.
 * @throws MillraceError PARTITION_COUNT_CHANGED, INVALID_ARGUMENT, as `ensureTopic`
 */
export async function targetTopic(
  log: LogPort,
  topic: { readonly name: string; readonly partitions: number | undefined },
): Promise<TargetTopic> {
  const partitions = await ensureTopic(log, topic)
  const { batchBytesMax = Infinity } = (await log.describeTopic(topic.name)) ?? {}
  return { name: topic.name, partitions, batchBytesMax }
}

export class BatchedAppends {
  /** Bytes of keys and values so far. */
  bytes = 0
  readonly #writer: Writer
  readonly #topic: TargetTopic
  readonly #batchBytes: number
  readonly #builders: (BatchBuilder | undefined)[]
  readonly #inFlight: Promise<unknown>[] = []
  #keyless = 0

  constructor(writer: Writer, topic: TargetTopic) {
    this.#writer = writer
    this.#topic = topic
    this.#batchBytes = Math.min(batchBytes, topic.batchBytesMax)
    this.#builders = Array.from({ length: topic.partitions }, () => undefined)
  }

  /**
   * By murmur2 of `bytes`, as every Kafka client does; records without a key stay together until their batch
   * is full.
   */
  partitionFor(bytes: Data): number {
    const partitions = this.#builders.length
    if (partitions === 1) return 0
    if (bytes === null) return this.#keyless
    return typeof bytes === 'string'
      ? partitionForBinary(binaryString(bytes), partitions)
      : partitionFor(bytes, partitions)
  }

  /**
   * @throws MillraceError RECORD_TOO_LARGE for a record that no batch of the topic can hold: nothing is kept
   * of it
   */
  append(
    partition: number,
    timestamp: number,
    key: Data,
    value: Data,
    headers?: readonly RecordHeader[],
  ): void {
    const builder = this.#builderFor(partition, key, value, headers)
    const before = builder.sizeBytes
    if (isText(key) && isText(value)) builder.appendText(timestamp, key, value, headers)
    else builder.append(timestamp, bytesOf(key), bytesOf(value), headers)
    this.bytes += builder.sizeBytes - before
    if (builder.sizeBytes >= this.#batchBytes) this.#send(partition, builder)
  }

  /** The open batch of the partition, or a new one where the record does not fit into that. */
  #builderFor(
    partition: number,
    key: Data,
    value: Data,
    headers: readonly RecordHeader[] | undefined,
  ): BatchBuilder {
    const { name, batchBytesMax } = this.#topic
    const bytesMax = recordSizeBound(key, value, headers)
    if (batchHeaderBytes + bytesMax > batchBytesMax) {
      const bytes = singleBatchBytes(key, value, headers)
      if (bytes > batchBytesMax) throw recordTooLarge(name, partition, key, bytes, batchBytesMax)
    }
    const open = this.#builders[partition]
    if (open && open.sizeBytes + bytesMax > batchBytesMax) this.#send(partition, open)
    return (this.#builders[partition] ??= new BatchBuilder({ initialBytes: batchBytes + 4096 }))
  }

  /**
   * Call between rows, and no row goes beyond what may be under way. Rejects with what an append failed with.
   */
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
    const append = this.#writer.append(this.#topic.name, partition, builder)
    append.catch(() => {})
    this.#inFlight.push(append)
  }

  async #acknowledged(): Promise<void> {
    await Promise.all(this.#inFlight)
    this.#inFlight.length = 0
  }
}
