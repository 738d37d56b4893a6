/** What a crash in the middle of a replacement by the cleaner leaves (see cleaner/cleaner-checkpoint.ts). */
import type { CleanerCheckpoint } from '../cleaner/cleaner-checkpoint.ts'
import { scanSegment } from '../segment/segment-scan.ts'
import type { SegmentContext } from '../segment/segment.ts'
import type { FoundSegment } from './found-segment.ts'

/**
 * Removes the segments whose place a cleaned one has taken, also from `found`. The file at the base of the
 * range is the cleaned one if it ends where the range does: the old one ended earlier.
 */
export async function removeMerged(
  { disk, files, readOnly }: SegmentContext,
  found: FoundSegment[],
  merged: CleanerCheckpoint['merged'],
): Promise<void> {
  if (!merged) return
  const first = found.findIndex(({ segment }) => segment.baseOffset === merged.baseOffset)
  const isLeftOver = ({ segment: { baseOffset } }: FoundSegment): boolean =>
    baseOffset > merged.baseOffset && baseOffset < merged.endOffset
  const leftOver = found.filter(isLeftOver)
  if (first === -1 || leftOver.length === 0) return
  const { segment, sizeBytes } = found[first]!
  const from = { position: 0, offset: segment.baseOffset }
  const end = await files.use(segment.path, 'read', file =>
    scanSegment(file, sizeBytes, from, { gapless: false }, () => undefined),
  )
  if (end.problem !== undefined || end.offset !== merged.endOffset) return
  found.splice(first + 1, leftOver.length)
  if (readOnly) return
  // The name of the cleaned file may not be durable yet, and what is removed now must not be all there is.
  await disk.syncDirectory(segment.folder)
  for (const each of leftOver) await each.segment.remove()
  await disk.syncDirectory(segment.folder)
}
