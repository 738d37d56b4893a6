/** Which partitions a consumer may read, and from where to where. */
import type { AssignedPartition } from './assigned-partitions.ts'
import type { ConsumerSettings } from './consumer-options.ts'
import { type DeclaredTopic, topicToRead } from '../ensure-topic.ts'
import type { Isolation, LogPort, TopicPartition } from '../log-port.ts'

/**
 * The partition count of a topic for a consumer.
 * @throws MillraceError as `topicToRead`
 */
export async function partitionsToRead(
  port: LogPort,
  topic: DeclaredTopic,
  group: string | undefined,
): Promise<number> {
  // Reading an internal topic changes nothing. A group would commit offsets in it, and depend on a topic that
  // is deleted with the app.
  const { partitions } = await topicToRead(port, topic, { mayBeInternal: group === undefined })
  return partitions
}

/**
 * The ranges to read in assigned partitions: the group's offsets override `from`.
 *
 * @param positions the consumer's earlier positions, by partition: override `from` as well
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
      return {
        partition,
        processed: start,
        leaderEpoch: commits[index]?.leaderEpoch ?? -1,
        committed: committed ?? -1,
        end,
      }
    }),
  )
}

/**
 * Where an iteration until the end ends. An iteration that begins past the end of the log does not: its
 * reader reports the error.
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
