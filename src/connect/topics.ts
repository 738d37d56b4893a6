/** The topics that connectors write to. */
import { MillraceError } from '../base/index.ts'
import { ensureTopic, type LogPort } from '../port/index.ts'

/**
 * The partition count of a topic, which is created where there is none.
 *
 * @param partitions what the program declares; undefined takes what is there, or one
 * @throws MillraceError PARTITION_COUNT_CHANGED where the topic has another count: keys would change their partition
 */
export async function ensureTopicAsDeclared(
  log: LogPort,
  name: string,
  partitions: number | undefined,
): Promise<number> {
  const found = await ensureTopic(log, { name, partitions })
  if (partitions !== undefined && partitions !== found)
    throw new MillraceError(
      'PARTITION_COUNT_CHANGED',
      `The topic '${name}' has ${found} partitions, the program declares ${partitions}. Declare ${found}, or publish to a new topic: with another count keys would move.`,
    )
  return found
}
