/**
 * What an instance writes: records gathered in one batch per partition, handed to the writer when a batch is
 * full or a commit is due. Bytes in flight are bounded: past the bound the instance waits for the writer.
 */
import { assert, binaryString, fromUtf8, partitionFor, partitionForBinary } from '../../base/index.ts'
import type { BatchToAppend, Writer } from '../../port/index.ts'
import type { UndoLog } from '../../state/index.ts'
import {
  BatchBuilder,
  batchHeaderBytes,
  recordSizeBound,
  singleBatchBytes,
  type RecordHeader,
} from '../../wire/index.ts'
import type { DeadLetter } from './bad-records.ts'
import type { SinkNode } from '../plan/graph.ts'
import { outputFailure, outputTooLarge, type OutputNode } from './output-failure.ts'
import type { StreamRecord } from '../operators/record.ts'

/** A batch goes to the writer at this size. */
const batchBytes = 128 * 1024
/** Bytes gathered in batches of all partitions: more and all of them go to the writer. */
const gatheredBytesMax = 32 * 1024 * 1024
/** Bytes handed over and not acknowledged: more and the instance waits. */
const bytesUnderWayMax = 16 * 1024 * 1024

/** The header that says when a window's result came. */
const paneHeader = 'millrace.pane'

const deadLetters: OutputNode = { name: 'dead letters', kind: 'sink' }

/** What is known of the topics that are written. */
export interface OutputTopics {
  partitions(topic: string): number
  /** Bytes of the largest batch that a topic takes. */
  batchBytesMax(topic: string): number
}

/** A topic that is written. */
interface OpenTopic {
  readonly name: string
  readonly batchBytesMax: number
  /** By partition. */
  readonly batches: BatchBuilder[]
}

export class Outputs {
  readonly #writer: Writer
  readonly #open = new Map<string, OpenTopic>()
  readonly #topics: OutputTopics
  #pending: Promise<unknown>[] = []
  /** Something was handed over since the last commit. */
  #uncommitted = false
  #failure: unknown
  #bytesUnderWay = 0
  #gatheredBytes = 0
  readonly #ends = new Map<string, number[]>()

  constructor(writer: Writer, topics: OutputTopics) {
    this.#writer = writer
    this.#topics = topics
  }

  /**
   * Writes a record to a sink's topic. One without a key goes to the partition that has the task's own
   * number, which keeps its order. With an undo log the record is written once what it came from has
   * succeeded.
   * @throws MillraceError RECORD_TOO_LARGE for one that the topic cannot take; what the codecs throw
   */
  write(node: SinkNode, record: StreamRecord, taskPartition: number, undo?: UndoLog): void {
    const { topic } = node
    const open = this.#topic(topic.name)
    const count = open.batches.length
    const key = topic.key.encode(record.key ?? null)
    const value = topic.value.encode(record.value ?? null)
    const by = key === null ? null : (topic.key.partitionBytes?.(record.key) ?? key)
    const partition = by === null ? taskPartition % count : count === 1 ? 0 : partitionOf(by, count)
    const headers = record.pane
      ? [...record.headers, { key: paneHeader, value: fromUtf8(record.pane) }]
      : record.headers
    const bound = sizeBoundIn(open, node, partition, key, value, headers)
    if (undo) undo.act(() => this.#gather(open, partition, bound, record.timestamp, key, value, headers))
    else this.#gather(open, partition, bound, record.timestamp, key, value, headers)
  }

  #gather(
    open: OpenTopic,
    partition: number,
    bound: number,
    timestamp: number,
    key: string | Uint8Array | null,
    value: string | Uint8Array | null,
    headers: readonly RecordHeader[],
  ): void {
    const batch = this.#batch(open, partition, bound)
    const before = batch.sizeBytes
    if ((key === null || typeof key === 'string') && (value === null || typeof value === 'string'))
      batch.appendText(timestamp, key, value, headers)
    else
      batch.append(
        timestamp,
        key === null ? null : bytesOf(key),
        value === null ? null : bytesOf(value),
        headers,
      )
    this.#gathered(open, partition, batch, before)
  }

  /**
   * Writes bytes to a partition of the caller's choice: what goes through an exchange. `node`: for messages;
   * `undo` as in {@link write}.
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
    const open = this.#topic(topic)
    const bound = sizeBoundIn(open, node, partition, key, value, headers)
    if (undo) undo.act(() => this.#gather(open, partition, bound, timestamp, key, value, headers))
    else this.#gather(open, partition, bound, timestamp, key, value, headers)
  }

  /** Puts a record's own bytes aside, with where it stood and why in headers. */
  deadLetter(letter: DeadLetter): void {
    const partitions = this.#topics.partitions(letter.to)
    const header = (key: string, value: string | number): RecordHeader => ({
      key: `millrace.${key}`,
      value: fromUtf8(String(value)),
    })
    const about = [header('reason', letter.reason)]
    for (const [name, value] of Object.entries(letter.place)) about.push(header(name, value))
    if (letter.stack) about.push(header('stack', letter.stack))
    // A letter that failed again, once replayed, says of this time only.
    const told = new Set(about.map(({ key }) => key))
    const headers = [...letter.headers.filter(({ key }) => !told.has(key)), ...about]
    const { to, timestamp, key, value } = letter
    this.writeRaw(deadLetters, to, letter.partition % partitions, timestamp, key, value, headers)
  }

  /** Hands a finished batch to the writer; `onAppended` is told of the offset behind it. */
  append(
    topic: string,
    partition: number,
    batch: BatchToAppend & { readonly sizeBytes?: number },
    onAppended?: (nextOffset: number) => void,
  ): void {
    const { count, sizeBytes = 0 } = batch
    this.#uncommitted = true
    this.#bytesUnderWay += sizeBytes
    const appended = this.#writer.append(topic, partition, batch).then(
      ({ baseOffset }) => {
        this.#bytesUnderWay -= sizeBytes
        this.#endOf(topic)[partition] = baseOffset + count
        onAppended?.(baseOffset + count)
      },
      (error: unknown) => {
        this.#failure ??= outputFailure(topic, partition, error)
      },
    )
    this.#pending.push(appended)
  }

  /** Hands over everything that is gathered. */
  flush(): void {
    for (const open of this.#open.values())
      open.batches.forEach((batch, partition) => {
        if (batch.count > 0) this.#send(open, partition, batch)
      })
  }

  /** Resolves when all that was handed over is acknowledged; throws the first failure. */
  async settled(): Promise<void> {
    const pending = this.#pending
    this.#pending = []
    await Promise.all(pending)
    this.#throwFailure()
  }

  /**
   * Behind the last record that was appended here to a partition, and acknowledged; 0 where there was none.
   */
  end(topic: string, partition: number): number {
    return this.#ends.get(topic)?.[partition] ?? 0
  }

  #endOf(topic: string): number[] {
    let ends = this.#ends.get(topic)
    if (ends === undefined) this.#ends.set(topic, (ends = []))
    return ends
  }

  /** All that was handed over is committed. */
  committed(): void {
    this.#uncommitted = false
  }

  /** Whether anything was written since the last {@link committed}. */
  get hasUncommitted(): boolean {
    if (this.#uncommitted) return true
    for (const { batches } of this.#open.values()) if (batches.some(batch => batch.count > 0)) return true
    return false
  }

  /** Holds on while too much is in flight to the log; throws what that failed with. */
  async relieved(): Promise<void> {
    this.#throwFailure()
    if (this.#bytesUnderWay > bytesUnderWayMax) await this.settled()
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure
  }

  /** A batch has grown: it goes to the writer when it is full, and so do all when too much is gathered. */
  #gathered(open: OpenTopic, partition: number, batch: BatchBuilder, sizeBytesBefore: number): void {
    this.#gatheredBytes += batch.sizeBytes - sizeBytesBefore
    if (batch.sizeBytes >= batchBytes) this.#send(open, partition, batch)
    else if (this.#gatheredBytes >= gatheredBytesMax) this.flush()
  }

  #topic(name: string): OpenTopic {
    let open = this.#open.get(name)
    if (open === undefined) {
      open = {
        name,
        batchBytesMax: this.#topics.batchBytesMax(name),
        batches: Array.from({ length: this.#topics.partitions(name) }, () => new BatchBuilder()),
      }
      this.#open.set(name, open)
    }
    return open
  }

  /**
   * The batch for a record of at most `bound` bytes: the open one is sent where both may be more than the
   * topic takes.
   */
  #batch(open: OpenTopic, partition: number, bound: number): BatchBuilder {
    const batch = open.batches[partition]
    assert(batch, `partition ${partition} of '${open.name}' exists`)
    if (batch.sizeBytes + bound <= open.batchBytesMax || batch.count === 0) return batch
    return this.#send(open, partition, batch)
  }

  /** Returns the batch that comes in its place. */
  #send({ name, batches }: OpenTopic, partition: number, batch: BatchBuilder): BatchBuilder {
    // The writer owns the batch now, and may build it later: gather the next records in another one.
    const next = new BatchBuilder()
    batches[partition] = next
    this.#gatheredBytes -= batch.sizeBytes - next.sizeBytes
    this.append(name, partition, batch)
    return next
  }
}

/** Bytes that a record takes in a batch, at the most. Throws where no batch of the topic can hold it. */
function sizeBoundIn(
  { name, batchBytesMax }: OpenTopic,
  node: OutputNode,
  partition: number,
  key: string | Uint8Array | null,
  value: string | Uint8Array | null,
  headers: readonly RecordHeader[],
): number {
  const bound = recordSizeBound(key, value, headers)
  if (batchHeaderBytes + bound > batchBytesMax) {
    const bytes = singleBatchBytes(key, value, headers)
    if (bytes > batchBytesMax) throw outputTooLarge(node, name, partition, key, bytes, batchBytesMax)
  }
  return bound
}

function bytesOf(encoded: string | Uint8Array): Uint8Array {
  return typeof encoded === 'string' ? fromUtf8(encoded) : encoded
}

function partitionOf(key: string | Uint8Array, partitions: number): number {
  return typeof key === 'string'
    ? partitionForBinary(binaryString(key), partitions)
    : partitionFor(key, partitions)
}
