/**
 * What the members of a group tell each other in a round, by way of the coordinator, which does not read it:
 * each says what it reads and holds, the leader says what each gets.
 */
import type { TopicPartition } from '../log-port.ts'
import {
  type Assignor,
  decodeShareNote,
  encodeShareNote,
  type MemberNote,
  type PartitionCounts,
} from './assignors.ts'
import {
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
  type Subscription,
} from './consumer-protocol.ts'
import type { GroupProtocol, JoinedGroup, SyncGroup } from './coordinator.ts'
import { contradicts, foreignTopic } from './member-errors.ts'

/** What a member says as it joins, for each assignor that it knows. */
export function protocolsOf(
  assignors: readonly Assignor[],
  topics: readonly string[],
  owned: readonly TopicPartition[],
  note: MemberNote,
): GroupProtocol[] {
  const subscription = { topics, owned, generation: note.generation }
  return assignors.map(assignor => ({
    name: assignor.name,
    metadata: encodeSubscription({ ...subscription, userData: assignor.userData(note) }),
  }))
}

/**
 * What a leader tells all members; another member tells nothing. A member of another kind whose subscription
 * cannot be read is left out: it must not end the leader. `counts`: the partitions of topics.
 */
export async function assignmentsBy(
  joined: JoinedGroup,
  assignors: readonly Assignor[],
  counts: (topics: readonly string[]) => Promise<PartitionCounts>,
): Promise<SyncGroup['assignments']> {
  if (joined.leader !== joined.memberId || joined.skipAssignment) return []
  const candidates = joined.members.flatMap(({ memberId, instanceId, metadata }) => {
    const subscription = readable(metadata)
    return subscription ? [{ memberId, instanceId, subscription }] : []
  })
  const topics = new Set(candidates.flatMap(({ subscription }) => subscription.topics))
  const assignor = assignors.find(({ name }) => name === joined.protocol)!
  return assignor.assign(candidates, await counts([...topics])).map(({ partitions, ...note }, index) => ({
    memberId: candidates[index]!.memberId,
    assignment: encodeAssignment({ partitions, userData: encodeShareNote(note) }),
  }))
}

function readable(metadata: Uint8Array): Subscription | undefined {
  try {
    return decodeSubscription(metadata)
  } catch {
    return undefined
  }
}

export interface Assigned {
  readonly partitions: readonly TopicPartition[]
  /** There is nothing yet: others give partitions back first. */
  readonly isEmptyForNow: boolean
}

/**
 * What the leader says to a member that reads `topics`.
 * @throws MillraceError INVALID_ARGUMENT: the members contradict each other, or the leader assigned
 *   partitions of other topics
 */
export function assignedTo(
  { group, memberId }: { readonly group: string; readonly memberId: string },
  topics: readonly string[],
  assignment: Uint8Array,
): Assigned {
  const { partitions, userData } = decodeAssignment(assignment)
  const { withheld, refusal } = decodeShareNote(userData)
  if (refusal !== undefined) throw contradicts(group, refusal)
  const foreign = partitions.find(({ topic }) => !topics.includes(topic))
  if (foreign) throw foreignTopic(group, memberId, foreign.topic)
  return { partitions, isEmptyForNow: withheld > 0 && partitions.length === 0 }
}
