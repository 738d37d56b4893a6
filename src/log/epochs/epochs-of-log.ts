/**
 * Leader epochs by the batches of a log. They ascend with the offsets: where the first and the last batch of
 * a segment have one epoch, all of the segment has it, and only a segment in which one begins is read whole.
 */
import { RecordBatch } from '../../wire/index.ts'
import { scanSegment } from '../segment/segment-scan.ts'
import type { Segment, SegmentContext } from '../segment/segment.ts'
import { LeaderEpochs, type EpochStart } from './leader-epochs.ts'

/**
 * The epochs of a log of which some are `known`: those that begin in its batches later are added. Where a
 * batch cannot be read, its reader will learn of it; here it is passed over.
 */
export async function epochsOfLog(
  context: SegmentContext,
  segments: readonly Segment[],
  known: readonly EpochStart[] = [],
): Promise<LeaderEpochs> {
  const epochs = new LeaderEpochs(known, known.length > 0)
  const written = segments.filter(({ baseOffset, nextOffset }) => nextOffset > baseOffset)
  const last = written.at(-1)
  if (!last || (await epochAt(last, last.nextOffset - 1)) <= epochs.latest) return epochs
  const from = known.at(-1)?.startOffset ?? 0
  for (const segment of written) {
    if (segment.nextOffset <= from) continue
    const end = await epochAt(segment, segment.nextOffset - 1)
    if (end <= epochs.latest) continue
    const start = await epochAt(segment, segment.baseOffset)
    if (start === end) epochs.assign(start, segment.baseOffset)
    else await scan(context, segment, epochs)
  }
  return epochs
}

async function scan({ files }: SegmentContext, segment: Segment, epochs: LeaderEpochs): Promise<void> {
  const from = { position: 0, offset: segment.baseOffset }
  await files.use(segment.path, 'read', file =>
    scanSegment(file, segment.sizeBytes, from, { gapless: false }, ({ leaderEpoch, baseOffset }) => {
      if (leaderEpoch > epochs.latest) epochs.assign(leaderEpoch, baseOffset)
    }),
  )
}

/** The epoch of the batch with this offset, or of the next one; -1 if there is none to be read. */
async function epochAt(segment: Segment, offset: number): Promise<number> {
  try {
    const found = await segment.read(offset, segment.nextOffset, 1)
    return found ? new RecordBatch(found.bytes).leaderEpoch : -1
  } catch {
    return -1
  }
}
