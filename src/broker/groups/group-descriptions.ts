/** A group, described from what is kept of it. */
import {
  consumerProtocolType,
  decodeAssignment,
  type GroupDetails,
  type GroupState,
  type OffsetCommit,
  type TopicPartition,
} from '../../port/index.ts'
import type { KeptGroup } from '../offsets/group-records.ts'

/** `kept`: undefined for a group that has never had members. */
export function describedGroup(
  group: string,
  kept: KeptGroup | undefined,
  state: GroupState,
  offsets: readonly OffsetCommit[],
): GroupDetails {
  const { protocolType, protocol, generation = 0, members = [] } = kept ?? {}
  return {
    group,
    state,
    protocolType: protocolType === '' ? undefined : protocolType,
    protocol,
    generation,
    members: members.map(({ memberId, instanceId, clientId, clientHost, assignment }) => ({
      memberId,
      instanceId,
      clientId,
      clientHost,
      assignment: protocolType === consumerProtocolType ? partitionsIn(assignment) : [],
    })),
    offsets,
  }
}

/** What a client wrote may be anything. */
function partitionsIn(assignment: Uint8Array): readonly TopicPartition[] {
  try {
    return decodeAssignment(assignment).partitions
  } catch {
    return []
  }
}
