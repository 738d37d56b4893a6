/**
 * Writes records to the log: gathers them in a batch per partition, hands a batch over when it is full or on
 * a flush, and bounds the bytes until they are acknowledged. The log holds back appends where its disk is
 * slow, and nothing of them but these bytes: so this bound is the one that makes an application wait.
 *
 * A producer, the processor and the connectors each have one per writer. Each decides what to do with a
 * failure, and when to flush.
 */
import type { Compression } from '../../base/index.ts'
import { batchHeaderBytes } from '../../wire/index.ts'
import type { BatchToAppend } from '../log-port.ts'
import { TopicBatches, type BatchOwner, type TargetTopic } from './topic-batches.ts'

/** A batch that knows its size before compression. */
export interface SizedBatch extends BatchToAppend {
  readonly sizeBytes: number
  /** The append has resolved: the bytes that were built are the batch's again. */
  acknowledged?(): void
  /** The append has failed: the bytes may still be in use. */
  failed?(): void
}

/** Appends a batch, as `Writer.append` does. The order of the calls is the order in the partition. */
export type AppendBatch = (
  topic: string,
  partition: number,
  batch: SizedBatch,
) => Promise<{ readonly baseOffset: number }>

export interface BatcherOptions {
  /** A batch is handed over at this size, before compression. Default 128 KiB. */
  readonly batchBytes?: number
  /** Default none. */
  readonly compression?: Compression
  /**
   * The most bytes gathered and not acknowledged yet, in all topics, as Kafka's `buffer.memory`. Default
   * 32 MiB.
   */
  readonly bufferBytes?: number
}

/** Large enough that the costs of a batch's header and acknowledgement vanish. */
const batchBytesDefault = 128 * 1024
/** Bytes that are gathered, or in flight to the log. */
export const bufferBytesDefault: number = 32 * 1024 * 1024

export class Batcher {
  readonly #append: AppendBatch
  readonly #batchBytes: number
  readonly #compression: Compression
  readonly #bufferBytes: number
  readonly #topics = new Map<string, TopicBatches>()
  readonly #owner: BatchOwner
  /** Bytes of records in open batches. */
  #gatheredBytes = 0
  /** Bytes of batches that were handed over and not acknowledged. */
  #inFlightBytes = 0
  /** Acknowledgements awaited; they never reject. */
  readonly #inFlight = new Set<Promise<void>>()
  #room: PromiseWithResolvers<void> | undefined
  #failure: unknown

  constructor(append: AppendBatch, options: BatcherOptions = {}) {
    this.#append = append
    this.#batchBytes = options.batchBytes ?? batchBytesDefault
    this.#compression = options.compression ?? 'none'
    this.#bufferBytes = options.bufferBytes ?? bufferBytesDefault
    this.#owner = {
      gathered: bytes => {
        this.#gatheredBytes += bytes
        if (this.#gatheredBytes >= this.#bufferBytes) this.flush()
      },
      handOver: (topic, partition, { builder, acknowledged }) => {
        this.#gatheredBytes -= builder.sizeBytes - batchHeaderBytes
        this.#handOver(topic, partition, builder, acknowledged.resolve, acknowledged.reject)
        // A caller that waits for a record gets the failure; settled() reports it too.
        acknowledged.promise.catch(() => undefined)
      },
    }
  }

  /** The batches of a topic. A topic that was looked up again replaces its earlier form. */
  into(topic: TargetTopic): TopicBatches {
    this.#topics.get(topic.name)?.flush()
    const batches = new TopicBatches(topic, this.#owner, {
      batchBytes: this.#batchBytes,
      compression: this.#compression,
    })
    this.#topics.set(topic.name, batches)
    return batches
  }

  /** Hands over the caller's batch; `onAppended` gets its first offset. */
  append(
    topic: string,
    partition: number,
    batch: SizedBatch,
    onAppended: (baseOffset: number) => void = () => undefined,
  ): void {
    this.#handOver(topic, partition, batch, onAppended, () => undefined)
  }

  /** Hands over all gathered records. */
  flush(): void {
    if (this.#gatheredBytes === 0) return
    for (const batches of this.#topics.values()) batches.flush()
  }

  /**
   * Resolves when everything that was handed over before is acknowledged.
   * @throws the first failure since the last {@link forgetFailure}
   */
  async settled(): Promise<void> {
    if (this.#inFlight.size > 0) await Promise.all(this.#inFlight)
    this.#throwFailure()
  }

  /** Whether the bound is reached: then await {@link room} before the next record. */
  get isFull(): boolean {
    return this.#gatheredBytes + this.#inFlightBytes >= this.#bufferBytes
  }

  /** Resolves when an acknowledgement has made room. */
  room(): Promise<void> {
    return this.isFull ? (this.#room ??= Promise.withResolvers()).promise : Promise.resolve()
  }

  /**
   * Waits while too much is gathered and in flight.
   * @throws the first failure since the last {@link forgetFailure}
   */
  async relieved(): Promise<void> {
    this.#throwFailure()
    while (this.isFull) {
      await this.room()
      this.#throwFailure()
    }
  }

  /** Whether records are gathered that were not handed over. */
  get hasGathered(): boolean {
    return this.#gatheredBytes > 0
  }

  /** For a caller that continues after a failure, with another writer. */
  forgetFailure(): void {
    this.#failure = undefined
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure
  }

  #handOver(
    topic: string,
    partition: number,
    batch: SizedBatch,
    onAppended: (baseOffset: number) => void,
    onFailed: (error: unknown) => void,
  ): void {
    const { sizeBytes } = batch
    this.#inFlightBytes += sizeBytes
    const settled = this.#append(topic, partition, batch).then(
      ({ baseOffset }) => {
        batch.acknowledged?.()
        this.#answered(sizeBytes, settled)
        onAppended(baseOffset)
      },
      (error: unknown) => {
        batch.failed?.()
        this.#failure ??= error
        this.#answered(sizeBytes, settled)
        onFailed(error)
      },
    )
    this.#inFlight.add(settled)
  }

  #answered(sizeBytes: number, settled: Promise<void>): void {
    this.#inFlight.delete(settled)
    this.#inFlightBytes -= sizeBytes
    if (this.#room && !this.isFull) {
      this.#room.resolve()
      this.#room = undefined
    }
  }
}
