/**
 * A segment: a `.log` file of record batches back to back, from its base offset on, and the indexes over it.
 *
 * Only the last segment of a partition is **active**, that is appended to. Its indexes are in memory from the
 * first append on, and are saved when it is rolled or the log is closed, with a digest that proves them
 * (segment-digest.ts). Other indexes are loaded when they are needed (index-loading.ts), and kept as long as
 * there is room (loaded-indexes.ts). The aborted transactions, a few bytes each, stay in memory always.
 *
 * `sizeBytes` and `nextOffset` cover what is written whole; readers stay below the partition's high watermark
 * by themselves.
 */
import { assert, freshMemory, SerialQueue, type Clock, type Disk } from '../../base/index.ts'
import { encodeAborted, type AbortedTransaction } from './abort-index.ts'
import { segmentFile, type SegmentExtension } from '../files/file-names.ts'
import type { OpenFiles } from '../files/open-files.ts'
import { loadIndexes } from './index-loading.ts'
import type { IndexOwner, LoadedIndexes } from './loaded-indexes.ts'
import { writePending, type PendingBatch, type PendingBatches } from './pending-batches.ts'
import { digestOf, emptyDigest, encodeDigest, type SegmentDigest } from './segment-digest.ts'
import { SegmentIndexes } from './segment-indexes.ts'
import { readBatchesAt, type BatchesRead, type Place, type ReadOptions } from './segment-read.ts'
import { removeIfThere, replaceFile, writeFile } from '../files/small-file.ts'
import { FilePlace } from '../files/file-place.ts'
import { ReaderPlaces } from './reader-places.ts'
import { RoomAhead } from './room-ahead.ts'

export interface SegmentContext {
  readonly disk: Disk
  readonly files: OpenFiles
  readonly indexes: LoadedIndexes
  readonly clock: Clock
  /** Of segments until their partition is configured. */
  readonly indexIntervalBytes: number
  /**
   * A log of Apache Kafka's perhaps: compaction has left gaps in the offsets, also between segments.
   */
  readonly readOnly: boolean
}

export class Segment implements IndexOwner {
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
  #indexes: SegmentIndexes | undefined
  /**
   * Where indexes stay: with a segment that grows, until it is complete; else among those that are forgotten
   * for others; or nowhere, once the segment has left the log.
   */
  #indexesStay: 'here' | 'while there is room' | 'nowhere' = 'while there is room'
  #loading: Promise<SegmentIndexes> | undefined
  #digestWrites: SerialQueue | undefined
  /** Of the records, as of when the indexes were last forgotten: also for a digest without times. */
  #largestTimestamp: number | undefined
  /** The files were not what was saved, and these are complete. */
  #madeFromLog = false
  /** Where earlier reads have ended. */
  readonly #places = new ReaderPlaces()
  readonly #place: FilePlace
  readonly #room = new RoomAhead()

  constructor(folder: string, baseOffset: number, context: SegmentContext) {
    this.folder = folder
    this.baseOffset = baseOffset
    this.nextOffset = baseOffset
    this.path = `${folder}/${segmentFile(baseOffset, 'log')}`
    this.#context = context
    this.#place = new FilePlace(this.path, context.clock)
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
    this.#pinIndexes()
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

  /** Bytes of its offset index. */
  get indexBytes(): number {
    return this.#indexes?.offsets.sizeBytes ?? this.#digest?.files.index.bytes ?? 0
  }

  /**
   * Writes batches behind the others. When there is no room the file is cut back, and nothing
   * has happened.
   */
  async append(pending: PendingBatches): Promise<void> {
    if (this.#indexesStay !== 'here' || !this.#indexes) await this.loadIndexes()
    const { files } = this.#context
    await files.use(this.path, 'write', async file => {
      await writePending(file, this.path, this.sizeBytes, pending, this.#room)
      this.unsyncedBytes += pending.sizeBytes
      files.pin(this.path)
      this.#place.check(file)
    })
    for (const batch of pending.batches) this.#appended(batch)
  }

  /** Everything written is durable when this resolves. */
  async sync(): Promise<void> {
    const { unsyncedBytes } = this
    await this.#context.files.use(this.path, 'write', async file => {
      await file.sync()
      this.#place.check(file)
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

  /** Has the indexes in memory, where they stay: the segment can grow. */
  async loadIndexes(): Promise<void> {
    this.#pinIndexes()
    if (!this.#indexes) await this.#load()
  }

  /**
   * Saves the indexes, and the digest that proves them, unless they are saved already. Everything in the
   * segment is synced. Only the digest is synced: indexes that a loss of power takes are made again. Its name
   * is not durable before the folder is synced.
   */
  async saveIndexes(largestProducerId: number): Promise<void> {
    await this.#digestAlone(async () => {
      await this.#cutRoom()
      if (this.#isSaved(largestProducerId)) return
      await this.#save(this.#indexes ?? (await this.#load()), largestProducerId)
    })
  }

  /** Saves indexes that were made from the log because the files were not what was saved. */
  async repairIndexes(): Promise<void> {
    if (!this.#madeFromLog) return
    await this.#digestAlone(async () => {
      if (!this.#madeFromLog || !this.#digest) return
      const indexes = this.#indexes ?? (await this.#load())
      // They may have been forgotten, and made again of a log that is damaged by now.
      if (this.#madeFromLog) await this.#save(indexes, this.#digest.largestProducerId)
    })
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
    const left = this.#places.positionOf(offset)
    const place: Place =
      left === undefined
        ? this.#placeOf(offset, this.#used() ?? (await this.#load()))
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
    if (read) this.#places.remember(read.nextOffset, read.endPosition)
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
    return this.#indexes?.maxTimestamp ?? this.#digest?.times?.largest ?? this.#largestTimestamp
  }

  /** An offset such that nothing of the segment before its batch is as late as `timestamp`. */
  async offsetBefore(timestamp: number): Promise<number> {
    return (this.#used() ?? (await this.#load())).times.lookUp(timestamp)
  }

  /** No more appends: the file can be closed, and the indexes be forgotten with it. */
  async retire(): Promise<void> {
    this.#dropIndexes('while there is room')
    await this.#context.files.drop(this.path)
  }

  /** The segment leaves the log, or the log is closed: nothing of it stays in memory, or open. */
  async leave(): Promise<void> {
    this.#dropIndexes('nowhere')
    await this.#context.files.drop(this.path)
  }

  /** Removes the files of a segment that nobody reads any more. */
  async remove(): Promise<void> {
    await this.leave()
    for (const extension of ['log', 'digest', 'index', 'timeindex', 'txnindex', 'snapshot'] as const)
      await removeIfThere(this.#context.disk, this.#path(extension))
  }

  /** There is no room for its indexes any more. */
  forgetIndexes(): void {
    if (this.#indexes) this.#largestTimestamp = this.#indexes.maxTimestamp
    this.#indexes = undefined
  }

  /** Ends the file where the records end, as the digest says. */
  async #cutRoom(): Promise<void> {
    const { sizeBytes } = this
    if (!this.#room.isBehind(sizeBytes)) return
    await this.#context.files.use(this.path, 'write', async file => {
      await file.truncate(sizeBytes)
      await file.sync()
    })
    this.#room.endsAt(sizeBytes)
  }

  async #save(indexes: SegmentIndexes, largestProducerId: number): Promise<void> {
    const { disk } = this.#context
    const files = { ...indexes.files(), txnindex: encodeAborted(this.aborted) }
    const digest: SegmentDigest = {
      logBytes: this.sizeBytes,
      nextOffset: this.nextOffset,
      files: {
        index: digestOf(files.index),
        timeindex: digestOf(files.timeindex),
        txnindex: digestOf(files.txnindex),
      },
      largestProducerId,
      ...this.#times(indexes.maxTimestamp),
    }
    await writeFile(disk, this.#path('index'), files.index, 'unsynced')
    await writeFile(disk, this.#path('timeindex'), files.timeindex, 'unsynced')
    if (files.txnindex.length > 0) await writeFile(disk, this.#path('txnindex'), files.txnindex, 'unsynced')
    await writeFile(disk, this.#path('digest'), encodeDigest(digest))
    this.#digest = digest
    this.#madeFromLog = false
  }

  async #setLastAppend(now: number, largest: number): Promise<void> {
    this.firstAppendMs = Math.min(this.firstAppendMs ?? now, now)
    this.lastAppendMs = now
    await this.#digestAlone(async () => {
      // The digest of a segment that grows is written when it is complete.
      if (this.#digest?.logBytes !== this.sizeBytes) return
      const digest = { ...this.#digest, ...this.#times(largest) }
      const name = segmentFile(this.baseOffset, 'digest')
      await replaceFile(this.#context.disk, this.folder, name, encodeDigest(digest))
      this.#digest = digest
    })
  }

  /** Writes of the digest, one after the other: an older one must not come to lie over a newer one. */
  #digestAlone(write: () => Promise<void>): Promise<void> {
    this.#digestWrites ??= new SerialQueue()
    return this.#digestWrites.run(write)
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

  /** The indexes for a look-up, if they are in memory. */
  #used(): SegmentIndexes | undefined {
    if (this.#indexes) this.#context.indexes.used(this)
    return this.#indexes
  }

  #pinIndexes(): void {
    if (this.#indexesStay === 'here') return
    this.#context.indexes.remove(this)
    this.#indexesStay = 'here'
  }

  #dropIndexes(laterOnes: 'while there is room' | 'nowhere'): void {
    this.#context.indexes.remove(this)
    this.forgetIndexes()
    this.#indexesStay = laterOnes
  }

  #load(): Promise<SegmentIndexes> {
    return (this.#loading ??= this.#loadNow().finally(() => {
      this.#loading = undefined
    }))
  }

  async #loadNow(): Promise<SegmentIndexes> {
    const { indexes, source } = await loadIndexes(this.#context, this, this.#digest)
    if (this.#indexes) return this.#indexes
    if (source !== 'files') this.#madeFromLog = source === 'log'
    if (this.#indexesStay !== 'nowhere') this.#indexes = indexes
    if (this.#indexesStay === 'while there is room') this.#context.indexes.add(this, indexes.sizeBytes)
    return indexes
  }

  #path(extension: SegmentExtension): string {
    return `${this.folder}/${segmentFile(this.baseOffset, extension)}`
  }
}
