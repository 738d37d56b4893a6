/** Topics come into being when they are first used, and are what the program declares. */
import { isMillraceError, MillraceError } from '../base/index.ts'
import type { LogPort, TopicDescription } from './log-port.ts'

/**
 * The partition count of the topic, which is created (with its own count, or 1) where it is not there yet.
 * @throws MillraceError PARTITION_COUNT_CHANGED where it declares another count than it has; INVALID_ARGUMENT
 *   for one that is not the users'
 */
export async function ensureTopic(
  port: LogPort,
  topic: { readonly name: string; readonly partitions: number | undefined },
): Promise<number> {
  const { name, partitions = 1 } = topic
  const existing = await port.describeTopic(name)
  if (existing) {
    checkPublic(existing)
    return asDeclared(topic, existing.partitions)
  }
  try {
    await port.createTopic(name, { partitions })
    return partitions
  } catch (error) {
    if (!isMillraceError(error, 'TOPIC_EXISTS')) throw error
    // Another caller was faster.
    return asDeclared(topic, (await port.describeTopic(name))?.partitions ?? partitions)
  }
}

/**
 * The count that a topic has. Who writes and who reads by another one would look for a key in different
 * partitions.
 * @throws MillraceError PARTITION_COUNT_CHANGED where the topic declares another count
 */
export function asDeclared(
  { name, partitions }: { readonly name: string; readonly partitions: number | undefined },
  found: number,
): number {
  if (partitions === undefined || partitions === found) return found
  throw new MillraceError(
    'PARTITION_COUNT_CHANGED',
    `The topic '${name}' has ${found} partitions, the program declares ${partitions}. Declare ${found}, or use a new topic: with another count keys would move.`,
  )
}

/**
 * What the log or an app keeps for itself is for nobody else: it changes without notice, and goes with the
 * app.
 * @throws MillraceError INVALID_ARGUMENT
 */
export function checkPublic({ name, internal, config: { app } }: TopicDescription): void {
  if (!internal) return
  throw new MillraceError(
    'INVALID_ARGUMENT',
    app === undefined
      ? `Topic '${name}' is kept by the log itself: use a topic of your own.`
      : `Topic '${name}' is internal to the app '${app}', which alone reads and writes it: use a topic of your own, which the app writes by to().`,
  )
}
