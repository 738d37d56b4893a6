/** Segments that one cleaned segment takes the place of. */
import type { CleanableSegment } from './cleanable.ts'

/** Offsets in an index are int32, less the segment's base offset. */
const relativeOffsetMax = 0x7fff_ffff

/**
 * Groups of segments that follow each other, each no larger than `segmentBytes` together before they are
 * cleaned, so that small segments become one. A larger segment is a group alone.
 */
export function groupSegments<S extends CleanableSegment>(
  segments: readonly S[],
  segmentBytes: number,
): S[][] {
  const groups: S[][] = []
  let bytes = 0
  for (const segment of segments) {
    const group = groups.at(-1)
    bytes += segment.sizeBytes
    if (group && bytes <= segmentBytes && segment.nextOffset - 1 - group[0]!.baseOffset <= relativeOffsetMax)
      group.push(segment)
    else {
      groups.push([segment])
      bytes = segment.sizeBytes
    }
  }
  return groups
}
