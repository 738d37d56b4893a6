/**
 * Reads a segment from end to end: each batch is checked, indexed and replayed into the producer state. Valid
 * batches are written once more and synced, and old derived files are removed (see recovery.ts).
 */
import { assert, type DiskFile } from '../../base/index.ts'
import type { RecordBatch } from '../../wire/index.ts'
import { segmentFile } from '../files/file-names.ts'
import { removeIfThere } from '../files/small-file.ts'
import type { ProducerReplay } from '../producers/producer-replay.ts'
import type { SegmentDigest } from '../segment/segment-digest.ts'
import { isRoom } from '../segment/room-ahead.ts'
import { scanSegment, type ScanEnd } from '../segment/segment-scan.ts'
import { indexedTimestamp } from '../segment/segment-indexes.ts'
import type { Segment, SegmentContext } from '../segment/segment.ts'
import type { FoundSegment } from './found-segment.ts'
import { copyBytes } from './quarantine.ts'

export interface RebuildOptions {
  /** Below it a sync is known to have succeeded, so that nothing is written again. */
  readonly recoveryPoint: number
  /** Called between bounded pieces of work; what it throws ends the work. */
  readonly pause?: (() => Promise<void>) | undefined
}

export async function rebuildSegment(
  context: SegmentContext,
  { segment, sizeBytes }: FoundSegment,
  producers: ProducerReplay,
  { recoveryPoint, pause }: RebuildOptions,
): Promise<ScanEnd> {
  const { files, readOnly } = context
  segment.startIndexes()
  segment.sizeBytes = 0
  segment.nextOffset = segment.baseOffset
  segment.aborted = []
  /** A sync is known to have succeeded up to this position. */
  let vouchedFor = 0
  const end = await files.use(segment.path, readOnly ? 'read' : 'write', async file => {
    const scanned = await scanSegment(
      file,
      sizeBytes,
      { position: 0, offset: segment.baseOffset },
      { gapless: !readOnly && !segment.hasGaps, pause },
      (batch, position) => {
        indexBatch(segment, batch)
        const aborted = producers.replay(batch)
        if (aborted) segment.aborted.push(aborted)
        if (batch.nextOffset <= recoveryPoint) vouchedFor = position + batch.sizeBytes
      },
    )
    const ended = await withoutRoom(file, scanned, sizeBytes, recoveryPoint)
    if (readOnly) return ended
    if (ended !== scanned) await file.truncate(ended.position)
    const doing = `rewriting ${segment.path}`
    await copyBytes(file, vouchedFor, scanned.position, file, vouchedFor, doing, pause)
    await file.sync()
    return ended
  })
  if (readOnly) return end
  await removeDerived(context, segment)
  return end
}

/** A log may end before room. Below the recovery point room has taken the place of records: damage. */
async function withoutRoom(
  file: DiskFile,
  end: ScanEnd,
  sizeBytes: number,
  recoveryPoint: number,
): Promise<ScanEnd> {
  if (end.problem === undefined || end.offset < recoveryPoint) return end
  return (await isRoom(file, end.position, sizeBytes)) ? { ...end, problem: undefined } : end
}

/** Removes the digest of a segment and its indexes. */
export async function removeDerived(
  { disk }: SegmentContext,
  { folder, baseOffset }: Segment,
): Promise<void> {
  // First, and durably, the digest: it proves the others.
  await removeIfThere(disk, `${folder}/${segmentFile(baseOffset, 'digest')}`)
  await disk.syncDirectory(folder)
  for (const extension of ['index', 'timeindex', 'txnindex'] as const)
    await removeIfThere(disk, `${folder}/${segmentFile(baseOffset, extension)}`)
}

/**
 * The times of a segment that was made again, by the digest of an earlier state of it. Where they are lost,
 * it is as old as this recovery.
 */
export function datedFrom(digest: SegmentDigest | undefined, segment: Segment, now: number): void {
  if (segment.sizeBytes === 0) return
  const { times, logBytes } = digest ?? {}
  segment.firstAppendMs = times?.firstAppend ?? now
  segment.lastAppendMs = times && logBytes === segment.sizeBytes ? times.lastAppend : now
}

function indexBatch(segment: Segment, batch: RecordBatch): void {
  assert(batch.baseOffset >= segment.nextOffset || segment.sizeBytes === 0, 'batches ascend')
  segment.index(batch.lastOffset, indexedTimestamp(batch), batch.sizeBytes)
}
