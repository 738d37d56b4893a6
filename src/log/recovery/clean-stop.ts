/**
 * What a clean stop leaves for the next start (`clean-stop`): all that the log knows of each partition, so
 * that the next start opens thousands of them without reading their files.
 *
 * ```
 * {"format":1}
 * {"name":"flights-0","config":{…},"logStartOffset":0,"segments":[…],"producers":[…],…}    one line a partition
 * check 1c291ca3
 * ```
 * The clean marker holds the checksum of the file. So the file counts only for the stop that wrote it, and
 * only once. A partition is **restored** from its line if `Disk.stat` proves that nothing has changed in its
 * folder, its configuration and its log files since. In any other case, and if the line is missing, it is
 * recovered as after any stop (recovery.ts).
 */
import { crc32c, fromUtf8, utf8, type Clock, type Disk } from '../../base/index.ts'
import { neverCleaned, type CleanerCheckpoint } from '../cleaner/cleaner-checkpoint.ts'
import { partitionConfigName, segmentFile } from '../files/file-names.ts'
import type { EpochStart } from '../epochs/leader-epochs.ts'
import type { PartitionConfig } from '../files/partition-config.ts'
import { seenAsOf } from '../producers/producer-snapshot.ts'
import { ProducerState, type ProducerEntry } from '../producers/producer-state.ts'
import type { AbortedTransaction } from '../segment/abort-index.ts'
import type { SegmentDigest } from '../segment/segment-digest.ts'
import { Segment, type SegmentContext } from '../segment/segment.ts'
import type { RecoveredLog } from './recovery.ts'

/** Raised when an older reader would misread a line. Files of other formats count as missing. */
const format = 1
/** Of text a partition. One with more, such as thousands of producers, is recovered at the next start. */
const lineMax = 16 << 10
/** Of text in all: partitions past it are recovered. */
const textMax = 64 << 20

export interface StoppedSegment {
  readonly baseOffset: number
  readonly digest: SegmentDigest
  readonly aborted: readonly AbortedTransaction[]
}

/** A partition as its last process left it. */
export interface StoppedPartition {
  readonly config: PartitionConfig
  readonly logStartOffset: number
  /** The last one is active. */
  readonly segments: readonly StoppedSegment[]
  readonly producers: readonly ProducerEntry[]
  readonly largestProducerId: number
  readonly snapshotOffset: number
  /** How far it was compacted; missing where it never was. */
  readonly cleaner?: CleanerCheckpoint | undefined
  readonly epochs: readonly EpochStart[]
}

/** … and the proof that its files are those that it left. */
export interface StoppedFiles extends StoppedPartition {
  /** `DiskStat.version` of its folder, its configuration and its log files. */
  readonly versions: readonly string[]
}

export type CleanStop = ReadonlyMap<string, StoppedFiles>

/** The file's content. */
export function encodeCleanStop(partitions: CleanStop): Uint8Array {
  let text = `${JSON.stringify({ format })}\n`
  for (const [name, stopped] of partitions) {
    const line = `${JSON.stringify({ name, ...stopped })}\n`
    if (line.length <= lineMax && text.length + line.length <= textMax) text += line
  }
  return fromUtf8(text)
}

/** The checksum that the clean marker holds. */
export function checksumOf(bytes: Uint8Array): string {
  return crc32c(bytes).toString(16).padStart(8, '0')
}

/** Empty where the file is missing, is of another stop, or of another format. */
export function parseCleanStop(bytes: Uint8Array | undefined, checksum: string | undefined): CleanStop {
  if (!bytes || checksumOf(bytes) !== checksum) return new Map()
  const [head, ...lines] = utf8(bytes).trimEnd().split('\n')
  if (head !== JSON.stringify({ format })) return new Map()
  return new Map(
    lines.map(line => {
      const { name, ...stopped } = JSON.parse(line) as StoppedFiles & { readonly name: string }
      return [name, stopped]
    }),
  )
}

/** The versions of a partition's files; undefined where one is missing. */
export async function versionsOf(
  disk: Disk,
  folder: string,
  segments: readonly { readonly baseOffset: number }[],
): Promise<readonly string[] | undefined> {
  const logs = segments.map(({ baseOffset }) => `${folder}/${segmentFile(baseOffset, 'log')}`)
  const paths = [folder, `${folder}/${partitionConfigName}`, ...logs]
  const versions: string[] = []
  for (const path of paths) {
    const stat = await disk.stat(path)
    if (!stat) return undefined
    versions.push(stat.version)
  }
  return versions
}

/** The log as the clean stop left it. Undefined: its files have changed since, so it must be recovered. */
export async function restorePartition(
  context: SegmentContext & { readonly clock: Clock },
  folder: string,
  stopped: StoppedFiles,
): Promise<RecoveredLog | undefined> {
  const found = await versionsOf(context.disk, folder, stopped.segments)
  if (!found?.every((version, n) => version === stopped.versions[n])) return undefined
  const { logStartOffset, snapshotOffset, cleaner = neverCleaned } = stopped
  const segments = stopped.segments.map(({ baseOffset, digest, aborted }) => {
    const segment = new Segment(folder, baseOffset, context)
    segment.seal(digest, [...aborted])
    segment.hasGaps = baseOffset < cleaner.gapsBelow
    return segment
  })
  const producers = new ProducerState(seenAsOf(stopped.producers, context.clock.now()))
  producers.sawId(stopped.largestProducerId)
  return { segments, producers, logStartOffset, snapshotOffset, cleaner }
}
