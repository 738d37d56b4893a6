/**
 * The coordinator of one group: Kafka's classic protocol.
 *
 * ```
 *   Empty ──join──▶ PreparingRebalance ──all have joined, or time-out──▶ CompletingRebalance
 *     ▲                  ▲        │                                          │        │
 *     └─none are left────┼────────┘              the leader's sync is durable│        │a member leaves or joins
 *                        └───a member joins, leaves, is late──── Stable ◀────┘        │
 *                        └────────────────────────────────────────────────────────────┘
 * ```
 *
 * Dead: the group was deleted.
 *
 * Invariants
 * - The generation rises when all have joined, and never falls, also over restarts: an assignment is told to
 *   nobody before it is durable, with its generation.
 * - A commit counts in the present generation only. So two members can commit for one partition only if their
 *   leader assigned it to both.
 * - A member in this process is one whose session does not run while its `alive` signal lasts. It does not
 *   outlive the process: its place is dropped when the group is read again.
 */
import { MillraceError, type ActiveClock, type Clock } from '../../base/index.ts'
import {
  consumerProtocolType,
  decodeSubscribedTopics,
  type GroupCommit,
  type JoinedGroup,
  type JoinGroup,
  type LeaveGroup,
  memberIdRequired,
  type MemberOfGroup,
  type SyncedGroup,
  type SyncGroup,
} from '../../port/index.ts'
import { checkGroupCommit, illegalGeneration, inconsistent, rebalancing } from './group-checks.ts'
import { keptMember, type Member, metadataOf, newMember, unknownMember } from './members.ts'
import type { KeptGroup } from '../offsets/group-records.ts'
import { Rebalances } from './rebalance.ts'
import { isStillAssigned, type PartitionCount } from './returns.ts'
import type { GroupSettings } from './group-settings.ts'

/** The client host of members in this process. */
export const inProcessHost = 'in process'
/**
 * A new member whose join is not answered for this long is removed: its client may have gone. As in Kafka.
 */
const newMemberTimeoutMs = 5 * 60_000

export interface GroupContext {
  readonly clock: Clock
  /** The clock of sessions and rebalances. */
  readonly active: ActiveClock
  readonly settings: GroupSettings
  newMemberId(prefix: string): string
  readonly partitionCount: PartitionCount
  /** Keeps the group; resolves when that is durable. */
  keep(group: string, kept: KeptGroup): Promise<void>
}

export class Group {
  readonly name: string
  readonly #context: GroupContext
  readonly #rebalances: Rebalances

  constructor(name: string, context: GroupContext, kept?: KeptGroup) {
    this.name = name
    this.#context = context
    this.#rebalances = new Rebalances(name, context)
    if (!kept) return
    const members = kept.members.filter(
      ({ clientHost, instanceId }) => clientHost !== inProcessHost || instanceId !== undefined,
    )
    this.#rebalances.restore(
      kept,
      members.map(member => keptMember(member, kept.protocol ?? '')),
    )
  }

  /** Its state, for those who look at it. */
  get now(): Readonly<Rebalances> {
    return this.#rebalances
  }

  /** Whether nobody is in it, or about to be. */
  get isUnused(): boolean {
    return this.#rebalances.state === 'Empty' && this.#rebalances.promised.size === 0
  }

  async join(request: JoinGroup): Promise<JoinedGroup> {
    const { memberId, instanceId } = request
    const { members, promised, state, leader } = this.#rebalances
    this.#checkJoin(request)
    if (memberId === '') return this.#joinNew(request)
    if (promised.has(memberId) && instanceId === undefined) return this.#add(memberId, request)
    const member = members.checked(memberId, instanceId)
    const isSame = isSameProtocols(member, request)
    // An answer to an earlier join was lost; or nothing has changed for this follower.
    if (state === 'CompletingRebalance' && isSame) return this.#rebalances.answerTo(member)
    if (state === 'Stable' && isSame && member.id !== leader) return this.#rebalances.answerTo(member)
    update(member, request)
    this.#rebalances.sessions.watch(member, request.alive)
    return this.#rebalances.waitForOthers(member)
  }

  async sync(request: SyncGroup): Promise<SyncedGroup> {
    const rebalances = this.#rebalances
    const member = this.#checkSync(request)
    if (rebalances.state === 'PreparingRebalance') throw rebalancing(this.name)
    const answer = rebalances.sync(member)
    if (rebalances.state === 'CompletingRebalance' && member.id === rebalances.leader)
      void rebalances.assign(new Map(request.assignments.map(each => [each.memberId, each.assignment])))
    return answer
  }

  heartbeat(request: MemberOfGroup): void {
    const { sessions, state } = this.#rebalances
    sessions.prolong(this.#checkMember(request))
    if (state === 'PreparingRebalance') throw rebalancing(this.name)
  }

  async rebalance({ memberId, instanceId, generation }: MemberOfGroup): Promise<void> {
    const { members, state, generation: current } = this.#rebalances
    const member = members.checked(memberId, instanceId)
    if (state === 'Stable' && generation === current) await member.woken.promise
  }

  leave({ memberId, instanceId }: LeaveGroup): void {
    const { members, promised } = this.#rebalances
    if (promised.has(memberId)) {
      promised.delete(memberId)
      return this.#rebalances.completeIfAllJoined()
    }
    const isNamed = memberId === '' && instanceId !== undefined
    const member = isNamed ? members.byInstance(instanceId) : members.checked(memberId, instanceId)
    if (!member) throw unknownMember(this.name, memberId)
    this.#rebalances.removeAndShare(member)
  }

  /**
   * Checks that the committer may commit, as Kafka does, and prolongs its session.
   * @throws MillraceError UNKNOWN_MEMBER_ID, ILLEGAL_GENERATION, FENCED_INSTANCE_ID, REBALANCE_IN_PROGRESS
   */
  checkCommit(commit: GroupCommit, isTransactional: boolean): void {
    const member = checkGroupCommit(this.#rebalances, commit, isTransactional)
    if (member) this.#rebalances.sessions.prolong(member)
  }

  /** The topics that its members read; `unknown` if they share something else than topics. */
  topics(): ReadonlySet<string> | 'unknown' {
    const { members, protocolType, protocol } = this.#rebalances
    if (members.size === 0) return new Set()
    if (protocolType !== consumerProtocolType) return 'unknown'
    const topics = new Set<string>()
    try {
      for (const member of members)
        // Before the first assignment no protocol is chosen: all say the same topics.
        for (const topic of decodeSubscribedTopics(metadataOf(member, protocol ?? member.protocols[0]!.name)))
          topics.add(topic)
    } catch {
      return 'unknown'
    }
    return topics
  }

  /** The group is deleted: nobody is in it. */
  die(): void {
    this.#rebalances.die()
  }

  #checkJoin(request: JoinGroup): void {
    const { memberId, protocolType, protocols } = request
    const { members, promised, state, protocolType: present } = this.#rebalances
    const isOther = protocolType === '' || (members.size > 0 && protocolType !== present)
    if (protocols.length === 0 || isOther || !members.supports(protocols))
      throw inconsistent(
        this.name,
        [...members].flatMap(each => each.protocols),
        protocols,
      )
    const { sizeMax } = this.#context.settings
    if (members.get(memberId)) return
    const count =
      state === 'PreparingRebalance'
        ? [...members].filter(({ join }) => join).length
        : members.size + promised.size - (promised.has(memberId) ? 1 : 0)
    if (count >= sizeMax)
      throw new MillraceError(
        'GROUP_MAX_SIZE_REACHED',
        `Group '${this.name}' has its ${sizeMax} members (group.max.size). Use another group, or raise the limit.`,
      )
  }

  #joinNew(request: JoinGroup): Promise<JoinedGroup> {
    const { instanceId, clientId, requireMemberId } = request
    const id = this.#context.newMemberId(instanceId ?? clientId)
    if (instanceId !== undefined) {
      const before = this.#rebalances.members.byInstance(instanceId)
      return before ? this.#replace(before, id, request) : this.#add(id, request)
    }
    if (!requireMemberId) return this.#add(id, request)
    this.#rebalances.promised.add(id, request.sessionTimeoutMs)
    throw memberIdRequired(this.name, id)
  }

  #add(id: string, request: JoinGroup): Promise<JoinedGroup> {
    const member = newMember(id, request)
    const rebalances = this.#rebalances
    rebalances.promised.delete(id)
    rebalances.sessions.watch(member, request.alive)
    rebalances.add(member, request.protocolType)
    return rebalances.waitForOthers(member, newMemberTimeoutMs)
  }

  /**
   * A static member is back. Its partitions stay its own, and nobody needs to join again, as long as the
   * group's assignment holds.
   */
  async #replace(before: Member, id: string, request: JoinGroup): Promise<JoinedGroup> {
    const rebalances = this.#rebalances
    const member = { ...newMember(id, request), assignment: before.assignment, isNew: false }
    rebalances.sessions.watch(member, request.alive)
    rebalances.replace(before, member)
    const { state, protocol, members } = rebalances
    const { partitionCount } = this.#context
    const isSame = state === 'Stable' && members.vote() === protocol
    if (!isSame || !isStillAssigned(before, members, protocol, partitionCount))
      return rebalances.waitForOthers(member)
    rebalances.sessions.prolong(member)
    const skipAssignment = rebalances.leader === id
    const answer = { ...rebalances.answerTo(member), skipAssignment }
    await this.#context.keep(this.name, rebalances.kept())
    return answer
  }

  #checkMember({ memberId, instanceId, generation }: MemberOfGroup): Member {
    const member = this.#rebalances.members.checked(memberId, instanceId)
    if (generation !== this.#rebalances.generation) throw illegalGeneration(this.name, memberId, generation)
    return member
  }

  #checkSync(request: SyncGroup): Member {
    const member = this.#checkMember(request)
    const present = this.#rebalances
    const { protocolType = present.protocolType, protocol = present.protocol } = request
    if (protocolType !== present.protocolType || protocol !== present.protocol)
      throw inconsistent(this.name, member.protocols, [])
    return member
  }
}

function update(member: Member, request: JoinGroup): void {
  const { clientId, clientHost, sessionTimeoutMs, rebalanceTimeoutMs, protocols } = request
  Object.assign(member, { clientId, clientHost, sessionTimeoutMs, rebalanceTimeoutMs, protocols })
}

function isSameProtocols({ protocols }: Member, request: JoinGroup): boolean {
  return (
    protocols.length === request.protocols.length &&
    protocols.every(({ name, metadata }, index) => {
      const other = request.protocols[index]!
      return name === other.name && Buffer.compare(metadata, other.metadata) === 0
    })
  )
}
