/**
 * What an instance writes: records gathered in one batch per partition, handed to the writer when a batch is full or a commit is due.
 * Bytes under way are bounded: past the bound the instance waits for the writer.
 */
import { assert, binaryString, fromUtf8, partitionFor, partitionForBinary } from '../base/index.ts'
import type { BatchToAppend, Writer } from '../port/index.ts'
import type { UndoLog } from '../state/index.ts'
import { BatchBuilder, type RecordHeader } from '../wire/index.ts'
import type { DeadLetter } from './bad-records.ts'
import type { SinkNode } from './graph.ts'
import { type LargeRecord, outputFailure } from './output-failure.ts'
import type { StreamRecord } from './record.ts'

/** A batch goes to the writer at this size. */
const batchBytes = 128 * 1024
/** Bytes gathered in batches of all partitions: more and all of them go to the writer. */
const gatheredBytesMax = 32 * 1024 * 1024
/** Bytes handed over and not acknowledged: more and the instance waits. */
const bytesUnderWayMax = 16 * 1024 * 1024
/** A record of this size is remembered, so that a batch that is refused for its size can name it. */
const largeRecordBytes = 64 * 1024

/** The header that says when a window's result came. */
const paneHeader = 'millrace.pane'

export class Outputs {
  readonly #writer: Writer
  readonly #open = new Map<string, BatchBuilder[]>()
  readonly #partitions: (topic: string) => number
  #pending: Promise<unknown>[] = []
  /** Something was handed over since the last commit. */
  #uncommitted = false
  #failure: unknown
  #bytesUnderWay = 0
  #gatheredBytes = 0
  /** The largest record of a batch, where it is large. */
  readonly #large = new WeakMap<BatchToAppend, LargeRecord>()

  constructor(writer: Writer, partitions: (topic: string) => number) {
    this.#writer = writer
    this.#partitions = partitions
  }

  /**
   * Writes a record to a sink's topic. One without a key goes to the partition that has the task's own number, which keeps its order. With an undo
   * log the record is written once what it came from has succeeded.
   */
  write(node: SinkNode, record: StreamRecord, taskPartition: number, undo?: UndoLog): void {
    const { topic } = node
    const count = this.#partitions(topic.name)
    const key = topic.key.encode(record.key ?? null)
    const value = topic.value.encode(record.value ?? null)
    const by = key === null ? null : (topic.key.partitionBytes?.(record.key) ?? key)
    const partition = by === null ? taskPartition % count : count === 1 ? 0 : partitionOf(by, count)
    const headers = record.pane
      ? [...record.headers, { key: paneHeader, value: fromUtf8(record.pane) }]
      : record.headers
    if (undo) undo.act(() => this.#gather(node, partition, record.timestamp, key, value, headers))
    else this.#gather(node, partition, record.timestamp, key, value, headers)
  }

  #gather(
    { name, topic }: SinkNode,
    partition: number,
    timestamp: number,
    key: string | Uint8Array | null,
    value: string | Uint8Array | null,
    headers: readonly RecordHeader[],
  ): void {
    const batch = this.#batch(topic.name, partition)
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
    if (batch.sizeBytes - before >= largeRecordBytes)
      this.#large.set(batch, { operator: name, key, sizeBytes: batch.sizeBytes - before })
    this.#gathered(topic.name, partition, batch, before)
  }

  /** Writes bytes to a partition of the caller's choice: what goes through an exchange. */
  writeRaw(
    topic: string,
    partition: number,
    timestamp: number,
    key: Uint8Array | null,
    value: Uint8Array | null,
    headers: readonly RecordHeader[],
  ): void {
    const batch = this.#batch(topic, partition)
    const before = batch.sizeBytes
    batch.append(timestamp, key, value, headers)
    this.#gathered(topic, partition, batch, before)
  }

  /** Puts a record's own bytes aside, with where it stood and why in headers. */
  deadLetter(letter: DeadLetter): void {
    const count = this.#partitions(letter.to)
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
    this.writeRaw(letter.to, letter.partition % count, letter.timestamp, letter.key, letter.value, headers)
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
        onAppended?.(baseOffset + count)
      },
      (error: unknown) => {
        this.#failure ??= outputFailure(topic, partition, this.#large.get(batch), error)
      },
    )
    this.#pending.push(appended)
  }

  /** Hands over everything that is gathered. */
  flush(): void {
    for (const [topic, batches] of this.#open)
      batches.forEach((batch, partition) => {
        if (batch.count > 0) this.#send(topic, partition, batch)
      })
  }

  /** Resolves when all that was handed over is acknowledged; throws the first failure. */
  async settled(): Promise<void> {
    const pending = this.#pending
    this.#pending = []
    await Promise.all(pending)
    this.#throwFailure()
  }

  /** All that was handed over is committed. */
  committed(): void {
    this.#uncommitted = false
  }

  /** Whether anything was written since the last {@link committed}. */
  get hasUncommitted(): boolean {
    if (this.#uncommitted) return true
    for (const batches of this.#open.values()) for (const batch of batches) if (batch.count > 0) return true
    return false
  }

  /** Holds on while too much is under way to the log; throws what that failed with. */
  async relieved(): Promise<void> {
    this.#throwFailure()
    if (this.#bytesUnderWay > bytesUnderWayMax) await this.settled()
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure
  }

  /** A batch has grown: it goes to the writer when it is full, and so do all when too much is gathered. */
  #gathered(topic: string, partition: number, batch: BatchBuilder, sizeBytesBefore: number): void {
    this.#gatheredBytes += batch.sizeBytes - sizeBytesBefore
    if (batch.sizeBytes >= batchBytes) this.#send(topic, partition, batch)
    else if (this.#gatheredBytes >= gatheredBytesMax) this.flush()
  }

  #batch(topic: string, partition: number): BatchBuilder {
    let batches = this.#open.get(topic)
    if (batches === undefined) {
      batches = Array.from({ length: this.#partitions(topic) }, () => new BatchBuilder())
      this.#open.set(topic, batches)
    }
    const batch = batches[partition]
    assert(batch, `partition ${partition} of '${topic}' exists`)
    return batch
  }

  #send(topic: string, partition: number, batch: BatchBuilder): void {
    // The writer owns the batch now, and may build it later: gather the next records in another one.
    const batches = this.#open.get(topic)
    const next = new BatchBuilder()
    if (batches) batches[partition] = next
    this.#gatheredBytes -= batch.sizeBytes - next.sizeBytes
    this.append(topic, partition, batch)
  }
}

function bytesOf(encoded: string | Uint8Array): Uint8Array {
  return typeof encoded === 'string' ? fromUtf8(encoded) : encoded
}

function partitionOf(key: string | Uint8Array, partitions: number): number {
  return typeof key === 'string'
    ? partitionForBinary(binaryString(key), partitions)
    : partitionFor(key, partitions)
}
