/**
 * Recovery of a partition: from files to a log that can be appended to.
 *
 * After a **clean** stop the files are what they were. The end of the active segment is looked at from its last index entry on, and
 * producer state comes from the snapshot at the end.
 *
 * After any other end the **recovery point** decides, an offset that the checkpoint file knows to be synced:
 *
 * ```
 *   segment 0    │ segment 1      │ segment 2
 *   ─────────────┼───────▲────────┼───────╳───  ╳ first bad batch
 *   trusted      │       recovery point   └──── copied aside, then cut off
 *                └ from here on every batch is checked, indexes are rebuilt
 * ```
 * - At or above it, the log ends before the first batch that is torn, damaged or out of sequence: what follows was never acknowledged.
 *   It is kept aside in `*.cut-<offset>` files all the same, and later segments with it.
 * - Below it, a bad batch or a missing end is damage to what was acknowledged. The partition refuses (PARTITION_DAMAGED) until
 *   someone decides for a repair, which cuts there, and keeps aside as well.
 *
 * What is recovered is written once more, and synced, before anyone reads it: where a sync has failed and only the process was ended, the
 * system holds pages for clean that never reached the disk, and no sync writes these (Rebello et al., "Can Applications Recover from fsync
 * Failures?", USENIX ATC 2020). The recovery point knows only of syncs that succeeded, so what is below it need not be written. Indexes and snapshots above the recovery point are derived data and made anew.
 */
import { assert, type Clock, type MillraceError } from '../base/index.ts'
import type { RecordBatch } from '../wire/index.ts'
import { parseAborted, type AbortedTransaction } from './abort-index.ts'
import { partitionDamaged } from './damage.ts'
import { parseSegmentFile, segmentFile, type SegmentExtension } from './file-names.ts'
import { asideName, copyAside, copyBytes } from './kept-aside.ts'
import { ProducerReplay } from './producer-replay.ts'
import { ProducerState } from './producer-state.ts'
import { Segment, type SegmentContext } from './segment.ts'
import { scanSegment, type ScanEnd } from './segment-scan.ts'
import { readFile, removeIfThere } from './small-file.ts'

/** What recovery needs of its directory. */
export interface RecoveryContext extends SegmentContext {
  readonly clock: Clock
}

/** A partition as recovery found it. */
export interface RecoveredLog {
  /** The last one is active. */
  readonly segments: Segment[]
  readonly producers: ProducerState
  readonly logStartOffset: number
}

/** What recovery found, and did, in one partition. */
export interface PartitionRecovery {
  readonly topic: string
  readonly index: number
  readonly logStartOffset: number
  readonly logEndOffset: number
  /** What was cut off, if anything: from which offset on, why, how much, and the files in which it was kept aside. */
  readonly cut:
    | {
        readonly offset: number
        readonly reason: string
        readonly bytes: number
        readonly keptAside: readonly string[]
      }
    | undefined
  /** Why the partition refuses; undefined when it does not. */
  readonly damage: MillraceError | undefined
}

export interface RecoveryInput {
  readonly topic: string
  readonly index: number
  readonly folder: string
  /** The last stop was clean. */
  readonly clean: boolean
  /** What is known to be synced. */
  readonly recoveryPoint: number
  /** What the log was made to start at: files below are left-overs. Undefined where that was never written down. */
  readonly logStartOffset: number | undefined
  /** Cut damage off wherever it is. */
  readonly repair: boolean
}

interface Found {
  readonly segment: Segment
  readonly sizeBytes: number
  rebuild: boolean
}

/** A reason to refuse. */
class Damage extends Error {}

export async function recoverPartition(
  context: RecoveryContext,
  input: RecoveryInput,
): Promise<{ readonly log: RecoveredLog; readonly report: PartitionRecovery }> {
  const names = await context.disk.list(input.folder)
  const recovery = new Recovery(context, input, names)
  try {
    return await recovery.run()
  } catch (error) {
    if (!(error instanceof Damage)) throw error
    const { topic, index, folder, recoveryPoint } = input
    const damage = partitionDamaged(
      input,
      `${folder} is damaged below offset ${recoveryPoint}, up to which it was safe on the disk: ${error.message}`,
      error,
    )
    // Start and end as they were written down, and are written down again: what a repair can still find must not count as dropped.
    const logStartOffset = input.logStartOffset ?? 0
    const end = Math.max(recoveryPoint, logStartOffset)
    const placeholder = new Segment(folder, end, context)
    placeholder.startIndexes()
    return {
      log: { segments: [placeholder], producers: new ProducerState(), logStartOffset },
      report: { topic, index, logStartOffset, logEndOffset: end, cut: undefined, damage },
    }
  }
}

class Recovery {
  readonly #context: RecoveryContext
  readonly #input: RecoveryInput
  readonly #names: readonly string[]
  readonly #producers: ProducerReplay
  #cut: PartitionRecovery['cut']

  /** `names`: those in the folder. */
  constructor(context: RecoveryContext, input: RecoveryInput, names: readonly string[]) {
    this.#context = context
    this.#input = input
    this.#names = names
    this.#producers = new ProducerReplay(context.disk, context.clock, input.folder, names)
  }

  async run(): Promise<{ log: RecoveredLog; report: PartitionRecovery }> {
    const { topic, index, recoveryPoint } = this.#input
    const found = await this.#findSegments()
    if (found.length === 0) found.push(await this.#firstSegment())
    const segments = await this.#recoverSegments(found)
    const active = segments.at(-1)!
    if (active.nextOffset < recoveryPoint && !this.#input.repair)
      throw new Damage(`it ends at offset ${active.nextOffset}`)
    if (!this.#context.readOnly) {
      const offsets = segments.map(({ baseOffset }) => baseOffset)
      await this.#producers.tidy(offsets, active.nextOffset)
    }
    const firstOffset = segments[0]!.baseOffset
    const logStartOffset = Math.min(
      Math.max(this.#input.logStartOffset ?? firstOffset, firstOffset),
      active.nextOffset,
    )
    return {
      log: { segments, producers: this.#producers.state, logStartOffset },
      report: {
        topic,
        index,
        logStartOffset,
        logEndOffset: active.nextOffset,
        cut: this.#cut,
        damage: undefined,
      },
    }
  }

  /** The segments in order, those below the log's start removed. */
  async #findSegments(): Promise<Found[]> {
    const { disk, files } = this.#context
    const { folder, repair } = this.#input
    const logStartOffset = this.#input.logStartOffset ?? 0
    const offsets = this.#names
      .map(parseSegmentFile)
      .filter(parsed => parsed?.extension === 'log')
      .map(parsed => parsed!.offset)
    const found: Found[] = []
    for (const [n, offset] of offsets.entries()) {
      const segment = new Segment(folder, offset, this.#context)
      const next = offsets[n + 1]
      if (next !== undefined && next <= logStartOffset) {
        // Its removal was under way.
        if (!this.#context.readOnly) await segment.remove()
        continue
      }
      const sizeBytes = await files.use(segment.path, 'read', file => file.size())
      found.push({ segment, sizeBytes, rebuild: false })
    }
    if (this.#context.readOnly) return found
    const firstOffset = found[0]?.segment.baseOffset ?? 0
    if (this.#input.logStartOffset !== undefined && firstOffset > logStartOffset && !repair)
      throw new Damage(`its files begin at offset ${firstOffset}, not at ${logStartOffset}`)
    for (const name of this.#names) if (name.endsWith('.tmp')) await removeIfThere(disk, `${folder}/${name}`)
    return found
  }

  /** A partition that was made and not written to. */
  async #firstSegment(): Promise<Found> {
    const { folder, recoveryPoint, logStartOffset = 0, repair } = this.#input
    if (recoveryPoint > logStartOffset && !repair) throw new Damage('its log files are gone')
    const segment = new Segment(folder, logStartOffset, this.#context)
    segment.startIndexes()
    if (!this.#context.readOnly) {
      await segment.create()
      await this.#context.disk.syncDirectory(folder)
    }
    return { segment, sizeBytes: 0, rebuild: false }
  }

  async #recoverSegments(found: Found[]): Promise<Segment[]> {
    const { clean, repair, recoveryPoint } = this.#input
    const active = found.at(-1)!
    for (const [n, each] of found.entries()) {
      const next = found[n + 1]
      const trusted = clean || (next !== undefined && next.segment.baseOffset <= recoveryPoint)
      each.rebuild = repair || !trusted
      if (!each.rebuild && next) each.rebuild = !(await this.#trust(each, next.segment.baseOffset))
    }
    if (!active.rebuild) await this.#resume(active)
    const firstRebuilt = found.find(({ rebuild }) => rebuild)
    await this.#producers.begin(firstRebuilt?.segment.baseOffset ?? active.segment.nextOffset)

    let expected = found[0]!.segment.baseOffset
    for (const [n, each] of found.entries()) {
      const { segment } = each
      const isContinued = this.#context.readOnly || segment.baseOffset === expected
      if (!isContinued) {
        await this.#endAt(found, n - 1, {
          position: found[n - 1]!.segment.sizeBytes,
          offset: expected,
          problem: `the next segment begins at offset ${segment.baseOffset}`,
        })
        return found.slice(0, n).map(kept => kept.segment)
      }
      const end = await this.#scan(each, n === found.length - 1)
      expected = segment.nextOffset
      if (end?.problem !== undefined) {
        await this.#endAt(found, n, end)
        return found.slice(0, n + 1).map(kept => kept.segment)
      }
    }
    return found.map(({ segment }) => segment)
  }

  /**
   * Whether a segment that is not active, and was synced as a whole, has an index and an end that make sense. Its offset index is written
   * last ({@link Segment.saveIndexes}), so one that is there speaks for the others.
   */
  async #trust({ segment, sizeBytes }: Found, endOffset: number): Promise<boolean> {
    if (!(await this.#context.disk.exists(this.#path('index', segment.baseOffset)))) return false
    const aborted = await this.#aborted(segment.baseOffset)
    if (!aborted) return false
    segment.aborted = aborted
    segment.sizeBytes = sizeBytes
    segment.nextOffset = endOffset
    if (this.#input.clean) return true
    const position = await segment.resumeIndexes()
    if (position >= sizeBytes) return false
    const end = await this.#context.files.use(segment.path, 'read', file =>
      scanSegment(
        file,
        sizeBytes,
        { position, offset: segment.baseOffset },
        { gapless: false },
        () => undefined,
      ),
    )
    await segment.retire()
    return end.problem === undefined && end.offset === endOffset
  }

  /** A segment that is appended to from now on, and whose indexes were saved: goes on from these. */
  async #resume({ segment, sizeBytes }: Found): Promise<void> {
    const aborted = await this.#aborted(segment.baseOffset)
    const position = await segment.resumeIndexes()
    if (!aborted || position > sizeBytes) throw new Damage('its index does not belong to its log')
    segment.aborted = aborted
    segment.sizeBytes = position
    segment.nextOffset = segment.baseOffset
    const end = await this.#context.files.use(segment.path, 'read', file =>
      scanSegment(file, sizeBytes, { position, offset: segment.baseOffset }, { gapless: false }, batch =>
        indexBatch(segment, batch),
      ),
    )
    // What Kafka did not stop cleanly is read as far as it goes.
    if (end.problem !== undefined && !this.#context.readOnly)
      throw new Damage(`${end.problem}, at byte ${end.position} of ${segment.path}`)
  }

  /** Rebuilds the indexes of a segment, or replays it into the producer state, whichever it needs. */
  async #scan(found: Found, isActive: boolean): Promise<ScanEnd | undefined> {
    const { segment, sizeBytes, rebuild } = found
    const { disk, files, readOnly } = this.#context
    if (!rebuild) {
      if (segment.nextOffset <= this.#producers.fromOffset) return undefined
      const from = { position: 0, offset: segment.baseOffset }
      return await files.use(segment.path, 'read', file =>
        scanSegment(file, segment.sizeBytes, from, { gapless: !readOnly }, batch =>
          this.#producers.replay(batch),
        ),
      )
    }
    if (!readOnly && segment.baseOffset > this.#producers.fromOffset)
      await this.#producers.save(segment.baseOffset)
    segment.startIndexes()
    segment.sizeBytes = 0
    segment.nextOffset = segment.baseOffset
    segment.aborted = []
    /** Up to this position the recovery point knows of a sync that succeeded. */
    let vouchedFor = 0
    const end = await files.use(segment.path, readOnly ? 'read' : 'write', async file => {
      const scanned = await scanSegment(
        file,
        sizeBytes,
        { position: 0, offset: segment.baseOffset },
        { gapless: !readOnly },
        (batch, position) => {
          indexBatch(segment, batch)
          const aborted = this.#producers.replay(batch)
          if (aborted) segment.aborted.push(aborted)
          if (batch.nextOffset <= this.#input.recoveryPoint) vouchedFor = position + batch.sizeBytes
        },
      )
      if (readOnly) return scanned
      await copyBytes(file, vouchedFor, scanned.position, file, vouchedFor, `writing ${segment.path} anew`)
      await file.sync()
      return scanned
    })
    if (readOnly) return end
    // First, and durably, the one that says that the others are to be trusted.
    await removeIfThere(disk, this.#path('index', segment.baseOffset))
    await disk.syncDirectory(segment.folder)
    for (const extension of ['timeindex', 'txnindex'] as const)
      await removeIfThere(disk, this.#path(extension, segment.baseOffset))
    if (!isActive && end.problem === undefined) {
      await segment.saveIndexes()
      await disk.syncDirectory(segment.folder)
      await segment.retire()
    }
    return end
  }

  /** The log ends within, or right after, the segment `n`. What is behind goes aside. */
  async #endAt(found: readonly Found[], n: number, end: ScanEnd): Promise<void> {
    const { segment, sizeBytes } = found[n]!
    const { disk, files, readOnly } = this.#context
    const reason = `${end.problem}, at byte ${end.position} of ${segment.path}`
    if (readOnly) return
    if (end.offset < this.#input.recoveryPoint && !this.#input.repair) throw new Damage(reason)
    const keptAside: string[] = []
    let bytes = 0
    // Later segments first: should this be interrupted, the gap is found again.
    for (const later of found.slice(n + 1).toReversed()) {
      const aside = await asideName(disk, later.segment.path, end.offset)
      await files.drop(later.segment.path)
      await disk.rename(later.segment.path, aside)
      await later.segment.remove()
      keptAside.unshift(aside)
      bytes += later.sizeBytes
    }
    if (end.position < sizeBytes) {
      const aside = await asideName(disk, segment.path, end.offset)
      await files.use(segment.path, 'write', async file => {
        await copyAside(disk, file, end.position, sizeBytes, aside)
        await disk.syncDirectory(segment.folder)
        await file.truncate(end.position)
        await file.sync()
      })
      keptAside.unshift(aside)
      bytes += sizeBytes - end.position
    }
    await disk.syncDirectory(segment.folder)
    // It was not active, and is now.
    if (segment.isRetired) await this.#resume({ segment, sizeBytes: end.position, rebuild: false })
    this.#cut = { offset: end.offset, reason, bytes, keptAside }
  }

  /** Undefined where it makes no sense. */
  async #aborted(baseOffset: number): Promise<AbortedTransaction[] | undefined> {
    const bytes = await readFile(this.#context.disk, this.#path('txnindex', baseOffset))
    return bytes ? parseAborted(bytes) : []
  }

  #path(extension: SegmentExtension, offset: number): string {
    return `${this.#input.folder}/${segmentFile(offset, extension)}`
  }
}

function indexBatch(segment: Segment, batch: RecordBatch): void {
  assert(batch.baseOffset >= segment.nextOffset || segment.sizeBytes === 0, 'batches ascend')
  segment.index(batch.lastOffset, batch.isControl ? -1 : batch.maxTimestamp, batch.sizeBytes)
}
