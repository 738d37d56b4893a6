/**
 * Reads a segment from end to end: each batch is checked, indexed and replayed into the producer state. Valid
 * batches are written once more and synced, and old derived files are removed (see recovery.ts).
 */
import { assert } from '../../base/index.ts'
import type { RecordBatch } from '../../wire/index.ts'
import { segmentFile } from '../files/file-names.ts'
import { removeIfThere } from '../files/small-file.ts'
import type { ProducerReplay } from '../producers/producer-replay.ts'
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
  const { disk, files, readOnly } = context
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
    if (readOnly) return scanned
    const doing = `rewriting ${segment.path}`
    await copyBytes(file, vouchedFor, scanned.position, file, vouchedFor, doing, pause)
    await file.sync()
    return scanned
  })
  if (readOnly) return end
  const pathOf = (extension: 'digest' | 'index' | 'timeindex' | 'txnindex'): string =>
    `${segment.folder}/${segmentFile(segment.baseOffset, extension)}`
  // First, and durably, the digest: it proves the others.
  await removeIfThere(disk, pathOf('digest'))
  await disk.syncDirectory(segment.folder)
  for (const extension of ['index', 'timeindex', 'txnindex'] as const)
    await removeIfThere(disk, pathOf(extension))
  return end
}

function indexBatch(segment: Segment, batch: RecordBatch): void {
  assert(batch.baseOffset >= segment.nextOffset || segment.sizeBytes === 0, 'batches ascend')
  segment.index(batch.lastOffset, indexedTimestamp(batch), batch.sizeBytes)
}
