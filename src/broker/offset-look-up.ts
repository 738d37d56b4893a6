/** Positions of a partition, as ListOffsets asks for them: the same for both kinds of log in process. */
import type { Partition } from '../log/index.ts'
import type { Isolation, OffsetSpec } from '../port/index.ts'

/** What a look-up of a position has found. */
export interface FoundPosition {
  readonly partition: Partition
  /** Undefined: no record that readers see now has the position. */
  readonly offset: number | undefined
  /** Of the record, where one was looked for. */
  readonly timestamp: number | undefined
}

/**
 * Looks up a position among the records that readers see now.
 * @throws MillraceError the reason why the partition refuses: of one that is damaged nothing is known
 */
export async function lookUp(
  partition: Partition,
  at: OffsetSpec,
  isolation: Isolation,
): Promise<FoundPosition> {
  if (partition.failure) throw partition.failure
  if (at === 'earliest') return { partition, offset: partition.logStartOffset, timestamp: undefined }
  const end = partition.readableEnd(isolation)
  if (at === 'latest') return { partition, offset: end, timestamp: undefined }
  const found = await (at === 'max-timestamp'
    ? partition.offsetOfLargestTimestamp(isolation)
    : partition.offsetForTimestamp(at.timestamp))
  // Past the readable end: the record is of a transaction that is open.
  const isSeen = found !== undefined && found.offset < end
  return {
    partition,
    offset: isSeen ? found.offset : undefined,
    timestamp: isSeen ? found.timestamp : undefined,
  }
}

/** The offset of a position, or the readable end if no record has it. Throws as {@link lookUp}. */
export async function lookUpOffset(
  partition: Partition,
  at: OffsetSpec,
  isolation: Isolation,
): Promise<number> {
  const end = partition.readableEnd(isolation)
  const { offset } = await lookUp(partition, at, isolation)
  return offset ?? end
}
