/**
 * A segment: a `.log` file of record batches back to back, from its base offset on, and the indexes over it.
 *
 * Only the last segment of a partition is **active**, that is appended to. Its indexes are in memory from the
 * first append on, and are saved when it is rolled or the log is closed, with a digest that proves them
 * (segment-digest.ts). Other indexes are read when they are first needed. Indexes that the digest does not
 * prove are made from the log, at once. The aborted transactions, a few bytes each, stay in memory always.
 *
 * `sizeBytes` and `nextOffset` cover what is written whole; readers stay below the partition's high watermark
 * by themselves.
 */
import { assert, freshMemory, type Disk } from '../../base/index.ts'
import { encodeAborted, type AbortedTransaction } from './abort-index.ts'
import { checkPlace, diskFailed, diskFull, systemCode } from '../files/disk-errors.ts'
import { segmentFile, type SegmentExtension } from '../files/file-names.ts'
import type { OpenFiles } from '../files/open-files.ts'
import { digestOf, emptyDigest, encodeDigest, fits, type SegmentDigest } from './segment-digest.ts'
import { indexedTimestamp, SegmentIndexes } from './segment-indexes.ts'
import { readBatchesAt, type BatchesRead, type Place, type ReadOptions } from './segment-read.ts'
import { scanSegment } from './segment-scan.ts'
import { readFile, removeIfThere, replaceFile, writeFile } from '../files/small-file.ts'

/** Places where sequential readers continue: so many per segment. */
const placesMax = 64

export interface SegmentContext {
  readonly disk: Disk
  readonly files: OpenFiles
  /** Of segments until their partition is configured. */
  readonly indexIntervalBytes: number
  /**
   * A log of Apache Kafka's perhaps: compaction has left gaps in the offsets, also between segments.
   */
  readonly readOnly: boolean
}

/** What the indexes have to know of a batch once it is written. */
export interface PendingBatch {
  readonly bytes: Uint8Array
  readonly lastOffset: number
  readonly maxTimestamp: number
  readonly aborted: AbortedTransaction | undefined
}

/** Batches that are written together. */
export interface PendingBatches {
  readonly batches: readonly PendingBatch[]
  readonly sizeBytes: number
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
  /** Bytes of log per index entry, from the next batch on. */
  indexIntervalBytes: number
  /** Compaction may have left gaps between its batches. */
  hasGaps = false
  /** The machine's time of the first and of the last append; undefined while unknown. */
  firstAppendMs: number | undefined
  lastAppendMs: number | undefined
  /** Of transactions whose abort marker is in this segment, by that marker. */
  aborted: AbortedTransaction[] = []
  /**
   * What was saved last, and may be behind what the segment holds by now. Undefined: nothing that could be
   * believed.
   */
  #digest: SegmentDigest | undefined
  /** Of the active segment: always there. Of an older one: once it was asked for. */
  #indexes: SegmentIndexes | undefined
  #loading: Promise<SegmentIndexes> | undefined
  /** The files were not what was saved, and these are complete. */
  #madeFromLog = false
  /** Positions of batches by their base offset: ends of earlier reads. */
  readonly #places = new Map<number, number>()

  constructor(folder: string, baseOffset: number, context: SegmentContext) {
    this.folder = folder
    this.baseOffset = baseOffset
    this.nextOffset = baseOffset
    this.path = `${folder}/${segmentFile(baseOffset, 'log')}`
    this.#context = context
    this.indexIntervalBytes = context.indexIntervalBytes
  }

  /** Makes the file of a new segment. Its name is not durable before the folder is synced. */
  async create(): Promise<void> {
    const file = await this.#context.disk.open(this.path, 'create')
    await file.close()
    this.startEmpty()
  }

  /** A new segment, without a batch. */
  startEmpty(): void {
    this.#digest = emptyDigest(this.baseOffset)
    this.startIndexes()
  }

  /** Begins with empty indexes, for {@link index} to fill. */
  startIndexes(): void {
    this.#indexes = new SegmentIndexes(this.baseOffset)
  }

  /** Takes the segment for what its digest says. The aborted transactions have been compared with it. */
  seal(digest: SegmentDigest, aborted: AbortedTransaction[]): void {
    this.#digest = digest
    this.sizeBytes = digest.logBytes
    this.nextOffset = digest.nextOffset
    this.firstAppendMs = digest.times?.firstAppend
    this.lastAppendMs = digest.times?.lastAppend
    this.aborted = aborted
  }

  /** The proof of what was saved, if that is all that the segment holds. */
  get savedDigest(): SegmentDigest | undefined {
    return this.#digest && this.#isSaved(this.#digest.largestProducerId) ? this.#digest : undefined
  }

  /** Its indexes are not in memory: before it can grow, {@link loadIndexes}. */
  get isRetired(): boolean {
    return this.#indexes === undefined
  }

  /** Bytes of its offset index. */
  get indexBytes(): number {
    return this.#indexes?.offsets.sizeBytes ?? this.#digest?.files.index.bytes ?? 0
  }

  /**
   * Writes batches behind the others. When there is no room the file is cut back, and nothing
   * has happened.
   */
  async append({ batches, sizeBytes }: PendingBatches): Promise<void> {
    if (!this.#indexes) await this.loadIndexes()
    await this.#context.files.use(this.path, 'write', async file => {
      let written
      try {
        written = await file.write(
          batches.map(({ bytes }) => bytes),
          this.sizeBytes,
        )
      } catch (error) {
        const code = systemCode(error)
        if (code !== 'ENOSPC' && code !== 'EDQUOT') throw error
        written = 0
      }
      if (written === sizeBytes) {
        this.unsyncedBytes += written
        this.#context.files.pin(this.path)
        return checkPlace(file, this.path)
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
    for (const batch of batches) this.#appended(batch)
  }

  /** Everything written is durable when this resolves. */
  async sync(): Promise<void> {
    const { unsyncedBytes } = this
    await this.#context.files.use(this.path, 'write', async file => {
      await file.sync()
      checkPlace(file, this.path)
    })
    this.unsyncedBytes -= unsyncedBytes
    if (this.unsyncedBytes === 0) this.#context.files.unpin(this.path)
  }

  /** Takes the batch at the end of the file into the indexes. */
  index(lastOffset: number, maxTimestamp: number, bytes: number): void {
    assert(this.#indexes, 'the indexes of a segment that grows are in memory')
    this.#indexes.add(lastOffset, maxTimestamp, this.sizeBytes, bytes, this.indexIntervalBytes)
    this.sizeBytes += bytes
    this.nextOffset = lastOffset + 1
  }

  /** Has the indexes in memory, so that the segment can grow. */
  async loadIndexes(): Promise<void> {
    if (!this.#indexes) await this.#load()
  }

  /**
   * Saves the indexes, and the digest that proves them, unless they are saved already. Everything in the
   * segment is synced. Only the digest is synced: indexes that a loss of power takes are made again. Its name
   * is not durable before the folder is synced.
   */
  async saveIndexes(largestProducerId: number): Promise<void> {
    if (this.#isSaved(largestProducerId)) return
    if (!this.#indexes) await this.loadIndexes()
    assert(this.#indexes, 'the indexes are in memory')
    const { disk } = this.#context
    const files = { ...this.#indexes.files(), txnindex: encodeAborted(this.aborted) }
    const digest: SegmentDigest = {
      logBytes: this.sizeBytes,
      nextOffset: this.nextOffset,
      files: {
        index: digestOf(files.index),
        timeindex: digestOf(files.timeindex),
        txnindex: digestOf(files.txnindex),
      },
      largestProducerId,
      ...this.#times(this.#indexes.maxTimestamp),
    }
    await writeFile(disk, this.#path('index'), files.index, 'unsynced')
    await writeFile(disk, this.#path('timeindex'), files.timeindex, 'unsynced')
    if (files.txnindex.length > 0) await writeFile(disk, this.#path('txnindex'), files.txnindex, 'unsynced')
    await writeFile(disk, this.#path('digest'), encodeDigest(digest))
    this.#digest = digest
    this.#madeFromLog = false
  }

  /** Saves indexes that were made from the log because the files were not what was saved. */
  async repairIndexes(): Promise<void> {
    if (this.#madeFromLog && this.#digest) await this.saveIndexes(this.#digest.largestProducerId)
  }

  /**
   * Reads whole batches from the one with `offset`, those that begin below `endOffset`: as many as fit into
   * `maxBytes`, but one at least. Undefined when there is none. Checksums and offsets are looked at: what is
   * damaged is never handed out, what is missing never passed over.
   */
  async read(
    offset: number,
    endOffset: number,
    maxBytes: number,
    { memory = freshMemory, checksums = true }: ReadOptions = {},
  ): Promise<BatchesRead | undefined> {
    const { sizeBytes } = this
    // A reader that continues has its bytes asked for at once, not in a later turn: the disk works while the
    // reader does.
    const left = this.#places.get(offset)
    const place: Place =
      left === undefined
        ? this.#placeOf(offset, this.#indexes ?? (await this.#load()))
        : { position: left, baseOffset: offset }
    const read = await this.#context.files.use(this.path, 'read', file =>
      readBatchesAt(file, place, {
        sizeBytes,
        offset,
        endOffset,
        maxBytes,
        gapless: !this.#context.readOnly && !this.hasGaps,
        memory,
        checksums,
      }),
    )
    if (read) this.#remember(read.nextOffset, read.endPosition)
    return read
  }

  /**
   * When its newest record was written, as retention counts: its largest timestamp, but a timestamp that is
   * ahead of the clock counts as the time of the last append. If that is unknown, or ahead of the clock as
   * well, as now; a segment that is complete remembers it.
   */
  async newestMs(now: number): Promise<number> {
    const largest = this.#knownLargest ?? (await this.maxTimestamp())
    if (largest >= 0 && largest <= now) return largest
    if (this.lastAppendMs === undefined || this.lastAppendMs > now) await this.#setLastAppend(now, largest)
    return this.lastAppendMs!
  }

  /** The largest timestamp in the segment; -1 where there is none. */
  async maxTimestamp(): Promise<number> {
    return this.#knownLargest ?? (await this.#load()).maxTimestamp
  }

  /** The largest timestamp, unless the indexes must be loaded for it. */
  get #knownLargest(): number | undefined {
    return this.#indexes?.maxTimestamp ?? this.#digest?.times?.largest
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
    for (const extension of ['log', 'digest', 'index', 'timeindex', 'txnindex', 'snapshot'] as const)
      await removeIfThere(this.#context.disk, this.#path(extension))
  }

  async #setLastAppend(now: number, largest: number): Promise<void> {
    this.firstAppendMs = Math.min(this.firstAppendMs ?? now, now)
    this.lastAppendMs = now
    // The digest of a segment that grows is written when it is complete.
    if (this.#digest?.logBytes !== this.sizeBytes) return
    const digest = { ...this.#digest, ...this.#times(largest) }
    const name = segmentFile(this.baseOffset, 'digest')
    await replaceFile(this.#context.disk, this.folder, name, encodeDigest(digest))
    this.#digest = digest
  }

  #times(largest: number): Pick<SegmentDigest, 'times'> {
    if (this.lastAppendMs === undefined) return {}
    const { firstAppendMs: firstAppend = this.lastAppendMs, lastAppendMs: lastAppend } = this
    return { times: { firstAppend, largest, lastAppend } }
  }

  /** A place from which going forward meets the batch with `offset`. */
  #placeOf(offset: number, { offsets }: SegmentIndexes): Place {
    const entry = offsets.lookUp(offset)
    return entry
      ? { position: entry.position, lastOffset: entry.offset }
      : { position: 0, baseOffset: this.baseOffset }
  }

  #appended({ bytes, lastOffset, maxTimestamp, aborted }: PendingBatch): void {
    this.index(lastOffset, maxTimestamp, bytes.length)
    if (aborted) this.aborted.push(aborted)
  }

  /** Nothing has changed since the indexes were saved. */
  #isSaved(largestProducerId: number): boolean {
    const digest = this.#digest
    return (
      digest?.logBytes === this.sizeBytes &&
      digest.nextOffset === this.nextOffset &&
      digest.largestProducerId === largestProducerId &&
      !this.#madeFromLog
    )
  }

  #load(): Promise<SegmentIndexes> {
    return (this.#loading ??= this.#loadIndexes()
      .then(indexes => (this.#indexes ??= indexes))
      .finally(() => {
        this.#loading = undefined
      }))
  }

  /** From their files where the digest proves these, else from the log. */
  async #loadIndexes(): Promise<SegmentIndexes> {
    const { disk } = this.#context
    if (this.#digest) {
      const { files, logBytes } = this.#digest
      const index = files.index.bytes === 0 ? undefined : await readFile(disk, this.#path('index'))
      const timeindex =
        files.timeindex.bytes === 0 ? undefined : await readFile(disk, this.#path('timeindex'))
      if (fits(index, files.index) && fits(timeindex, files.timeindex)) {
        const found = { index: index ?? Buffer.alloc(0), timeindex: timeindex ?? Buffer.alloc(0) }
        return SegmentIndexes.of(this.baseOffset, found, logBytes)
      }
    }
    return this.#indexLog()
  }

  /** Where the log is damaged the indexes end; a reader that comes there finds that out. */
  async #indexLog(): Promise<SegmentIndexes> {
    const indexes = new SegmentIndexes(this.baseOffset)
    const from = { position: 0, offset: this.baseOffset }
    const end = await this.#context.files.use(this.path, 'read', file =>
      scanSegment(file, this.sizeBytes, from, { gapless: false }, (batch, position) =>
        indexes.add(
          batch.lastOffset,
          indexedTimestamp(batch),
          position,
          batch.sizeBytes,
          this.indexIntervalBytes,
        ),
      ),
    )
    this.#madeFromLog = end.problem === undefined
    return indexes
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
