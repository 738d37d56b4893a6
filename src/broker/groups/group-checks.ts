/** What is refused to members of a group, and to those who commit for it. */
import { MillraceError } from '../../base/index.ts'
import {
  consumerProtocolType,
  type GroupCommit,
  type GroupProtocol,
  type GroupState,
  type JoinGroup,
  type TopicPartition,
} from '../../port/index.ts'
import { checkText, textBytesMax } from '../offsets/stored-text.ts'
import type { Group } from './group.ts'
import { type GroupMembers, type Member, unknownMember } from './members.ts'

/** A member id is the client id, or the instance id, with this many characters more. */
const idSuffixChars = 37

/**
 * Checks what is kept of a member that joins, before anything changes.
 * @throws MillraceError INVALID_ARGUMENT; for the name of a group it is Kafka's INVALID_GROUP_ID
 */
export function checkJoinTexts(request: JoinGroup): void {
  const { group, instanceId, clientId, clientHost, protocolType, protocols } = request
  checkNamed(group)
  checkText('the name of a group', group)
  if (instanceId !== undefined) checkText('an instance id', instanceId, textBytesMax - idSuffixChars)
  checkText('a client id', clientId, textBytesMax - idSuffixChars)
  checkText('a client host', clientHost)
  checkText('a protocol type', protocolType)
  for (const { name } of protocols) checkText('the name of a protocol', name)
}

/** Kafka's INVALID_GROUP_ID: members and transactions need a name. A commit outside of both does not. */
function checkNamed(group: string): void {
  if (group === '') throw new MillraceError('INVALID_ARGUMENT', 'The name of a group is empty.')
}

/**
 * Checks the name of a group that offsets are committed to.
 * @throws MillraceError INVALID_ARGUMENT: Kafka's INVALID_GROUP_ID
 */
export function checkCommitName(group: string, isTransactional: boolean): void {
  if (isTransactional) checkNamed(group)
  checkText('the name of a group', group)
}

/**
 * Offsets of topics that members read are theirs. Members other than consumers do not say what they read.
 * @throws MillraceError GROUP_SUBSCRIBED_TO_TOPIC, GROUP_NOT_EMPTY
 */
export function checkUnsubscribed(
  name: string,
  group: Group | undefined,
  partitions: readonly TopicPartition[],
): void {
  const { protocolType, state = 'Empty' } = group?.now ?? {}
  if (state !== 'Empty' && protocolType !== consumerProtocolType)
    throw notEmpty(name, `its members are of protocol type '${protocolType}'`)
  const topics = group?.topics() ?? new Set<string>()
  const read = partitions.find(({ topic }) => topics === 'unknown' || topics.has(topic))
  if (read)
    throw new MillraceError(
      'GROUP_SUBSCRIBED_TO_TOPIC',
      `Members of group '${name}' read topic '${read.topic}': its offsets stay. Stop them first.`,
    )
}

/** Kafka's GROUP_ID_NOT_FOUND. */
export function unknownGroup(group: string): MillraceError {
  return new MillraceError(
    'UNKNOWN_GROUP',
    `There is no group '${group}' over this log: nobody has joined it, or committed for it. Check the name.`,
  )
}

/** Kafka's NON_EMPTY_GROUP. */
export function notEmpty(group: string, who: string): MillraceError {
  return new MillraceError(
    'GROUP_NOT_EMPTY',
    `Offsets of '${group}' cannot be changed while it is active (${who}). Stop it first.`,
  )
}

export function ofApp(group: string): MillraceError {
  return new MillraceError(
    'INVALID_ARGUMENT',
    `'${group}' is an app: its state belongs to its offsets. Delete both with log.deleteApp('${group}').`,
  )
}

interface Present {
  readonly state: GroupState
  readonly generation: number
  readonly members: GroupMembers
}

/**
 * Whether the committer may commit, as Kafka decides it. A committer that names neither a member nor a
 * generation may commit to a group without members, and within a transaction to any group (clients from
 * before KIP-447).
 * @returns the member that commits
 * @throws MillraceError UNKNOWN_MEMBER_ID, ILLEGAL_GENERATION, FENCED_INSTANCE_ID, REBALANCE_IN_PROGRESS
 */
export function checkGroupCommit(
  { state, generation, members }: Present,
  commit: GroupCommit,
  isTransactional: boolean,
): Member | undefined {
  const { group, memberId = '', instanceId, generation: committed = -1 } = commit
  if (committed < 0 && members.size === 0) return undefined
  if (committed < 0 && memberId === '' && instanceId === undefined) {
    if (isTransactional) return undefined
    throw new MillraceError(
      'UNKNOWN_MEMBER_ID',
      `Group '${group}' has members: only they commit its offsets. Join it, or stop them first.`,
    )
  }
  const member = members.checked(memberId, instanceId)
  if (committed !== generation) throw illegalGeneration(group, memberId, committed)
  // It has joined and not synced: it does not know yet which partitions are its own.
  if (!isTransactional && state === 'CompletingRebalance') throw rebalancing(group)
  return member
}

/** Commits for a group that nobody has joined: only without a generation. */
export function checkCommitToUnknown({ group, memberId, generation = -1 }: GroupCommit): void {
  if (generation >= 0) throw unknownMember(group, memberId ?? '')
}

/** Kafka's ILLEGAL_GENERATION. */
export function illegalGeneration(group: string, memberId: string, generation: number): MillraceError {
  const who = memberId === '' ? 'The committer' : `Member '${memberId}'`
  return new MillraceError(
    'ILLEGAL_GENERATION',
    `${who} of group '${group}' is of generation ${generation}, which has passed: its partitions may have another owner. Drop uncommitted work.`,
  )
}

/** Kafka's REBALANCE_IN_PROGRESS. */
export function rebalancing(group: string): MillraceError {
  return new MillraceError(
    'REBALANCE_IN_PROGRESS',
    `Group '${group}' shares its partitions among its members now: join it again.`,
    { retriable: true },
  )
}

/** Kafka's INCONSISTENT_GROUP_PROTOCOL. */
export function inconsistent(
  group: string,
  present: readonly GroupProtocol[],
  given: readonly GroupProtocol[],
): MillraceError {
  const who = (protocols: readonly GroupProtocol[]): string =>
    protocols.some(({ name }) => name === 'millrace') ? 'an app' : 'consumers'
  const [here, there] = [who(present), who(given)]
  const names = (protocols: readonly GroupProtocol[]): string =>
    [...new Set(protocols.map(({ name }) => name))].join(', ') || 'none'
  return new MillraceError(
    'INCONSISTENT_GROUP_PROTOCOL',
    here === there
      ? `The members of group '${group}' share partitions by ${names(present)}, and this one by ${names(given)}. Give all of them one assignor in common.`
      : `The group '${group}' belongs to ${here}, and cannot belong to ${there} as well: each would take records away from the other. Use another name.`,
  )
}
