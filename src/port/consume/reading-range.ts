/** Which partitions a consumer may read, and from where to where. */
import { MillraceError } from '../../base/index.ts'
import type { AssignedPartition } from './assigned-partitions.ts'
import type { ConsumerSettings } from './consumer-options.ts'
import { asDeclared, checkPublic, ensureTopic } from '../ensure-topic.ts'
import type { Isolation, LogPort, TopicPartition } from '../log-port.ts'

/**
 * The partition count of a topic that is to be read. One that declares its count is created where it is not
 * there yet: its writer may come later.
 * @throws MillraceError UNKNOWN_TOPIC for any other that is not there; INVALID_ARGUMENT for a group over what
 *   an app or the log keeps for itself
 */
export async function partitionsToRead(
  port: LogPort,
  { name, partitions }: { readonly name: string; readonly partitions: number | undefined },
  group: string | undefined,
): Promise<number> {
  const found = await port.describeTopic(name)
  if (found) {
    // To look at what an app or the log keeps for itself changes nothing. A group would commit, and depend on
    // what goes with the app.
    if (group !== undefined) checkPublic(found)
    return asDeclared({ name, partitions }, found.partitions)
  }
  if (partitions !== undefined) return await ensureTopic(port, { name, partitions })
  throw new MillraceError(
    'UNKNOWN_TOPIC',
    `There is no topic '${name}' to read. Check the name, publish to it first, or declare its partitions so that it can be created.`,
  )
}

/**
 * Where to begin in partitions that were assigned, and where to end: the group's offsets precede `from`.
 *
 * @param positions where this consumer itself was before, by partition: precedes `from` as well
 */
export async function rangeOf(
  port: LogPort,
  assigned: readonly TopicPartition[],
  { group, from, isolation, until }: Pick<ConsumerSettings, 'group' | 'from' | 'isolation' | 'until'>,
  positions: ReadonlyMap<number, number>,
): Promise<AssignedPartition[]> {
  const commits = group === undefined ? [] : await port.committedOffsets(group, assigned)
  return await Promise.all(
    assigned.map(async ({ topic, partition }, index) => {
      const committed = commits[index]?.offset
      const start =
        committed ??
        positions.get(partition) ??
        (typeof from === 'object' && 'offset' in from
          ? from.offset
          : await port.offsets(topic, partition, from, isolation))
      const end = until === 'end' ? await endFrom(port, topic, partition, start, isolation) : Infinity
      return { partition, processed: start, committed: committed ?? -1, end }
    }),
  )
}

/**
 * Where an iteration until the end ends. From behind the end of the log it does not: the reader says that
 * there is nothing, and what that means.
 */
async function endFrom(
  port: LogPort,
  topic: string,
  partition: number,
  start: number,
  isolation: Isolation | undefined,
): Promise<number> {
  const end = await port.offsets(topic, partition, 'latest', isolation)
  const isThere =
    start <= end || start <= (await port.offsets(topic, partition, 'latest', 'read_uncommitted'))
  return isThere ? end : Infinity
}
