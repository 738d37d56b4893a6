/**
 * Ends a log where recovery has found the first bad batch. The bytes after that are quarantined, never
 * deleted.
 */
import type { SegmentContext } from '../segment/segment.ts'
import type { FoundSegment } from './found-segment.ts'
import { copyToQuarantine, quarantineName } from './quarantine.ts'

/** The cut. */
export interface Cut {
  /** The first offset that was cut. */
  readonly offset: number
  readonly reason: string
  readonly bytes: number
  /** The files that hold it. */
  readonly keptAside: readonly string[]
}

/** The log ends within `last`, at this position and offset; `later` follow it. */
export async function cutOff(
  { disk, files }: SegmentContext,
  { segment, sizeBytes }: FoundSegment,
  later: readonly FoundSegment[],
  end: { readonly position: number; readonly offset: number },
  reason: string,
): Promise<Cut> {
  const keptAside: string[] = []
  let bytes = 0
  // Later segments first: after an interruption the gap is found again.
  for (const each of later.toReversed()) {
    const aside = await quarantineName(disk, each.segment.path, end.offset)
    await files.drop(each.segment.path)
    await disk.rename(each.segment.path, aside)
    await each.segment.remove()
    keptAside.unshift(aside)
    bytes += each.sizeBytes
  }
  if (end.position < sizeBytes) {
    const aside = await quarantineName(disk, segment.path, end.offset)
    await files.use(segment.path, 'write', async file => {
      await copyToQuarantine(disk, file, end.position, sizeBytes, aside)
      await disk.syncDirectory(segment.folder)
      await file.truncate(end.position)
      await file.sync()
    })
    keptAside.unshift(aside)
    bytes += sizeBytes - end.position
  }
  await disk.syncDirectory(segment.folder)
  return { offset: end.offset, reason, bytes, keptAside }
}
