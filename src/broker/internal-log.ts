/**
 * One partition of an internal topic, seen as a log of small keyed records: append, and replay from its start.
 *
 * Internal topics are read whole at start, so their length is bounded: {@link InternalLog.outgrown} says when the current state should be
 * written again as a whole ({@link InternalLog.rewrite}); what lies before it is then dropped, segment by segment.
 */
import type { Clock } from '../base/index.ts'
import type { AppendReceipt, Partition } from '../log/index.ts'
import { BatchBuilder, readBatches, type BatchStamp, type RecordBatch } from '../wire/index.ts'

export interface InternalRecord {
  readonly key: Uint8Array
  /** Null deletes the key. */
  readonly value: Uint8Array | null
}

/** One fetch of a replay. */
const replayBytes = 1 << 20
/** One batch of a rewrite. */
const rewriteBatchBytes = 256 * 1024

export class InternalLog {
  readonly partition: Partition
  readonly #clock: Clock
  /** Bytes appended since the state was last written as a whole; at start, all that there are to read. */
  #bytesSinceRewrite = 0
  #bytesOfRewrite = 0

  constructor(partition: Partition, clock: Clock) {
    this.partition = partition
    this.#clock = clock
  }

  /** Appends the records as one batch. */
  append(records: readonly InternalRecord[], stamp: BatchStamp = {}): AppendReceipt {
    const batch = this.#build(records, stamp)
    this.#bytesSinceRewrite += batch.length
    return this.partition.append(batch)
  }

  /** Calls `visit` with every batch from the start of the log to its end, control batches and unfinished transactions included. */
  async replay(visit: (batch: RecordBatch) => void): Promise<void> {
    const end = this.partition.logEndOffset
    // A read gives what is safe: make it all so.
    if (this.partition.highWatermark < end) await this.partition.settle()
    for (let offset = this.partition.logStartOffset; offset < end;) {
      const result = await this.partition.read(offset, {
        maxBytes: replayBytes,
        isolation: 'read_uncommitted',
      })
      this.#bytesSinceRewrite += result.batches.length
      for (const batch of readBatches(result.batches)) if (batch.nextOffset > offset) visit(batch)
      if (result.nextOffset <= offset) return
      offset = result.nextOffset
    }
  }

  /** Whether the log has grown past `bytesMax`, and to more than twice what its state takes. */
  outgrown(bytesMax: number): boolean {
    return this.#bytesSinceRewrite > Math.max(bytesMax, 2 * this.#bytesOfRewrite)
  }

  /**
   * Writes the whole state again and, once that is durable, drops the segments before it. The caller sees to it that nothing before is still
   * needed: no transaction is open in the partition.
   */
  async rewrite(records: Iterable<InternalRecord>): Promise<void> {
    this.#bytesSinceRewrite = 0
    this.#bytesOfRewrite = 0
    const start = this.partition.logEndOffset
    let durable = Promise.resolve()
    let batch: InternalRecord[] = []
    let bytes = 0
    const append = (): void => {
      if (batch.length === 0) return
      const built = this.#build(batch, {})
      this.#bytesOfRewrite += built.length
      durable = this.partition.append(built).durable
      durable.catch(() => undefined)
      batch = []
      bytes = 0
    }
    for (const record of records) {
      batch.push(record)
      bytes += record.key.length + (record.value?.length ?? 0) + 16
      if (bytes >= rewriteBatchBytes) append()
    }
    append()
    await durable
    await this.partition.dropBefore(start)
  }

  #build(records: readonly InternalRecord[], stamp: BatchStamp): Uint8Array {
    const builder = new BatchBuilder({ initialBytes: 512 })
    const now = this.#clock.now()
    for (const { key, value } of records) builder.append(now, key, value)
    return builder.build(stamp)
  }
}
