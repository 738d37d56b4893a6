/**
 * Recovery of a partition: from files to a log that can be appended to.
 *
 * A segment is **sealed** when its digest (segment-digest.ts) is whole and names the size that its log file
 * has. It was synced as a whole and is not read; a later read finds damage in it. Every other segment is read
 * from end to end: each batch is checked, and the indexes are made from the log. After a clean stop all
 * segments are sealed, so nothing is read. What recovery has read is sealed by it.
 *
 * The **recovery point**, up to which the log is known to be synced, is the offset in the checkpoint file, or
 * a larger one in a digest:
 *
 * ```
 *   segment 0    │ segment 1      │ segment 2
 *   ─────────────┼───────▲────────┼───────╳───  ╳ first bad batch
 *   sealed       │       recovery point   └──── quarantined, then cut off
 *                └ from here on every batch is checked, indexes are made again
 * ```
 * - At or above it, the log ends before the first batch that is torn, damaged or out of sequence: later bytes
 *   were never acknowledged. They are still kept in `*.cut-<offset>` files, with later segments.
 * - Below it, a bad batch or a missing end is damage to acknowledged records. The partition refuses its calls
 *   (PARTITION_DAMAGED) until a user runs a repair, which cuts there, and keeps the bytes as well.
 * - If the checkpoint file is damaged, the acknowledged end is unknown: then any bad batch is damage.
 *
 * What is recovered is written once more, and synced, before it is read. After a failed sync the system takes
 * pages for clean that never reached the disk, and no later sync writes them (Rebello et al., "Can
 * Applications Recover from fsync Failures?", USENIX ATC 2020). The recovery point counts only successful
 * syncs, so bytes below it need not be written.
 */
import type { Clock, MillraceError } from '../../base/index.ts'
import {
  cutCheckpoint,
  neverCleaned,
  readCleanerCheckpoint,
  writeCleanerCheckpoint,
  type CleanerCheckpoint,
} from '../cleaner/cleaner-checkpoint.ts'
import { cleanedSuffix, parseSegmentFile, partitionConfigName } from '../files/file-names.ts'
import { diskError } from '../files/disk-errors.ts'
import { removeIfThere } from '../files/small-file.ts'
import { ProducerReplay } from '../producers/producer-replay.ts'
import { ProducerState } from '../producers/producer-state.ts'
import type { SegmentDigest } from '../segment/segment-digest.ts'
import { scanSegment, type ScanEnd } from '../segment/segment-scan.ts'
import { Segment, type SegmentContext } from '../segment/segment.ts'
import { cutOff, type Cut } from './cut-off.ts'
import { partitionDamaged } from './damage.ts'
import { endCompactedTransactions } from './ended-transactions.ts'
import { readDigests, seal, type FoundSegment } from './found-segment.ts'
import { removeMerged } from './merged-segments.ts'
import { datedFrom, rebuildSegment, removeDerived } from './rebuild-segment.ts'

/** The parts of the directory that recovery uses. */
export interface RecoveryContext extends SegmentContext {
  readonly clock: Clock
}

/** A partition as recovery found it. */
export interface RecoveredLog {
  /** The last one is active. */
  readonly segments: Segment[]
  readonly producers: ProducerState
  readonly logStartOffset: number
  /** The latest producer snapshot that is whole; without one, 0, where no producer is known. */
  readonly snapshotOffset: number
  /** How far it was compacted. */
  readonly cleaner: CleanerCheckpoint
}

/** The findings and actions of recovery in one partition. */
export interface PartitionRecovery {
  readonly topic: string
  readonly index: number
  readonly logStartOffset: number
  readonly logEndOffset: number
  /** The cut, if any. */
  readonly cut: Cut | undefined
  /** Why the partition refuses; undefined if it works. */
  readonly damage: MillraceError | undefined
}

export interface RecoveryInput {
  readonly topic: string
  readonly index: number
  readonly folder: string
  /** The synced end by the checkpoint. Undefined if the checkpoint cannot be read. */
  readonly recoveryPoint: number | undefined
  /** The log's start by the checkpoint. Undefined if it was never written, or cannot be read. */
  readonly logStartOffset: number | undefined
  /** The start is proved: files below it are leftovers. An unproved start removes nothing. */
  readonly startIsProved: boolean
  /** Cut damage off wherever it is. */
  readonly repair: boolean
  /**
   * Called between bounded pieces of work. What it throws ends the recovery, as a crash would: the next one
   * starts over.
   */
  readonly pause?: (() => Promise<void>) | undefined
}

/** A reason to refuse. */
class Damage extends Error {
  /** The end up to which the log must hold its records. */
  readonly endOffset: number

  constructor(message: string, endOffset: number) {
    super(message)
    this.endOffset = endOffset
  }
}

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
    const { topic, index, folder } = input
    const { endOffset } = error
    const damage = partitionDamaged(
      input,
      `${folder} is damaged below offset ${endOffset}, up to which it was safe on the disk: ${error.message}`,
      error,
    )
    // Start and end from the checkpoints, which are written again: records that a repair can still find must
    // not count as dropped.
    const logStartOffset = input.logStartOffset ?? 0
    const end = Math.max(endOffset, logStartOffset)
    const placeholder = new Segment(folder, end, context)
    placeholder.startIndexes()
    return {
      log: {
        segments: [placeholder],
        producers: await recovery.knownIds(),
        logStartOffset,
        snapshotOffset: 0,
        cleaner: neverCleaned,
      },
      report: { topic, index, logStartOffset, logEndOffset: end, cut: undefined, damage },
    }
  }
}

/** A file that was listed is missing: the process that owns the log has removed it meanwhile. */
function fileGone(path: string): Error {
  return Object.assign(new Error(`ENOENT: ${path} was removed.`), { code: 'ENOENT' })
}

class Recovery {
  readonly #context: RecoveryContext
  readonly #input: RecoveryInput
  readonly #names: readonly string[]
  readonly #producers: ProducerReplay
  #cut: Cut | undefined
  /** The log is known to be synced up to here. */
  #recoveryPoint: number
  readonly #largestIds: number[] = []
  #digests: ReadonlyMap<number, SegmentDigest> = new Map()
  #cleaner: CleanerCheckpoint = neverCleaned

  /** `names`: those in the folder. */
  constructor(context: RecoveryContext, input: RecoveryInput, names: readonly string[]) {
    this.#context = context
    this.#input = input
    this.#names = names
    this.#recoveryPoint = input.recoveryPoint ?? 0
    this.#producers = new ProducerReplay(context.disk, context.clock, input.folder, names)
  }

  async run(): Promise<{ log: RecoveredLog; report: PartitionRecovery }> {
    const { topic, index, repair, startIsProved, pause } = this.#input
    await this.#readDigests()
    this.#cleaner = await readCleanerCheckpoint(this.#context.disk, this.#input.folder)
    const found = await this.#findSegments()
    if (found.length === 0) found.push(await this.#firstSegment())
    const segments = await this.#recoverSegments(found)
    const active = segments.at(-1)!
    if (active.nextOffset < this.#recoveryPoint && !repair)
      throw new Damage(`it ends at offset ${active.nextOffset}`, this.#recoveryPoint)
    const { state } = this.#producers
    await endCompactedTransactions(this.#context, segments, state, this.#cleaner.gapsBelow, pause)
    if (!this.#context.readOnly) {
      // A roll that failed or was interrupted may have made this file, but not its name, durable.
      if (active.sizeBytes === 0) await this.#context.disk.syncDirectory(this.#input.folder)
      const offsets = segments.map(({ baseOffset }) => baseOffset)
      await this.#producers.tidy(offsets, active.nextOffset)
      await this.#removeOrphans(new Set(offsets))
      await this.#cutCleaner(active.nextOffset)
    }
    for (const id of [...this.#largestIds, this.#producers.largestId]) state.sawId(id)
    const firstOffset = segments[0]!.baseOffset
    const statedStart = startIsProved ? (this.#input.logStartOffset ?? firstOffset) : firstOffset
    const logStartOffset = Math.min(Math.max(statedStart, firstOffset), active.nextOffset)
    return {
      log: {
        segments,
        producers: state,
        logStartOffset,
        snapshotOffset: this.#producers.fromOffset,
        cleaner: this.#cleaner,
      },
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

  /** For a partition that refuses: only the largest producer id, as far as it can be read. */
  async knownIds(): Promise<ProducerState> {
    await this.#producers.begin(Number.POSITIVE_INFINITY)
    const known = new ProducerState()
    for (const id of [...this.#largestIds, this.#producers.largestId]) known.sawId(id)
    return known
  }

  async #readDigests(): Promise<void> {
    this.#digests = await readDigests(this.#context.disk, this.#input.folder, this.#names)
    for (const digest of this.#digests.values()) {
      this.#largestIds.push(digest.largestProducerId)
      this.#recoveryPoint = Math.max(this.#recoveryPoint, digest.nextOffset)
    }
  }

  /** Removes files derived from segments that are gone: they must not count for new ones of that offset. */
  async #removeOrphans(segments: ReadonlySet<number>): Promise<void> {
    const orphans = [...this.#digests.keys()].filter(offset => !segments.has(offset))
    for (const offset of orphans) await new Segment(this.#input.folder, offset, this.#context).remove()
    if (orphans.length > 0) await this.#context.disk.syncDirectory(this.#input.folder)
  }

  /** The segments in order, those below the log's start removed. */
  async #findSegments(): Promise<FoundSegment[]> {
    const { disk } = this.#context
    const { folder, repair, startIsProved } = this.#input
    const logStartOffset = this.#input.logStartOffset ?? 0
    const offsets = this.#names
      .map(parseSegmentFile)
      .filter(parsed => parsed?.extension === 'log')
      .map(parsed => parsed!.offset)
    const found: FoundSegment[] = []
    for (const offset of offsets) {
      const segment = new Segment(folder, offset, this.#context)
      const stat = await disk.stat(segment.path)
      if (!stat) throw fileGone(segment.path)
      found.push({ segment, sizeBytes: stat.size, digest: this.#digests.get(offset), rebuild: false })
    }
    // First: a file that was left over does not say where the segment that took its place ends.
    await removeMerged(this.#context, found, this.#cleaner.merged)
    if (startIsProved) await this.#removeBelow(found, logStartOffset)
    for (const { segment } of found) segment.hasGaps = segment.baseOffset < this.#cleaner.gapsBelow
    if (this.#context.readOnly) return found
    const firstOffset = found[0]?.segment.baseOffset ?? 0
    if (this.#input.logStartOffset !== undefined && firstOffset > logStartOffset && !repair)
      throw new Damage(
        `its files begin at offset ${firstOffset}, not at ${logStartOffset}`,
        Math.max(this.#recoveryPoint, firstOffset),
      )
    // The topic's configuration may be written beside this recovery; a file that is left of that is replaced.
    const written = `${partitionConfigName}.tmp`
    for (const name of this.#names)
      if ((name.endsWith('.tmp') && name !== written) || name.endsWith(cleanedSuffix))
        await removeIfThere(disk, `${folder}/${name}`)
    return found
  }

  /** Removes the segments that lie wholly below the start of the log: their removal was in progress. */
  async #removeBelow(found: FoundSegment[], logStartOffset: number): Promise<void> {
    const kept = found.findIndex(
      (_, n) => !(found[n + 1] && found[n + 1]!.segment.baseOffset <= logStartOffset),
    )
    for (const { segment } of found.splice(0, kept)) if (!this.#context.readOnly) await segment.remove()
  }

  /** The log was cut, or its checkpoint is damaged: offsets from the end on are not compacted. */
  async #cutCleaner(endOffset: number): Promise<void> {
    const cut = cutCheckpoint(this.#cleaner, endOffset)
    if (cut === this.#cleaner) return
    await writeCleanerCheckpoint(this.#context.disk, this.#input.folder, cut)
    this.#cleaner = cut
  }

  /** A partition that was created and never written to. */
  async #firstSegment(): Promise<FoundSegment> {
    const { folder, logStartOffset = 0, repair } = this.#input
    if (this.#recoveryPoint > logStartOffset && !repair)
      throw new Damage('its log files are gone', this.#recoveryPoint)
    const segment = new Segment(folder, logStartOffset, this.#context)
    segment.startIndexes()
    if (!this.#context.readOnly) {
      await segment.create()
      await this.#context.disk.syncDirectory(folder)
    }
    return { segment, sizeBytes: 0, digest: undefined, rebuild: false }
  }

  async #recoverSegments(found: FoundSegment[]): Promise<Segment[]> {
    for (const each of found) each.rebuild = this.#input.repair || !(await seal(this.#context.disk, each))
    const firstRebuilt = found.find(({ rebuild }) => rebuild)
    await this.#producers.begin(firstRebuilt?.segment.baseOffset ?? found.at(-1)!.segment.nextOffset)

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

  /** Makes the indexes of a segment again, or replays it into the producer state, as needed. */
  async #scan(found: FoundSegment, isActive: boolean): Promise<ScanEnd | undefined> {
    const { segment, rebuild } = found
    const { files, readOnly } = this.#context
    const { pause } = this.#input
    // Also where nothing is read: retention may take the segments before, and what they say of producers.
    if (!readOnly && segment.baseOffset > this.#producers.fromOffset)
      await this.#producers.save(segment.baseOffset)
    if (!rebuild) {
      if (segment.nextOffset <= this.#producers.fromOffset) return undefined
      await pause?.()
      const from = { position: 0, offset: segment.baseOffset }
      const gapless = !readOnly && !segment.hasGaps
      return await files.use(segment.path, 'read', file =>
        scanSegment(file, segment.sizeBytes, from, { gapless, pause }, batch =>
          this.#producers.replay(batch),
        ),
      )
    }
    await pause?.()
    const end = await rebuildSegment(this.#context, found, this.#producers, {
      recoveryPoint: this.#recoveryPoint,
      pause,
    })
    if (readOnly) return end
    datedFrom(found.digest, segment, this.#context.clock.now())
    if (end.problem === undefined) await this.#saveRebuilt(segment, isActive)
    return end
  }

  /** Also of the active one, or each crash would take its times. There need not be room: it is read again. */
  async #saveRebuilt(segment: Segment, isActive: boolean): Promise<void> {
    try {
      if (segment.sizeBytes > 0)
        await segment.saveIndexes(Math.max(...this.#largestIds, this.#producers.largestId))
      await this.#context.disk.syncDirectory(segment.folder)
    } catch (error) {
      if (!isActive || diskError(error, segment.path).code !== 'DISK_FULL') throw error
      await removeDerived(this.#context, segment)
    }
    if (!isActive) await segment.retire()
  }

  /** The log ends within, or right after, the segment `n`. Later bytes are quarantined. */
  async #endAt(found: readonly FoundSegment[], n: number, end: ScanEnd): Promise<void> {
    const last = found[n]!
    const reason = `${end.problem}, at byte ${end.position} of ${last.segment.path}`
    const { repair, recoveryPoint } = this.#input
    if ((end.offset < this.#recoveryPoint || recoveryPoint === undefined) && !repair)
      throw new Damage(reason, Math.max(this.#recoveryPoint, end.offset + 1))
    if (this.#context.readOnly) return
    this.#cut = await cutOff(this.#context, last, found.slice(n + 1), end, reason)
    // It is the active one now.
    await last.segment.loadIndexes()
    await this.#saveRebuilt(last.segment, true)
  }
}
