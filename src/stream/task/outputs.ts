/**
 * Everything that an instance writes: results, records for exchanges, dead letters, changelogs and the plan.
 * All of it goes through one batcher to the instance's writer.
 */
import {
  Batcher,
  deadLetterHeaders,
  type SizedBatch,
  type TopicBatches,
  type Writer,
} from '../../port/index.ts'
import type { UndoLog } from '../../state/index.ts'
import type { RecordHeader } from '../../wire/index.ts'
import type { DeadLetter } from './bad-records.ts'
import type { SinkNode } from '../plan/graph.ts'
import { outputFailure, type OutputNode } from './output-failure.ts'
import type { StreamRecord } from '../operators/record.ts'
import { sinkHeaders } from './record-headers.ts'

const deadLetters: OutputNode = { name: 'dead letters', kind: 'sink' }

/** Partition counts and limits of the topics that are written. */
export interface OutputTopics {
  partitions(topic: string): number
  /** Bytes of the largest batch that a topic takes. */
  batchBytesMax(topic: string): number
}

export class Outputs {
  readonly #batcher: Batcher
  readonly #batches = new Map<string, TopicBatches>()
  readonly #topics: OutputTopics
  /** Whether a batch was handed over since the last commit. */
  #uncommitted = false
  readonly #ends = new Map<string, number[]>()

  constructor(writer: Writer, topics: OutputTopics) {
    this.#topics = topics
    this.#batcher = new Batcher(async (topic, partition, batch) => {
      this.#uncommitted = true
      const { count } = batch
      try {
        const appended = await writer.append(topic, partition, batch)
        this.#endsOf(topic)[partition] = appended.baseOffset + count
        return appended
      } catch (error) {
        throw outputFailure(topic, partition, error)
      }
    })
  }

  /**
   * Writes a record to a sink's topic. A record without a key goes to the partition with the task's own
   * number, which keeps its order. With an undo log the record is written once its source record has
   * succeeded.
   * @throws MillraceError RECORD_TOO_LARGE for a record that the topic cannot take; the errors of the codecs
   */
  write(node: SinkNode, record: StreamRecord, taskPartition: number, undo?: UndoLog): void {
    const { topic } = node
    const batches = this.#into(topic.name, node)
    const key = topic.key.encode(record.key ?? null)
    const value = topic.value.encode(record.value ?? null)
    const by = key === null ? null : (topic.key.partitionBytes?.(record.key) ?? key)
    const partition = by === null ? taskPartition % batches.topic.partitions : batches.partitionFor(by)
    const headers = sinkHeaders(record)
    const bound = batches.sizeBound(partition, key, value, headers, node.name)
    if (undo) undo.act(() => batches.add(partition, bound, record.timestamp, key, value, headers))
    else batches.add(partition, bound, record.timestamp, key, value, headers)
  }

  /**
   * Writes bytes to a partition of the caller's choice, as exchanges do. `node` is for messages; `undo` works
   * as in {@link write}.
   * @throws MillraceError RECORD_TOO_LARGE
   */
  writeRaw(
    node: OutputNode,
    topic: string,
    partition: number,
    timestamp: number,
    key: Uint8Array | null,
    value: Uint8Array | null,
    headers: readonly RecordHeader[],
    undo?: UndoLog,
  ): void {
    const batches = this.#into(topic, node)
    const bound = batches.sizeBound(partition, key, value, headers, node.name)
    if (undo) undo.act(() => batches.add(partition, bound, timestamp, key, value, headers))
    else batches.add(partition, bound, timestamp, key, value, headers)
  }

  /** Keeps a record that could not be processed, with the reason and its place in the headers. */
  deadLetter(letter: DeadLetter): void {
    const { to, timestamp, key, value } = letter
    const partition = letter.partition % this.#topics.partitions(to)
    const headers = deadLetterHeaders(letter.headers, letter)
    this.writeRaw(deadLetters, to, partition, timestamp, key, value, headers)
  }

  /** Hands a finished batch to the writer. `onAppended` gets the offset after the batch. */
  append(
    topic: string,
    partition: number,
    batch: SizedBatch,
    onAppended: (nextOffset: number) => void,
  ): void {
    const { count } = batch
    this.#batcher.append(topic, partition, batch, baseOffset => onAppended(baseOffset + count))
  }

  /** Hands over everything that is gathered. */
  flush(): void {
    this.#batcher.flush()
  }

  /** Resolves when all that was handed over is acknowledged; throws the first failure. */
  settled(): Promise<void> {
    return this.#batcher.settled()
  }

  /** Waits while too much is gathered and in flight to the log; throws the first failure. */
  relieved(): Promise<void> {
    return this.#batcher.relieved()
  }

  /**
   * The offset after the last record that this instance appended to a partition and that was acknowledged; 0
   * if there is none.
   */
  end(topic: string, partition: number): number {
    return this.#ends.get(topic)?.[partition] ?? 0
  }

  /** Everything that was handed over is committed. */
  committed(): void {
    this.#uncommitted = false
  }

  /** Whether anything was written since the last {@link committed}. */
  get hasUncommitted(): boolean {
    return this.#uncommitted || this.#batcher.hasGathered
  }

  #endsOf(topic: string): number[] {
    let ends = this.#ends.get(topic)
    if (ends === undefined) this.#ends.set(topic, (ends = []))
    return ends
  }

  #into(name: string, { kind }: OutputNode): TopicBatches {
    let batches = this.#batches.get(name)
    if (batches === undefined) {
      const partitions = this.#topics.partitions(name)
      const batchBytesMax = this.#topics.batchBytesMax(name)
      batches = this.#batcher.into({ name, partitions, batchBytesMax, internal: kind !== 'sink' })
      this.#batches.set(name, batches)
    }
    return batches
  }
}
