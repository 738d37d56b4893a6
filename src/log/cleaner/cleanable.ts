/**
 * What of a partition can be compacted now, and how much it needs it. Whole segments only, never the active
 * one; nothing at or above the last stable offset, and no segment with a record younger than
 * `min.compaction.lag.ms`.
 *
 * ```
 *   ────────────────┬───────────────────┬──────────────┬────────
 *    clean          │ dirty             │ too young,   │ active
 *                   │                   │ or undecided │
 *                   dirtyOffset         endOffset
 * ```
 */

/** The settings of a partition that compaction follows (see partition-settings.ts). */
export interface CompactionSettings {
  readonly segmentBytes: number
  readonly deleteRetentionMs: number
  readonly minCompactionLagMs: number
  readonly maxCompactionLagMs: number
  readonly minCleanableDirtyRatio: number
}

/** A segment, as the choice sees it. */
export interface CleanableSegment {
  readonly baseOffset: number
  readonly nextOffset: number
  readonly sizeBytes: number
}

/** Times of a segment, asked for only when a setting needs them; -1 without any record. */
export interface SegmentTimes<S> {
  largest(segment: S): Promise<number>
  first(segment: S): Promise<number>
}

export interface CleanableRange {
  /** The first offset that no cleaning has covered. */
  readonly dirtyOffset: number
  readonly endOffset: number
  /** The share of the bytes below the end that is dirty, from 0 to 1. */
  readonly dirtyRatio: number
  /** A record waits longer than `max.compaction.lag.ms`. */
  readonly isOverdue: boolean
}

/** `segments`: in order, the active one last. Undefined: nothing can be compacted. */
export async function cleanableRange<S extends CleanableSegment>(
  segments: readonly S[],
  cleanedTo: number,
  limitOffset: number,
  { minCompactionLagMs, maxCompactionLagMs }: CompactionSettings,
  times: SegmentTimes<S>,
  nowMs: number,
): Promise<CleanableRange | undefined> {
  let cleanBytes = 0
  let dirtyBytes = 0
  let isOverdue = false
  let endOffset = 0
  for (const segment of segments.slice(0, -1)) {
    const { nextOffset, sizeBytes } = segment
    if (nextOffset <= cleanedTo) cleanBytes += sizeBytes
    else {
      if (nextOffset > limitOffset) break
      if (minCompactionLagMs > 0 && (await times.largest(segment)) > nowMs - minCompactionLagMs) break
      dirtyBytes += sizeBytes
      if (!isOverdue && maxCompactionLagMs < nowMs) {
        const first = await times.first(segment)
        isOverdue = first >= 0 && first < nowMs - maxCompactionLagMs
      }
    }
    endOffset = nextOffset
  }
  if (dirtyBytes === 0) return undefined
  const dirtyOffset = Math.max(cleanedTo, segments[0]!.baseOffset)
  return { dirtyOffset, endOffset, dirtyRatio: dirtyBytes / (cleanBytes + dirtyBytes), isOverdue }
}

/** Whether the range needs compaction now. */
export function needsCleaning(range: CleanableRange, settings: CompactionSettings): boolean {
  return range.isOverdue || range.dirtyRatio > settings.minCleanableDirtyRatio
}
