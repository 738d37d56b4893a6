/**
 * Which segments retention takes. Whole segments only, oldest first, never the active one, and nothing at or
 * above `limitOffset`: unsafe records, and those of undecided transactions, stay. They do not count as kept
 * bytes either: a loss of power may take them.
 */
export interface RetainedSegment {
  readonly nextOffset: number
  readonly sizeBytes: number
  readonly unsyncedBytes: number
}

/**
 * How many segments to drop so that the rest, as Kafka counts, is at most a segment over `retentionBytes`.
 * -1: unlimited.
 */
export function excessSegments(
  segments: readonly RetainedSegment[],
  retentionBytes: number,
  limitOffset: number,
): number {
  if (retentionBytes < 0) return 0
  let total = segments.reduce((sum, { sizeBytes, unsyncedBytes }) => sum + sizeBytes - unsyncedBytes, 0)
  const droppable = segmentsBelow(segments, limitOffset)
  let count = 0
  while (count < droppable && total - segments[count]!.sizeBytes >= retentionBytes) {
    total -= segments[count]!.sizeBytes
    count += 1
  }
  return count
}

/** How many segments lie wholly below `offset`, the active one not counted. */
export function segmentsBelow(segments: readonly RetainedSegment[], offset: number): number {
  let count = 0
  while (count < segments.length - 1 && segments[count]!.nextOffset <= offset) count += 1
  return count
}
