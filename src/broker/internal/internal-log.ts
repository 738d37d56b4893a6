/**
 * One partition of an internal topic, seen as a log of small keyed records: append, and replay from its
 * start.
 *
 * Internal topics are read whole at start, so their length is bounded. If a log has outgrown its state, the
 * state is written again as a whole ({@link InternalLog.rewriteIfOutgrown}), and older segments are dropped.
 * Both sides count the same bytes: every batch of the log, markers included.
 *
 * A replay only reads. Until it has ended a part of the state is known, and a part must never be written as
 * if it were the whole.
 */
import { assert, isMillraceError, type Clock, type MillraceError } from '../../base/index.ts'
import type { AppendReceipt, Partition } from '../../log/index.ts'
import { BatchBuilder, readBatches, type BatchStamp, type RecordBatch } from '../../wire/index.ts'

export interface InternalRecord {
  readonly key: Uint8Array
  /** Null deletes the key. */
  readonly value: Uint8Array | null
}

/**
 * Limits of the logs that the broker keeps for itself. The defaults suit every program; tests take tiny ones,
 * to pass each limit often.
 */
export interface InternalLimits {
  /**
   * Segments of internal topics: small, so that records which a rewrite has replaced can be dropped soon.
   * Default 4 MiB. Holds the largest record.
   */
  readonly segmentBytes?: number
  /**
   * A log is written from scratch when it has grown past this, and to more than three times the size of its
   * state. Default 8 MiB, read in milliseconds.
   */
  readonly rewriteBytes?: number
  /** Records of one batch of a rewrite; a larger one has its own batch. Default 256 KiB. */
  readonly batchBytes?: number
  /** Bytes of one read of a replay. Default 1 MiB. */
  readonly replayBytes?: number
}

export const internalLimitsDefault: Required<InternalLimits> = {
  segmentBytes: 4 << 20,
  rewriteBytes: 8 << 20,
  batchBytes: 256 * 1024,
  replayBytes: 1 << 20,
}

/** The approximate size of a record beside its key and value. */
const recordOverheadBytes = 16
/** A transaction's marker: a batch of one record, always of this size. */
export const markerBytes = 78

export class InternalLog {
  readonly partition: Partition
  readonly #clock: Clock
  readonly #limits: Required<InternalLimits>
  /** The most bytes of a batch: it must fit a segment, with its header. */
  readonly #batchBytesMax: number
  /** The bytes that a start would read. */
  #bytes = 0
  /** The size of the state when it was last written as a whole; 0 if unknown. */
  #stateBytes = 0
  #isReplayed = false
  #rewriting: Promise<void> | undefined

  constructor(partition: Partition, clock: Clock, limits: InternalLimits = {}) {
    this.partition = partition
    this.#clock = clock
    const given = { ...internalLimitsDefault, ...limits }
    // A partition keeps the size of segments that it was made with.
    const { segmentBytes } = partition.settings
    this.#batchBytesMax = segmentBytes >> 1
    this.#limits = { ...given, batchBytes: Math.min(given.batchBytes, this.#batchBytesMax) }
  }

  /**
   * Appends the records, in one batch, so that a crash leaves all of them or none; only past half a segment
   * in several batches, which a crash may separate.
   */
  append(
    records: readonly InternalRecord[],
    stamp: BatchStamp = {},
  ): Pick<AppendReceipt, 'baseOffset' | 'written' | 'durable'> {
    const [first, ...others] = this.#batches(records, stamp, this.#batchBytesMax)
    assert(first, 'an append has a record')
    const receipt = this.#append(first)
    if (others.length === 0) return receipt
    const receipts = [receipt, ...others.map(batch => this.#append(batch))]
    const durable = all(receipts.map(each => each.durable))
    const written = all(receipts.map(each => each.written))
    return { baseOffset: receipt.baseOffset, written, durable }
  }

  /** A marker was appended to the partition. */
  marked(): void {
    this.#bytes += markerBytes
  }

  /** Calls `visit` for every batch of the log, control batches and open transactions included. */
  async replay(visit: (batch: RecordBatch) => void): Promise<void> {
    this.#bytes = 0
    const end = this.partition.logEndOffset
    // A read gives only safe records: make all records safe.
    if (this.partition.highWatermark < end) await this.partition.settle()
    for (let offset = this.partition.logStartOffset; offset < end;) {
      const result = await this.partition.read(offset, {
        maxBytes: this.#limits.replayBytes,
        isolation: 'read_uncommitted',
      })
      for (const batch of readBatches(result.batches))
        if (batch.nextOffset > offset) {
          this.#bytes += batch.sizeBytes
          visit(batch)
        }
      if (result.nextOffset <= offset) break
      offset = result.nextOffset
    }
    this.#isReplayed = true
  }

  /** Replays the log. Returns the error of a damaged log, which must not stop the rest of the broker. */
  async tryReplay(visit: (batch: RecordBatch) => void): Promise<MillraceError | undefined> {
    if (this.partition.failure) return this.partition.failure
    try {
      await this.replay(visit)
      return undefined
    } catch (error) {
      if (isMillraceError(error, 'PARTITION_DAMAGED', 'CORRUPT_BATCH')) return error
      throw error
    }
  }

  /**
   * Writes the whole state again if the log has outgrown it, and drops older segments once that is durable.
   * Resolves also if the disk refused it: the log is as valid as before, only longer, and the next append
   * reports a failing disk.
   *
   * Obligations of the caller: `state` returns the result of a replay at this moment, and earlier records are
   * not needed: no transaction is open in the partition.
   */
  rewriteIfOutgrown(state: () => Iterable<InternalRecord>): Promise<void> {
    const { rewriteBytes } = this.#limits
    const isOutgrown = this.#isReplayed && this.#bytes > Math.max(rewriteBytes, 3 * this.#stateBytes)
    if (this.#rewriting || !isOutgrown) return Promise.resolve()
    this.#rewriting = this.#rewrite(state())
      .catch(() => undefined)
      .finally(() => {
        this.#rewriting = undefined
      })
    return this.#rewriting
  }

  /** Resolves when no rewrite is in progress. */
  async idle(): Promise<void> {
    await this.#rewriting
  }

  /** Appends all in this turn. */
  async #rewrite(records: Iterable<InternalRecord>): Promise<void> {
    const start = this.partition.logEndOffset
    const bytesBefore = this.#bytes
    const written = this.#batches(records, {}, this.#limits.batchBytes).map(
      batch => this.#append(batch).durable,
    )
    const stateBytes = this.#bytes - bytesBefore
    await all(written)
    this.#bytes -= bytesBefore
    this.#stateBytes = stateBytes
    await this.partition.dropBefore(start)
  }

  #append(batch: Uint8Array): AppendReceipt {
    const receipt = this.partition.append(batch)
    this.#bytes += batch.length
    return receipt
  }

  #batches(records: Iterable<InternalRecord>, stamp: BatchStamp, bytesMax: number): Uint8Array[] {
    const batches: Uint8Array[] = []
    const now = this.#clock.now()
    let builder: BatchBuilder | undefined
    let bytes = 0
    for (const { key, value } of records) {
      const size = key.length + (value?.length ?? 0) + recordOverheadBytes
      if (builder && bytes + size > bytesMax) {
        batches.push(builder.build(stamp))
        builder = undefined
        bytes = 0
      }
      builder ??= new BatchBuilder({ initialBytes: 512 })
      builder.append(now, key, value)
      bytes += size
    }
    if (builder) batches.push(builder.build(stamp))
    return batches
  }
}

/** Resolves when all have. Its rejection needs no handler: most callers use one half of a receipt. */
function all(promises: readonly Promise<void>[]): Promise<void> {
  const done = Promise.all(promises).then(() => undefined)
  done.catch(() => undefined)
  return done
}
