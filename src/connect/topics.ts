/** The topics that connectors write to. */
import { isMillraceError, MillraceError } from '../base/index.ts'
import type { LogPort } from '../port/index.ts'

/**
 * The partition count of a topic, which is created where there is none.
 *
 * @param partitions what the program declares; undefined takes what is there, or one
 * @throws MillraceError PARTITION_COUNT_CHANGED where the topic has another count: keys would change their partition
 */
export async function ensureTopic(
  log: LogPort,
  name: string,
  partitions: number | undefined,
): Promise<number> {
  const found = await log.describeTopic(name)
  if (found) {
    if (partitions !== undefined && partitions !== found.partitions)
      throw new MillraceError(
        'PARTITION_COUNT_CHANGED',
        `The topic '${name}' has ${found.partitions} partitions, the program declares ${partitions}. Declare ${found.partitions}, or publish to a new topic: with another count keys would move.`,
      )
    return found.partitions
  }
  const count = partitions ?? 1
  try {
    await log.createTopic(name, { partitions: count })
  } catch (error) {
    // Someone else was quicker: then it is there, and is looked at again.
    if (isMillraceError(error, 'TOPIC_EXISTS')) return await ensureTopic(log, name, partitions)
    throw error
  }
  return count
}
