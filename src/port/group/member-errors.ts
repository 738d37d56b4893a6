/** Why a member of a group cannot stay in it. */
import { MillraceError } from '../../base/index.ts'

export function hasLeft(group: string, memberId: string): MillraceError {
  return new MillraceError(
    'MEMBER_FENCED',
    `Member '${memberId}' of group '${group}' has left: its partitions may have another owner.`,
  )
}

export function tooLate(group: string, memberId: string, timeoutMs: number): MillraceError {
  return new MillraceError(
    'MEMBER_FENCED',
    `Member '${memberId}' of group '${group}' did not answer a rebalance within ${timeoutMs} ms: its partitions have other owners, which get its uncommitted records again. Do less work for each record, or raise rebalanceTimeout.`,
  )
}

export function foreignTopic(group: string, memberId: string, topic: string): MillraceError {
  return new MillraceError(
    'INVALID_ARGUMENT',
    `Member '${memberId}' of group '${group}' was assigned partitions of topic '${topic}', which it does not read. Join again; if that lasts, stop the leader of the group.`,
  )
}

export function contradicts(group: string, refusal: string): MillraceError {
  return new MillraceError(
    'INVALID_ARGUMENT',
    `Members of group '${group}' share ${refusal}. Use the same set everywhere.`,
  )
}
