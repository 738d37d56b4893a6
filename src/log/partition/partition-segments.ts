/**
 * The files of a partition: segments in order, of which the last one is appended to. Each call works on the
 * disk, and fails with an error that names the file. The partition decides which caller waits, and which
 * records readers see.
 */
import { assert, SerialQueue, type Disk } from '../../base/index.ts'
import type { CleanedSegment } from '../cleaner/cleaned-segment.ts'
import { diskError, diskFailed } from '../files/disk-errors.ts'
import { segmentFile } from '../files/file-names.ts'
import type { Flush } from './flush.ts'
import type { PartitionSettings } from './partition-settings.ts'
import { encodeSnapshot } from '../producers/producer-snapshot.ts'
import type { ProducerEntry, ProducerState } from '../producers/producer-state.ts'
import type { StoppedPartition, StoppedSegment } from '../recovery/clean-stop.ts'
import { Segment, type SegmentContext } from '../segment/segment.ts'
import { removeIfThere, replaceFile } from '../files/small-file.ts'
import { ReadGate } from './read-gate.ts'

export class PartitionSegments {
  /** Oldest first; never empty. */
  readonly all: Segment[]
  readonly #folder: string
  readonly #context: SegmentContext
  readonly #disk: Disk
  /** Removals and replacements of files, and what retention saves. */
  readonly #changes = new SerialQueue()
  readonly #gate = new ReadGate()
  /** The producers as of this offset are saved. */
  #snapshotOffset: number

  constructor(folder: string, segments: Segment[], snapshotOffset: number, context: SegmentContext) {
    this.all = segments
    this.#snapshotOffset = snapshotOffset
    this.#folder = folder
    this.#context = context
    this.#disk = context.disk
  }

  /** Of the records. */
  get sizeBytes(): number {
    return this.all.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  }

  get active(): Segment {
    return this.all.at(-1)!
  }

  /** The settings have changed. */
  configure({ indexIntervalBytes }: PartitionSettings): void {
    for (const segment of this.all) segment.indexIntervalBytes = indexIntervalBytes
  }

  async write(flush: Flush): Promise<void> {
    const { active } = this
    try {
      await active.append(flush)
      active.lastAppendMs = this.#context.clock.now()
      active.firstAppendMs ??= active.lastAppendMs
    } catch (error) {
      throw diskError(error, `appending to ${active.path}`)
    }
  }

  async sync(): Promise<void> {
    await this.active.sync()
  }

  /** Begins a new segment with the flush. Everything before is synced. False: it is there already. */
  async roll(flush: Flush, largestProducerId: number): Promise<boolean> {
    const before = this.active
    // A flush that failed after its roll comes back as a new one, and its segment exists already.
    if (before.baseOffset === flush.baseOffset) return false
    assert(before.nextOffset === flush.baseOffset, 'a segment begins where the one before ends')
    try {
      await this.save(flush.baseOffset, flush.roll!, largestProducerId)
      const segment = new Segment(this.#folder, flush.baseOffset, this.#context)
      await segment.create()
      await this.#disk.syncDirectory(this.#folder)
      // As it is now: it may have been configured meanwhile.
      segment.indexIntervalBytes = before.indexIntervalBytes
      this.all.push(segment)
      await before.retire()
    } catch (error) {
      throw diskError(error, `beginning a new segment in ${this.#folder}`)
    }
    return true
  }

  /**
   * Saves files that make the next start quick, unless they are saved already: the indexes of the active
   * segment, and the producers as of its end.
   */
  async save(
    endOffset: number,
    producers: readonly ProducerEntry[],
    largestProducerId: number,
  ): Promise<void> {
    await this.active.saveIndexes(largestProducerId)
    if (this.#snapshotOffset === endOffset) return
    await replaceFile(this.#disk, this.#folder, segmentFile(endOffset, 'snapshot'), encodeSnapshot(producers))
    const before = this.#snapshotOffset
    this.#snapshotOffset = endOffset
    // One of a clean stop, in the middle of a segment.
    if (!this.all.some(({ baseOffset }) => baseOffset === before))
      await removeIfThere(this.#disk, `${this.#folder}/${segmentFile(before, 'snapshot')}`)
  }

  /** What was saved of the partition; undefined: not everything was. */
  stopped(
    {
      config,
      logStartOffset,
      cleaner,
      epochs,
    }: Pick<StoppedPartition, 'config' | 'logStartOffset' | 'cleaner' | 'epochs'>,
    producers: ProducerState,
  ): StoppedPartition | undefined {
    const segments: StoppedSegment[] = []
    for (const { baseOffset, savedDigest: digest, aborted } of this.all)
      if (digest) segments.push({ baseOffset, digest, aborted })
    if (segments.length < this.all.length) return undefined
    return {
      config,
      logStartOffset,
      segments,
      producers: [...producers.entries()],
      largestProducerId: producers.largestId,
      snapshotOffset: this.#snapshotOffset,
      cleaner,
      epochs,
    }
  }

  /** Saves indexes of older segments whose files had changed. */
  async repairIndexes(): Promise<void> {
    for (const segment of this.all) if (segment !== this.active) await segment.repairIndexes()
  }

  /**
   * See `Segment.newestMs`; undefined: the segment is gone. What it saves must not come between the steps of
   * a replacement: an old digest would seal the new file.
   */
  newestMs(segment: Segment, now: number): Promise<number | undefined> {
    return this.#changes.run(async () => (this.all.includes(segment) ? segment.newestMs(now) : undefined))
  }

  /** Takes the oldest segments off the list; their files still exist. */
  take(count: number): Segment[] {
    assert(count < this.all.length, 'the active segment stays')
    return this.all.splice(0, count)
  }

  /** Reads segments of {@link all}: their files stay in their places meanwhile. */
  reading<T>(read: () => Promise<T>): Promise<T> {
    return this.#gate.read(read)
  }

  /**
   * Puts a cleaned segment, which is durable, in the place of others, which follow each other. False: one of
   * them is gone meanwhile, and nothing has happened.
   *
   * `announce` makes it durable that these segments may have gaps, and that the others are left over once the
   * file of the first one ends where the cleaned one does. So a crash at any point leaves either all of the
   * old segments, or the cleaned one; recovery tells which, and removes the rest.
   */
  async replace(
    replaced: readonly Segment[],
    cleaned: CleanedSegment,
    largestProducerId: number,
    announce: () => Promise<void>,
  ): Promise<boolean> {
    const { segment } = cleaned
    const holdsAll = (): boolean => {
      const at = this.all.indexOf(replaced[0]!)
      return at !== -1 && replaced.every((each, n) => this.all[at + n] === each)
    }
    return this.#changes.run(async () => {
      if (!holdsAll()) return false
      // The old digest must not seal the new file. The announcement makes its removal durable.
      await removeIfThere(this.#disk, `${this.#folder}/${segmentFile(segment.baseOffset, 'digest')}`)
      await announce()
      try {
        const isReplaced = await this.#gate.exclusively(async () => {
          if (!holdsAll()) return false
          this.all.splice(this.all.indexOf(replaced[0]!), replaced.length, segment)
          for (const each of replaced) await each.leave()
          await this.#disk.rename(cleaned.path, segment.path)
          return true
        })
        if (!isReplaced) return false
        await this.#disk.syncDirectory(this.#folder)
      } catch (error) {
        throw diskFailed(error, `replacing ${segment.path}`)
      }
      for (const leftOver of replaced.slice(1)) await leftOver.remove()
      await segment.saveIndexes(largestProducerId)
      await this.#disk.syncDirectory(this.#folder)
      await segment.retire()
      return true
    })
  }

  /**
   * Removes the files of segments that were taken off. `saveStart` makes the new start durable before the
   * first file goes: a crash in between leaves files below the start, which the next start removes, in
   * whatever order the names went.
   */
  async remove(segments: readonly Segment[], saveStart: () => Promise<void>): Promise<void> {
    try {
      await this.#changes.run(async () => {
        await saveStart()
        for (const segment of segments) await segment.remove()
        await this.#disk.syncDirectory(this.#folder)
      })
    } catch (error) {
      throw diskError(error, `removing old segments of ${this.#folder}`)
    }
  }

  /** Resolves when no removal or replacement is in progress. */
  async idle(): Promise<void> {
    await this.#changes.idle()
  }

  /** Closes the files. */
  async release(): Promise<void> {
    for (const segment of this.all) await segment.leave()
  }
}
