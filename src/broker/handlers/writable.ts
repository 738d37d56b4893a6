/** The partitions that a request of a client may write to. */
import type { Partition } from '../../log/index.ts'
import type { RequestContext } from './handler.ts'

/**
 * Resolves when the partition is open.
 * @throws MillraceError UNKNOWN_TOPIC, UNKNOWN_PARTITION, PARTITION_DAMAGED, CLOSED; INVALID_ARGUMENT: the
 *   topic is internal to the log or to an app; DISK_FULL, DISK_FAILED: the partition could not be recovered
 */
export async function writable(
  topic: string,
  index: number,
  { broker }: Pick<RequestContext, 'broker'>,
): Promise<Partition> {
  if (broker.unrecovered(topic, index)) await broker.opened(topic, index)
  return broker.writable(topic, index, undefined)
}
