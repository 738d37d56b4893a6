/**
 * Kafka's `cooperative-sticky`, by name, formats and promises: counts that differ by one at most where the
 * subscriptions allow it, as few moves as possible, and what moves reaches its new owner only when the old
 * one has given it back (KIP-429).
 *
 * The user data of a subscription is, as Java's, the generation int32; then partitions that the member works
 * on, which Java's leaders skip. Java's members say only the generation, those of librdkafka what they own.
 */
import { encodeStructure, type Structure } from '../../wire/index.ts'
import type { TopicPartition } from '../log-port.ts'
import type { Assignor, Candidate, PartitionCounts } from './assignors.ts'
import { byTopic, eachPartition, readNote } from './consumer-protocol.ts'
import { nameOf, Owners } from './owners.ts'

/** The user data of a subscription, without a version. */
const note = {
  name: 'CooperativeStickyNote',
  versions: '0',
  flexible: 'none',
  fields: [
    { name: 'generation', type: 'int32' },
    /** The partitions that the member works on. */
    {
      name: 'busy',
      array: [
        { name: 'topic', type: 'string' },
        { name: 'partitions', array: 'int32' },
      ],
    },
  ],
} as const satisfies Structure
const noteVersion = 0

export const cooperativeSticky: Assignor = {
  name: 'cooperative-sticky',
  rebalance: 'cooperative',
  userData: ({ generation, busy }) => encodeStructure(note, noteVersion, { generation, busy: byTopic(busy) }),
  assign(candidates, counts) {
    const owners = new Owners(candidates)
    const targets = balanced(candidates, counts, owners)
    return targets.map((all, index) => {
      const partitions = all.filter(partition => !owners.isHeldFrom(partition, index))
      return { partitions, withheld: all.length - partitions.length }
    })
  },
}

function balanced(
  candidates: readonly Candidate[],
  counts: PartitionCounts,
  owners: Owners,
): readonly TopicPartition[][] {
  const subscribed = candidates.map(({ subscription }) => new Set(subscription.topics))
  const busy = candidates.map(({ subscription }) => new Set(busyOf(subscription.userData).map(nameOf)))
  const targets = candidates.map((): TopicPartition[] => [])
  const free: TopicPartition[] = []
  for (const [topic, count] of [...counts].toSorted(([a], [b]) => (a < b ? -1 : 1)))
    for (let partition = 0; partition < count; partition += 1) {
      const owner = owners.of({ topic, partition })
      if (owner !== undefined && subscribed[owner]!.has(topic)) targets[owner]!.push({ topic, partition })
      else free.push({ topic, partition })
    }
  const smallest = (topic: string): number | undefined => {
    let best: number | undefined
    for (const [index, topics] of subscribed.entries())
      if (topics.has(topic) && (best === undefined || targets[index]!.length < targets[best]!.length))
        best = index
    return best
  }
  for (const partition of free) {
    const to = smallest(partition.topic)
    if (to !== undefined) targets[to]!.push(partition)
  }
  // Each move lowers the sum of the squares of the counts, so this ends.
  while (moveOne(targets, subscribed, busy));
  return targets
}

/** Moves one partition from a member to one that has fewer by two or more; false if there is none. */
function moveOne(
  targets: readonly TopicPartition[][],
  subscribed: readonly ReadonlySet<string>[],
  busy: readonly ReadonlySet<string>[],
): boolean {
  const bySize = [...targets.keys()].sort((a, b) => targets[a]!.length - targets[b]!.length || a - b)
  for (const from of bySize.toReversed())
    for (const to of bySize) {
      const give = targets[from]!
      if (give.length - targets[to]!.length < 2) break
      const movable = (partition: TopicPartition): boolean => subscribed[to]!.has(partition.topic)
      const idle = give.findLastIndex(each => movable(each) && !busy[from]!.has(nameOf(each)))
      const at = idle < 0 ? give.findLastIndex(movable) : idle
      if (at < 0) continue
      targets[to]!.push(...give.splice(at, 1))
      return true
    }
  return false
}

function busyOf(userData: Uint8Array | undefined): readonly TopicPartition[] {
  return eachPartition(readNote(note, noteVersion, userData)?.busy ?? [])
}
