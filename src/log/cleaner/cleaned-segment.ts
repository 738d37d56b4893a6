/**
 * A segment that the cleaner writes, in a `.cleaned` file beside the segments whose place it will take. It
 * becomes part of the log only when it is whole and synced.
 */
import type { DiskFile } from '../../base/index.ts'
import { RecordBatch } from '../../wire/index.ts'
import type { AbortedTransaction } from '../segment/abort-index.ts'
import { diskFull } from '../files/disk-errors.ts'
import { cleanedSuffix } from '../files/file-names.ts'
import { removeIfThere } from '../files/small-file.ts'
import { indexedTimestamp } from '../segment/segment-indexes.ts'
import { Segment, type SegmentContext } from '../segment/segment.ts'

/** Buffers of one write: the kernel's limit (IOV_MAX). */
const buffersMax = 1024

export class CleanedSegment {
  readonly segment: Segment
  readonly path: string
  readonly #context: SegmentContext
  readonly #file: DiskFile
  /** By the offset of the marker. */
  readonly #aborted: ReadonlyMap<number, AbortedTransaction>
  #pending: Buffer[] = []
  #written = 0

  private constructor(
    segment: Segment,
    context: SegmentContext,
    file: DiskFile,
    aborted: ReadonlyMap<number, AbortedTransaction>,
  ) {
    this.segment = segment
    this.path = `${segment.path}${cleanedSuffix}`
    this.#context = context
    this.#file = file
    this.#aborted = aborted
  }

  /** For the place of these segments. */
  static async create(replaced: readonly Segment[], context: SegmentContext): Promise<CleanedSegment> {
    const [first] = replaced
    const segment = new Segment(first!.folder, first!.baseOffset, context)
    segment.hasGaps = true
    segment.indexIntervalBytes = first!.indexIntervalBytes
    // For retention it is as old as what it replaces.
    segment.firstAppendMs = first!.firstAppendMs
    for (const { lastAppendMs = -1 } of replaced)
      if (lastAppendMs > (segment.lastAppendMs ?? -1)) segment.lastAppendMs = lastAppendMs
    segment.startIndexes()
    const file = await context.disk.open(`${segment.path}${cleanedSuffix}`, 'create')
    const aborted = replaced.flatMap(each => each.aborted.map(entry => [entry.lastOffset, entry] as const))
    return new CleanedSegment(segment, context, file, new Map(aborted))
  }

  /** Adds a batch. Its bytes are held until the next {@link flush}. */
  add(bytes: Uint8Array): void {
    const batch = new RecordBatch(bytes)
    this.segment.index(batch.lastOffset, indexedTimestamp(batch), bytes.length)
    const aborted = batch.isControl && batch.count > 0 ? this.#aborted.get(batch.baseOffset) : undefined
    if (aborted) this.segment.aborted.push(aborted)
    const last = this.#pending.at(-1)
    if (last && last.buffer === bytes.buffer && last.byteOffset + last.length === bytes.byteOffset) {
      const joined = Buffer.from(last.buffer, last.byteOffset, last.length + bytes.length)
      this.#pending[this.#pending.length - 1] = joined
    } else this.#pending.push(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length))
  }

  async flush(): Promise<void> {
    const buffers = this.#pending
    this.#pending = []
    for (let n = 0; n < buffers.length; n += buffersMax) {
      const some = buffers.slice(n, n + buffersMax)
      const bytes = some.reduce((sum, each) => sum + each.length, 0)
      if ((await this.#file.write(some, this.#written)) < bytes) throw diskFull(`writing ${this.path}`)
      this.#written += bytes
    }
  }

  /** Everything is written: makes it durable. */
  async finish(): Promise<void> {
    await this.#file.sync()
    await this.#file.close()
  }

  /** Removes the file, which is not needed. */
  async discard(): Promise<void> {
    await this.#file.close().catch(() => undefined)
    await removeIfThere(this.#context.disk, this.path)
  }
}
