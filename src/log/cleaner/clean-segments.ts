/**
 * One pass of the cleaner over a partition: it learns the keys of the dirty part, then writes the segments
 * again, group by group from the start of the log, without what newer records have replaced.
 *
 * A pass may end anywhere. Groups are replaced in the order of offsets, each durably before the next. So when
 * a tombstone gets its delete horizon, everything before it that it deletes is gone. A group that retention
 * has reached meanwhile may have segments left, which are as before: the pass ends there.
 */
import type { AbortedTransaction } from '../segment/abort-index.ts'
import type { Segment } from '../segment/segment.ts'
import { BatchCleaner, type LastBatch } from './batch-cleaner.ts'
import type { CleanableRange, CompactionSettings } from './cleanable.ts'
import { CleanedSegment } from './cleaned-segment.ts'
import { readDirtyKeys } from './dirty-keys.ts'
import { groupSegments } from './groups.ts'
import { CleaningStopped, SegmentWalk, type CleanerContext } from './segment-walk.ts'
import { TransactionFates } from './transaction-fates.ts'

export interface CleaningInput {
  /** Those below the end of the range, in order. */
  readonly segments: readonly Segment[]
  readonly range: CleanableRange
  readonly settings: CompactionSettings
  /** All of the partition. */
  readonly aborted: readonly AbortedTransaction[]
  /** Producers that may come back, by id. */
  readonly producers: ReadonlyMap<number, LastBatch>
  /** The pass must end: asked in every turn. */
  isStopped(): boolean
  /** Puts a cleaned segment, which is durable, in the place of others. False: these are no longer there. */
  replace(replaced: readonly Segment[], cleaned: CleanedSegment): Promise<boolean>
}

/**
 * Resolves with the offset up to which the keys are compacted now: the end of the range, or less if the keys
 * did not fit into memory.
 * @throws DamagedBatch, CleaningStopped; MillraceError DISK_FULL; errors of the disk
 */
export async function cleanSegments(context: CleanerContext, input: CleaningInput): Promise<number> {
  const { segments, range, settings, aborted, producers } = input
  const walk = new SegmentWalk(context, () => input.isStopped())
  const { dedupeBufferBytes } = context.cleaner
  const dirty = await readDirtyKeys(walk, segments, range, new TransactionFates(aborted), dedupeBufferBytes)
  const cleaner = new BatchCleaner({
    ...dirty,
    fates: new TransactionFates(aborted),
    producers,
    nowMs: context.clock.now(),
    deleteRetentionMs: settings.deleteRetentionMs,
  })
  const covered = segments.filter(({ baseOffset }) => baseOffset < dirty.endOffset)
  for (const group of groupSegments(covered, settings.segmentBytes)) {
    const cleaned = await writeCleaned(context, walk, group, cleaner)
    if (!cleaned || (await input.replace(group, cleaned))) continue
    await cleaned.discard()
    throw new CleaningStopped()
  }
  return dirty.endOffset
}

/** Undefined: the group is one segment, and nothing in it changes. */
async function writeCleaned(
  context: CleanerContext,
  walk: SegmentWalk,
  group: readonly Segment[],
  cleaner: BatchCleaner,
): Promise<CleanedSegment | undefined> {
  const cleaned = await CleanedSegment.create(group, context)
  const endOffset = group.at(-1)!.nextOffset
  let isChanged = group.length > 1
  try {
    for (const segment of group)
      for await (const batches of walk.portions(segment)) {
        for (const batch of batches) {
          const bytes = cleaner.clean(batch, batch.nextOffset === endOffset)
          if (bytes !== batch.bytes) isChanged = true
          if (bytes) cleaned.add(bytes)
        }
        await cleaned.flush()
      }
    if (isChanged) {
      await cleaned.finish()
      return cleaned
    }
  } catch (error) {
    await cleaned.discard().catch(() => undefined)
    throw error
  }
  await cleaned.discard()
  return undefined
}
