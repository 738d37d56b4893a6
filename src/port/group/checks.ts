/** What a group can share. */
import { isTopicName, MillraceError } from '../../base/index.ts'
import type { GroupOptions } from './membership.ts'
import type { PartitionCounts } from './assignors.ts'

/** Characters of a refused id that its message shows. */
const shownMax = 300

/**
 * Checks the topics of a member, before it joins.
 * @throws MillraceError INVALID_ARGUMENT, NOT_COPARTITIONED
 */
export function checkTopics({ topics, protocol = 'consumer' }: GroupOptions, counts: PartitionCounts): void {
  for (const [first, ...others] of topics) {
    if (first === undefined) throw new MillraceError('INVALID_ARGUMENT', 'A set of topics to share is empty.')
    if (others.length > 0 && protocol === 'consumer')
      throw new MillraceError(
        'INVALID_ARGUMENT',
        `Consumers share each topic by itself: '${first}' and '${others[0]}' are one set. Give each another set, or use the protocol 'streams'.`,
      )
    const count = counts.get(first)
    for (const topic of others)
      if (counts.get(topic) !== count)
        throw new MillraceError(
          'NOT_COPARTITIONED',
          `Topics '${first}' and '${topic}' are shared together, but have ${count} and ${counts.get(topic)} partitions. Give them the same count.`,
        )
  }
}

/**
 * The id of a static member has the form of a topic's name, as in Kafka.
 * @throws MillraceError INVALID_ARGUMENT
 */
export function checkInstanceId(instanceId: string): void {
  if (isTopicName(instanceId)) return
  throw new MillraceError(
    'INVALID_ARGUMENT',
    `Invalid instance id ${JSON.stringify(instanceId.slice(0, shownMax))}: use 1 to 249 of the characters a-z, A-Z, 0-9, '.', '_' and '-', other than '.' and '..'.`,
  )
}
