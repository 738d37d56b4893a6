/** Positions of a partition, as ListOffsets asks for them: the same for both kinds of log in process. */
import type { Partition } from '../log/index.ts'
import type { Isolation, OffsetSpec } from '../port/index.ts'

/**
 * The offset of a position among the records that readers see now.
 * @throws MillraceError the reason why the partition refuses: of one that is damaged nothing is known
 */
export async function lookUpOffset(
  partition: Partition,
  at: OffsetSpec,
  isolation: Isolation,
): Promise<number> {
  if (partition.failure) throw partition.failure
  if (at === 'earliest') return partition.logStartOffset
  const end = partition.readableEnd(isolation)
  if (at === 'latest') return end
  const found = await (at === 'max-timestamp'
    ? partition.offsetOfLargestTimestamp(isolation)
    : partition.offsetForTimestamp(at.timestamp))
  return Math.min(found?.offset ?? end, end)
}
