/**
 * A segment: a `.log` file of record batches back to back, from its base offset on, and the indexes over it.
 *
 * Only the last segment of a partition is **active**, that is appended to. Its indexes live in memory and are saved when it is rolled or
 * the log is closed; after any other end they are rebuilt from the log. Those of older segments are read when they are first needed.
 * The aborted transactions, a few bytes each, stay in memory always.
 *
 * `sizeBytes` and `nextOffset` cover what is written whole; readers stay below the partition's high watermark by themselves.
 */
import { assert, type Disk } from '../base/index.ts'
import { batchSizeAt, RecordBatch } from '../wire/index.ts'
import { encodeAborted, type AbortedTransaction } from './abort-index.ts'
import { diskFailed, diskFull, systemCode } from './disk-errors.ts'
import { segmentFile, type SegmentExtension } from './file-names.ts'
import type { Flush, PendingBatch } from './flush.ts'
import { OffsetIndex } from './offset-index.ts'
import type { OpenFiles } from './open-files.ts'
import { readFile, removeIfThere, writeFile } from './small-file.ts'
import { TimeIndex } from './time-index.ts'

/** Bytes of log per index entry: Kafka's `log.index.interval.bytes`. */
export const indexIntervalBytesDefault = 4096
/** Places where sequential readers go on: so many per segment. */
const placesMax = 64

interface Indexes {
  readonly offsets: OffsetIndex
  readonly times: TimeIndex
}

/** Where a batch stands, and what is known of it before it is read: its first offset, or its last. */
interface Place {
  readonly position: number
  readonly baseOffset?: number
  readonly lastOffset?: number
}

export interface SegmentContext {
  readonly disk: Disk
  readonly files: OpenFiles
  readonly indexIntervalBytes: number
  /** A log of Apache Kafka's perhaps: compaction has left gaps in the offsets. What millrace writes has none. */
  readonly readOnly: boolean
}

export class Segment {
  readonly folder: string
  readonly baseOffset: number
  readonly path: string
  readonly #context: SegmentContext
  /** The offset after the last batch. */
  nextOffset: number
  sizeBytes = 0
  /** What of them a loss of power may take. */
  unsyncedBytes = 0
  /** Of transactions whose abort marker is in this segment, by that marker. */
  aborted: AbortedTransaction[] = []
  /** Of the active segment: always there. Of an older one: once it was asked for. */
  #indexes: Indexes | undefined
  #loading: Promise<Indexes> | undefined
  #bytesSinceEntry = 0
  #maxTimestamp = -1
  /** Last offset of the first batch with the largest timestamp. */
  #maxTimestampOffset = -1
  /** Where the batch that begins with an offset stands: ends of earlier reads. */
  readonly #places = new Map<number, number>()

  constructor(folder: string, baseOffset: number, context: SegmentContext) {
    this.folder = folder
    this.baseOffset = baseOffset
    this.nextOffset = baseOffset
    this.path = `${folder}/${segmentFile(baseOffset, 'log')}`
    this.#context = context
  }

  /** Makes the file of a new segment. Its name is not durable before the folder is synced. */
  async create(): Promise<void> {
    const file = await this.#context.disk.open(this.path, 'create')
    await file.close()
    this.startIndexes()
  }

  /** Begins with empty indexes, for {@link index} to fill. */
  startIndexes(): void {
    this.#indexes = { offsets: new OffsetIndex(this.baseOffset), times: new TimeIndex(this.baseOffset) }
    this.#bytesSinceEntry = 0
    this.#maxTimestamp = -1
    this.#maxTimestampOffset = -1
  }

  /** Its indexes are not in memory: before it can grow, {@link resumeIndexes}. */
  get isRetired(): boolean {
    return this.#indexes === undefined
  }

  /** No more entries: the segment has to be rolled. */
  get indexIsFull(): boolean {
    return this.#indexes?.offsets.isFull ?? false
  }

  /**
   * Writes the batches of a flush behind the others. When there is no room the file is cut back, and nothing has happened.
   */
  async append(flush: Flush): Promise<void> {
    await this.#context.files.use(this.path, 'write', async file => {
      let written
      try {
        written = await file.write(
          flush.batches.map(({ bytes }) => bytes),
          this.sizeBytes,
        )
      } catch (error) {
        const code = systemCode(error)
        if (code !== 'ENOSPC' && code !== 'EDQUOT') throw error
        written = 0
      }
      if (written === flush.sizeBytes) {
        this.unsyncedBytes += written
        this.#context.files.pin(this.path)
        return
      }
      // What was written in part must not come back after a crash, in front of what is written here next.
      try {
        await file.truncate(this.sizeBytes)
        await file.sync()
      } catch (error) {
        throw diskFailed(error, `cutting ${this.path} back after it found no room`)
      }
      throw diskFull(`appending to ${this.path}`)
    })
    for (const batch of flush.batches) this.#appended(batch)
  }

  /** Everything written is durable when this resolves. */
  async sync(): Promise<void> {
    const { unsyncedBytes } = this
    await this.#context.files.use(this.path, 'write', file => file.sync())
    this.unsyncedBytes -= unsyncedBytes
    if (this.unsyncedBytes === 0) this.#context.files.unpin(this.path)
  }

  /** Takes a batch that stands at the end of the file into the indexes. */
  index(lastOffset: number, maxTimestamp: number, bytes: number): void {
    assert(this.#indexes, 'the indexes of a segment that grows are in memory')
    const { offsets, times } = this.#indexes
    if (maxTimestamp > this.#maxTimestamp) {
      this.#maxTimestamp = maxTimestamp
      this.#maxTimestampOffset = lastOffset
    }
    if (this.#bytesSinceEntry > this.#context.indexIntervalBytes) {
      offsets.append(lastOffset, this.sizeBytes)
      times.append(this.#maxTimestamp, this.#maxTimestampOffset)
      this.#bytesSinceEntry = 0
    }
    this.#bytesSinceEntry += bytes
    this.sizeBytes += bytes
    this.nextOffset = lastOffset + 1
  }

  /** Goes on from saved indexes, which cover the file to their last entry: gives the position of the batch that entry stands for. */
  async resumeIndexes(): Promise<number> {
    this.#indexes = await this.#loadIndexes()
    const { offsets, times } = this.#indexes
    const { last } = times
    this.#bytesSinceEntry = 0
    this.#maxTimestamp = last?.timestamp ?? -1
    this.#maxTimestampOffset = last?.offset ?? -1
    return offsets.last?.position ?? 0
  }

  /**
   * Saves the indexes, synced. The offset index comes last, when the names of the others are durable: where it is found after a crash, they are
   * there. Its own name is not durable before the folder is synced.
   */
  async saveIndexes(): Promise<void> {
    assert(this.#indexes, 'the indexes of a segment that grows are in memory')
    const { disk } = this.#context
    const { offsets, times } = this.#indexes
    times.append(this.#maxTimestamp, this.#maxTimestampOffset)
    await writeFile(disk, this.#path('timeindex'), times.bytes)
    if (this.aborted.length > 0) await writeFile(disk, this.#path('txnindex'), encodeAborted(this.aborted))
    await disk.syncDirectory(this.folder)
    await writeFile(disk, this.#path('index'), offsets.bytes)
  }

  /**
   * Reads whole batches from the one with `offset`, those that begin below `endOffset`: as many as fit into `maxBytes`, but one at
   * least. Undefined when there is none. Checksums and offsets are looked at: what is damaged is never handed out, what is missing never
   * passed over.
   */
  async read(
    offset: number,
    endOffset: number,
    maxBytes: number,
  ): Promise<{ bytes: Uint8Array; nextOffset: number } | undefined> {
    const { sizeBytes } = this
    // A reader that goes on has its bytes asked for at once, not in a later turn: the disk works while the reader does.
    const left = this.#places.get(offset)
    const place: Place =
      left === undefined
        ? this.#placeOf(offset, this.#indexes ?? (await this.#load()))
        : { position: left, baseOffset: offset }
    return await this.#context.files.use(this.path, 'read', async file => {
      let position = place.position
      /** What the batch at the position begins at; undefined at a place that only knows its end. */
      let baseOffset = place.baseOffset
      let chunk = Buffer.alloc(0)
      let start = position
      let first = -1
      let nextOffset = offset
      const take = (): { bytes: Uint8Array; nextOffset: number } | undefined => {
        if (first === -1) return undefined
        this.#remember(nextOffset, position)
        return { bytes: chunk.subarray(first, position - start), nextOffset }
      }
      try {
        while (position < sizeBytes) {
          const length = batchSizeAt(chunk, position - start)
          if (length === undefined || position - start + length > chunk.length) {
            if (first !== -1) return take()
            const wanted = Math.min(sizeBytes - position, Math.max(maxBytes, length ?? 0))
            // Nothing more to be had: the bytes of the last batch are missing.
            if (length !== undefined && wanted < length) break
            const fresh = Buffer.allocUnsafeSlow(Math.max(wanted, Math.min(sizeBytes - position, 128)))
            chunk = fresh.subarray(0, await file.read(fresh, position))
            start = position
            if (batchSizeAt(chunk, 0) === undefined) break
            continue
          }
          const batch = new RecordBatch(chunk, position - start)
          // The checksum does not cover where a batch stands.
          const isInPlace =
            baseOffset === undefined ? batch.lastOffset === place.lastOffset : batch.baseOffset === baseOffset
          if (!isInPlace && !this.#context.readOnly) throw new DamagedBatch(nextOffset)
          if (batch.baseOffset >= endOffset) return take()
          if (first !== -1 || batch.nextOffset > offset) {
            if (first !== -1 && position - start + length - first > maxBytes) return take()
            const isMissing = batch.baseOffset > nextOffset && !this.#context.readOnly
            if (isMissing || !batch.isValid()) throw new DamagedBatch(nextOffset)
            if (first === -1) first = position - start
            nextOffset = batch.nextOffset
          }
          position += length
          baseOffset = batch.nextOffset
        }
      } catch (error) {
        // What stands before the damage is handed out; the next read meets it first.
        if (first === -1) throw error
      }
      return take()
    })
  }

  /** The largest timestamp in the segment; -1 where there is none. */
  async maxTimestamp(): Promise<number> {
    if (this.#indexes) return Math.max(this.#maxTimestamp, this.#indexes.times.last?.timestamp ?? -1)
    return (await this.#load()).times.last?.timestamp ?? -1
  }

  /** An offset such that nothing of the segment before its batch is as late as `timestamp`. */
  async offsetBefore(timestamp: number): Promise<number> {
    return (this.#indexes ?? (await this.#load())).times.lookUp(timestamp)
  }

  /** No more appends: the file can be closed, and the indexes be forgotten with it. */
  async retire(): Promise<void> {
    this.#indexes = undefined
    await this.#context.files.drop(this.path)
  }

  /** Removes the files of a segment that nobody reads any more. */
  async remove(): Promise<void> {
    await this.#context.files.drop(this.path)
    for (const extension of ['log', 'index', 'timeindex', 'txnindex', 'snapshot'] as const)
      await removeIfThere(this.#context.disk, this.#path(extension))
  }

  /** A place from which going forward meets the batch with `offset`. */
  #placeOf(offset: number, { offsets }: Indexes): Place {
    const entry = offsets.lookUp(offset)
    return entry
      ? { position: entry.position, lastOffset: entry.offset }
      : { position: 0, baseOffset: this.baseOffset }
  }

  #appended({ bytes, lastOffset, maxTimestamp, aborted }: PendingBatch): void {
    this.index(lastOffset, maxTimestamp, bytes.length)
    if (aborted) this.aborted.push(aborted)
  }

  #load(): Promise<Indexes> {
    return (this.#loading ??= this.#loadIndexes()
      .then(indexes => (this.#indexes ??= indexes))
      .finally(() => {
        this.#loading = undefined
      }))
  }

  async #loadIndexes(): Promise<Indexes> {
    const { disk } = this.#context
    const offsets = await readFile(disk, this.#path('index'))
    const times = await readFile(disk, this.#path('timeindex'))
    return {
      offsets: new OffsetIndex(this.baseOffset, offsets),
      times: new TimeIndex(this.baseOffset, times),
    }
  }

  #remember(offset: number, position: number): void {
    if (this.#places.size >= placesMax) {
      const [oldest] = this.#places.keys()
      this.#places.delete(oldest!)
    }
    this.#places.set(offset, position)
  }

  #path(extension: SegmentExtension): string {
    return `${this.folder}/${segmentFile(this.baseOffset, extension)}`
  }
}

/** A batch below the high watermark whose bytes are not what was written. */
export class DamagedBatch extends Error {
  readonly offset: number

  constructor(offset: number) {
    super(`the batch at offset ${offset} is damaged or missing`)
    this.offset = offset
  }
}
