/**
 * Whether the assignment of a group still holds when a static member comes back (KIP-345). Kafka's
 * coordinator looks at the protocol alone, and leaves the rest to its client: that joins again when the
 * assignment does not match its topics, and its leader watches the partition counts (KIP-814). Here the
 * coordinator looks itself. So no member reads what it has not asked for, and no partition is left out.
 *
 * An assignment that is not Kafka's consumer protocol, or cannot be read, holds.
 */
import { decodeAssignment, decodeSubscribedTopics } from '../../port/index.ts'
import { type Member, metadataOf } from './members.ts'

/** The partition count of a topic; undefined if there is none. */
export type PartitionCount = (topic: string) => number | undefined

/**
 * It holds if the member reads the topics that it read before, and if the members have exactly the partitions
 * of the topics that they read. Some are missing while a member is about to give them to another, which it
 * does in its next join.
 */
export function isStillAssigned(
  before: Member,
  members: Iterable<Member>,
  protocol: string,
  count: PartitionCount,
): boolean {
  try {
    const topicsBefore = topicsOf(before, protocol)
    const topics = new Set<string>()
    const assigned = new Set<string>()
    for (const member of members) {
      const own = topicsOf(member, protocol)
      const isBack = member.instanceId === before.instanceId
      if (isBack && !isSame(own, topicsBefore)) return false
      for (const topic of own) topics.add(topic)
      for (const { topic, partition } of decodeAssignment(member.assignment).partitions) {
        if (!own.has(topic) || partition >= (count(topic) ?? 0)) return false
        assigned.add(`${topic}/${partition}`)
      }
    }
    let partitions = 0
    for (const topic of topics) partitions += count(topic) ?? 0
    return assigned.size === partitions
  } catch {
    return true
  }
}

function topicsOf(member: Member, protocol: string): Set<string> {
  return new Set(decodeSubscribedTopics(metadataOf(member, protocol)))
}

function isSame(topics: ReadonlySet<string>, others: ReadonlySet<string>): boolean {
  return topics.size === others.size && [...topics].every(topic => others.has(topic))
}
