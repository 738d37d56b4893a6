/**
 * The open batches of one topic: a record goes to its partition's batch, and the batch goes to the log when
 * it is full.
 *
 * Every record of a producer, a processor or a connector passes through {@link TopicBatches.add}, with its
 * headers. Nothing is allocated for one record.
 */
import {
  assert,
  binaryString,
  LentMemory,
  partitionFor,
  partitionForBinary,
  type Compression,
} from '../../base/index.ts'
import {
  BatchBuilder,
  batchHeaderBytes,
  recordSizeBound,
  singleBatchBytes,
  type RecordField,
  type RecordHeader,
} from '../../wire/index.ts'
import { recordTooLarge } from './record-too-large.ts'

/** A topic to write to; its description is one. */
export interface TargetTopic {
  readonly name: string
  readonly partitions: number
  /** Bytes that no batch may exceed. */
  readonly batchBytesMax: number
  /** Whether the log or an app keeps it for itself: nobody chooses the size of its segments. */
  readonly internal: boolean
}

/** Records gathered for a partition. */
export interface OpenBatch {
  readonly builder: BatchBuilder
  /** Records so far, also once the builder has built them. */
  count: number
  /** The offset of the first record, once the batch is acknowledged. */
  readonly acknowledged: PromiseWithResolvers<number>
}

/** Takes full batches, and counts what is gathered. */
export interface BatchOwner {
  /** Records of so many bytes have been gathered. */
  gathered(bytes: number): void
  handOver(topic: string, partition: number, batch: OpenBatch): void
}

/** How the batches of a topic are made. */
export interface TopicBatchesOptions {
  /** A batch is handed over at this size. One record that is larger goes alone. */
  readonly batchBytes: number
  readonly compression: Compression
}

/** What a builder writes past the bytes that it was told of. */
const builderSlackBytes = 4096
/** Bytes of batches that wait for an owner, in the whole process. */
const keptBatchBytesMax = 16 * 1024 * 1024

/** The memory of all open batches of the process; what is lent of it is bounded by each batcher. */
const batchMemory = new LentMemory({ lentBytesMax: Infinity, keptBytesMax: keptBatchBytesMax })

export class TopicBatches {
  readonly topic: TargetTopic
  /** Bytes of all records that were added. */
  addedBytes = 0
  readonly #owner: BatchOwner
  readonly #batchBytes: number
  readonly #compression: Compression
  readonly #open: (OpenBatch | undefined)[]
  /** Whether a partition's last batch was full: the next one gets its whole buffer at once. */
  readonly #isBusy: boolean[]
  /** The partition of records without a key, until its batch is handed over. */
  #sticky = 0

  constructor(topic: TargetTopic, owner: BatchOwner, { batchBytes, compression }: TopicBatchesOptions) {
    this.topic = topic
    this.#owner = owner
    this.#batchBytes = Math.min(batchBytes, topic.batchBytesMax)
    this.#compression = compression
    this.#open = Array.from({ length: topic.partitions }, () => undefined)
    this.#isBusy = Array.from({ length: topic.partitions }, () => false)
  }

  /**
   * The partition of a key: murmur2 of its bytes, as in every Kafka client. Records without a key stay
   * together until their batch is handed over, and go to the next partition then (sticky partitioning,
   * KIP-480).
   */
  partitionFor(key: RecordField): number {
    const { length: partitions } = this.#open
    if (key === null) return this.#sticky
    if (partitions === 1) return 0
    return typeof key === 'string'
      ? partitionForBinary(binaryString(key), partitions)
      : partitionFor(key, partitions)
  }

  /**
   * Bytes that a record takes in a batch, at the most: what {@link add} needs to know of it.
   *
   * @param writer the operator that writes it, for the message
   * @throws MillraceError RECORD_TOO_LARGE for a record that no batch of the topic can hold
   */
  sizeBound(
    partition: number,
    key: RecordField,
    value: RecordField,
    headers: readonly RecordHeader[] | undefined,
    writer?: string,
  ): number {
    const bound = recordSizeBound(key, value, headers)
    const { batchBytesMax } = this.topic
    if (batchHeaderBytes + bound > batchBytesMax) {
      const bytes = singleBatchBytes(key, value, headers)
      if (bytes > batchBytesMax) throw recordTooLarge(this.topic, partition, key, bytes, writer)
    }
    return bound
  }

  /** Adds a record of at most `bound` bytes ({@link sizeBound}), and returns its batch. */
  add(
    partition: number,
    bound: number,
    timestamp: number,
    key: RecordField,
    value: RecordField,
    headers: readonly RecordHeader[] | undefined,
  ): OpenBatch {
    const batch = this.#batchFor(partition, bound)
    const { builder } = batch
    const before = builder.sizeBytes
    builder.append(timestamp, key, value, headers)
    batch.count += 1
    const bytes = builder.sizeBytes - before
    this.addedBytes += bytes
    this.#owner.gathered(bytes)
    if (builder.sizeBytes >= this.#batchBytes && this.#open[partition] === batch)
      this.#handOver(partition, batch, true)
    return batch
  }

  /**
   * Adds a record to a partition, and returns its batch.
   * @throws MillraceError RECORD_TOO_LARGE: nothing is kept of the record
   */
  append(
    partition: number,
    timestamp: number,
    key: RecordField,
    value: RecordField,
    headers: readonly RecordHeader[] | undefined,
  ): OpenBatch {
    const bound = this.sizeBound(partition, key, value, headers)
    return this.add(partition, bound, timestamp, key, value, headers)
  }

  /** Hands over everything that is gathered. */
  flush(): void {
    for (let partition = 0; partition < this.#open.length; partition += 1) {
      const batch = this.#open[partition]
      if (batch) this.#handOver(partition, batch, false)
    }
  }

  /** The open batch, or a new one where the record does not fit into that. */
  #batchFor(partition: number, bound: number): OpenBatch {
    const open = this.#open[partition]
    if (open !== undefined) {
      if (open.builder.sizeBytes + bound <= this.#batchBytes) return open
      this.#handOver(partition, open, true)
    }
    assert(partition < this.#open.length, 'a record goes to a partition of its topic')
    const compression = this.#compression
    const builder = new BatchBuilder(
      this.#isBusy[partition]
        ? { compression, memory: batchMemory, initialBytes: this.#batchBytes + builderSlackBytes }
        : { compression, memory: batchMemory },
    )
    const batch: OpenBatch = { builder, count: 0, acknowledged: Promise.withResolvers() }
    this.#open[partition] = batch
    return batch
  }

  #handOver(partition: number, batch: OpenBatch, isFull: boolean): void {
    // The writer owns the batch from here on, and may build it later.
    this.#open[partition] = undefined
    this.#isBusy[partition] = isFull
    if (partition === this.#sticky) this.#sticky = (this.#sticky + 1) % this.#open.length
    this.#owner.handOver(this.topic.name, partition, batch)
  }
}
