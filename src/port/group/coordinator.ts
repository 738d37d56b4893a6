/**
 * The coordinator of consumer groups, as its members call it: Kafka's classic protocol, with plain data. In
 * process the calls reach the broker directly; over TCP they become requests.
 *
 * A member joins, and with it all other members join again. The one that is the **leader** then computes the
 * assignment of all, from what each said of itself, and hands it over with its sync. The others receive
 * theirs as the answer to their sync. Each such round has the next **generation**.
 *
 * Every refusal is a MillraceError:
 *
 * | code                        | what the member does                                                       |
 * | --------------------------- | -------------------------------------------------------------------------- |
 * | REBALANCE_IN_PROGRESS       | joins again                                                                |
 * | ILLEGAL_GENERATION          | joins again; a commit is lost                                              |
 * | UNKNOWN_MEMBER_ID           | has been removed: drops its uncommitted work, and may join as a new member |
 * | FENCED_INSTANCE_ID          | ends: another member has its instance id                                   |
 * | MEMBER_ID_REQUIRED          | joins again with the id of {@link requiredMemberId} (KIP-394)              |
 * | INCONSISTENT_GROUP_PROTOCOL | ends: the group shares its partitions in another way                       |
 * | GROUP_MAX_SIZE_REACHED      | ends                                                                       |
 * | INVALID_SESSION_TIMEOUT     | ends                                                                       |
 */
import { isMillraceError, MillraceError } from '../../base/index.ts'
import type { GroupCommit } from '../log-port.ts'

/** One of the ways in which a member can share partitions, and what it says of itself for that. */
export interface GroupProtocol {
  readonly name: string
  readonly metadata: Uint8Array
}

export interface JoinGroup {
  readonly group: string
  /** Empty for a new member: the coordinator gives it an id. */
  readonly memberId: string
  /** Makes the member static (KIP-345): it may come back under this id, and gets its partitions again. */
  readonly instanceId?: string | undefined
  readonly clientId: string
  readonly clientHost: string
  /** `consumer`. */
  readonly protocolType: string
  /** In the order in which the member prefers them. */
  readonly protocols: readonly GroupProtocol[]
  /** The member is removed when it was not heard of for this long. */
  readonly sessionTimeoutMs: number
  /** The member is removed when it does not join again within this time. */
  readonly rebalanceTimeoutMs: number
  /**
   * Refuses a new member with MEMBER_ID_REQUIRED, so that an answer that gets lost leaves no member behind.
   */
  readonly requireMemberId?: boolean
  /** For a member in this process: its session does not expire before this signal aborts. */
  readonly alive?: AbortSignal
}

export interface JoinedGroup {
  readonly memberId: string
  readonly generation: number
  readonly protocolType: string
  /** The protocol that all members can use, and most prefer. */
  readonly protocol: string
  /** The member id of the leader. */
  readonly leader: string
  /** For the leader: all members. Empty for the others. */
  readonly members: readonly JoinedMember[]
  /** For a static leader that came back: the group keeps its assignment. */
  readonly skipAssignment: boolean
}

export interface JoinedMember {
  readonly memberId: string
  readonly instanceId: string | undefined
  /** What it said of itself under the group's protocol. */
  readonly metadata: Uint8Array
}

/** A member of one generation. */
export interface MemberOfGroup {
  readonly group: string
  readonly memberId: string
  readonly instanceId?: string | undefined
  readonly generation: number
}

export interface SyncGroup extends MemberOfGroup {
  /** Checked if given. */
  readonly protocolType?: string
  readonly protocol?: string
  /** From the leader: the assignment of each member. Empty from the others. */
  readonly assignments: readonly { readonly memberId: string; readonly assignment: Uint8Array }[]
}

export interface SyncedGroup {
  readonly protocolType: string
  readonly protocol: string
  readonly assignment: Uint8Array
}

/** A member that leaves; a static one may be named by its instance id alone. */
export interface LeaveGroup {
  readonly group: string
  readonly memberId: string
  readonly instanceId?: string | undefined
}

export interface GroupCoordinator {
  /** Resolves when all members have joined, or the rebalance time-out has passed. */
  join(request: JoinGroup): Promise<JoinedGroup>
  /** Resolves when the leader has handed over the assignment, and it is durable. */
  sync(request: SyncGroup): Promise<SyncedGroup>
  /** Prolongs the member's session. Throws REBALANCE_IN_PROGRESS when it has to join again. */
  heartbeat(member: MemberOfGroup): void
  /**
   * The heartbeat that waits: resolves when the member has to join again, and rejects when it has been
   * removed.
   */
  rebalance(member: MemberOfGroup): Promise<void>
  /** Removes a member: the others share its partitions. */
  leave(request: LeaveGroup): void
  /** Commits offsets outside a transaction. */
  commit(commit: GroupCommit): Promise<void>
}

/** The refusal of a new member, with the id that it has to join with. */
export function memberIdRequired(group: string, memberId: string): MillraceError {
  return new MillraceError(
    'MEMBER_ID_REQUIRED',
    `A new member of group '${group}' must join again with the member id '${memberId}'.`,
    { cause: { memberId }, retriable: true },
  )
}

/** The id in a MEMBER_ID_REQUIRED error. */
export function requiredMemberId(error: unknown): string | undefined {
  if (!isMillraceError(error, 'MEMBER_ID_REQUIRED')) return undefined
  return (error.cause as { readonly memberId: string }).memberId
}

/** The refusals of a coordinator as users of a log see them: MEMBER_FENCED, with the refusal as its cause. */
export function asFenced(error: unknown): unknown {
  const isFenced = isMillraceError(error, 'UNKNOWN_MEMBER_ID', 'ILLEGAL_GENERATION', 'FENCED_INSTANCE_ID')
  return isFenced ? new MillraceError('MEMBER_FENCED', error.message, { cause: error }) : error
}
