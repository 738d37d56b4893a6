/**
 * Which segments retention takes. Whole segments only, oldest first, never the active one, and nothing at or
 * above `limitOffset`: unsafe records, and those of undecided transactions, stay.
 */
export interface RetainedSegment {
  readonly nextOffset: number
  readonly sizeBytes: number
  readonly unsyncedBytes: number
}

/**
 * How many segments to drop so that the rest, as Kafka counts, is at most a segment over `retentionBytes`.
 * -1: unlimited. Where records are safe once they are synced, bytes that are not do not count as kept: nobody
 * was told that they are safe, and a loss of power may take them. Otherwise they count once they are written,
 * as in Kafka.
 */
export function excessSegments(
  segments: readonly RetainedSegment[],
  retentionBytes: number,
  limitOffset: number,
  isSynced: boolean,
): number {
  if (retentionBytes < 0) return 0
  const uncounted = isSynced ? 1 : 0
  let total = 0
  for (const { sizeBytes, unsyncedBytes } of segments) total += sizeBytes - uncounted * unsyncedBytes
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
