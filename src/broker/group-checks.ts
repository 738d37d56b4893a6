/** Checks of a group's members: how they share topics, and the generation of their commits. */
import { MillraceError } from '../base/index.ts'
import { type GroupOptions, setName } from '../port/index.ts'

/** The partition count of a topic. Throws UNKNOWN_TOPIC. */
export type PartitionCount = (topic: string) => number

/**
 * The topics of a set are shared together.
 * @throws MillraceError INVALID_ARGUMENT, NOT_COPARTITIONED, UNKNOWN_TOPIC
 */
export function checkSet(topics: readonly string[], partitions: PartitionCount): void {
  const [first, ...others] = topics
  if (first === undefined) throw new MillraceError('INVALID_ARGUMENT', 'A set of topics to share is empty.')
  const count = partitions(first)
  for (const topic of others)
    if (partitions(topic) !== count)
      throw new MillraceError(
        'NOT_COPARTITIONED',
        `Topics '${first}' and '${topic}' are shared together, but have ${count} and ${partitions(topic)} partitions. Give them the same count.`,
      )
}

/**
 * All members of a group must use its partitions in the same way.
 * @throws MillraceError INVALID_ARGUMENT
 */
export function checkProtocol(
  group: string,
  members: readonly GroupOptions[],
  { protocol = 'consumer' }: GroupOptions,
): void {
  for (const { protocol: other = 'consumer' } of members) {
    if (other === protocol) continue
    const who = { consumer: 'consumers', streams: 'an app' } as const
    throw new MillraceError(
      'INVALID_ARGUMENT',
      `The group '${group}' belongs to ${who[other]}, and cannot belong to ${who[protocol]} as well: each would take records away from the other. Use another name.`,
    )
  }
}

/**
 * Members that share a topic do so in the same set: otherwise one partition could have two owners.
 * @throws MillraceError INVALID_ARGUMENT
 */
export function checkSets(group: string, members: readonly GroupOptions[]): void {
  const setOf = new Map<string, string>()
  for (const topics of members.flatMap(member => member.topics))
    for (const topic of topics) {
      const set = setName(topics)
      if ((setOf.get(topic) ?? set) !== set)
        throw new MillraceError(
          'INVALID_ARGUMENT',
          `Group '${group}' shares topic '${topic}' once with {${setOf.get(topic)}} and once with {${set}}. Use the same set everywhere.`,
        )
      setOf.set(topic, set)
    }
}

/** A commit of a member, or of a generation, that has passed. */
export function fenced(group: string, memberId: string | undefined, generation?: number): MillraceError {
  const who = memberId === undefined ? 'The committer' : `Member '${memberId}'`
  const what =
    generation === undefined
      ? 'is no longer in the group'
      : `is of generation ${generation}, which has passed`
  return new MillraceError(
    'MEMBER_FENCED',
    `${who} of group '${group}' ${what}: its partitions may have another owner. Drop uncommitted work.`,
  )
}
