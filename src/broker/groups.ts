/**
 * The coordinator of consumer groups: which groups there are, and their members' calls. One group: group.ts.
 */
import { MillraceError, type ActiveClock, type Clock, type Random } from '../base/index.ts'
import type {
  GroupCommit,
  GroupCoordinator,
  JoinedGroup,
  JoinGroup,
  LeaveGroup,
  MemberOfGroup,
  SyncedGroup,
  SyncGroup,
} from '../port/index.ts'
import { checkCommitToUnknown } from './group-checks.ts'
import { Group, type GroupContext } from './group.ts'
import { unknownMember } from './group-members.ts'
import type { KeptGroup } from './group-records.ts'
import type { GroupSettings } from './group-settings.ts'

export interface GroupsContext {
  readonly clock: Clock
  readonly active: ActiveClock
  readonly random: Random
  readonly settings: GroupSettings
  /** The groups of earlier runs. */
  readonly kept: ReadonlyMap<string, KeptGroup>
  /** Keeps a group, or forgets it; resolves when that is durable. */
  keep(group: string, kept: KeptGroup | undefined): Promise<void>
  commit(commit: GroupCommit): Promise<void>
}

export class Groups implements GroupCoordinator {
  readonly #context: GroupsContext
  readonly #settings: GroupSettings
  readonly #groups = new Map<string, Group>()
  readonly #groupContext: GroupContext

  constructor(context: GroupsContext) {
    const { clock, active, settings, kept } = context
    this.#context = context
    this.#settings = settings
    this.#groupContext = {
      clock,
      active,
      settings: this.#settings,
      newMemberId: prefix => `${prefix}-${this.#uuid()}`,
      keep: (group, state) => context.keep(group, state),
    }
    for (const [name, group] of kept) this.#groups.set(name, new Group(name, this.#groupContext, group))
  }

  async join(request: JoinGroup): Promise<JoinedGroup> {
    this.#checkJoin(request)
    const { group: name, memberId } = request
    let group = this.#groups.get(name)
    if (!group && memberId !== '') throw unknownMember(name, memberId)
    if (!group) this.#groups.set(name, (group = new Group(name, this.#groupContext)))
    return group.join(request)
  }

  async sync(request: SyncGroup): Promise<SyncedGroup> {
    return this.#known(request).sync(request)
  }

  heartbeat(member: MemberOfGroup): void {
    this.#known(member).heartbeat(member)
  }

  async rebalance(member: MemberOfGroup): Promise<void> {
    return this.#known(member).rebalance(member)
  }

  leave(request: LeaveGroup): void {
    this.#known(request).leave(request)
  }

  commit(commit: GroupCommit): Promise<void> {
    return this.#context.commit(commit)
  }

  /**
   * Checks that the committer may commit.
   * @throws MillraceError UNKNOWN_MEMBER_ID, ILLEGAL_GENERATION, FENCED_INSTANCE_ID, REBALANCE_IN_PROGRESS
   */
  check(commit: GroupCommit, isTransactional: boolean): void {
    const group = this.#groups.get(commit.group)
    if (group) group.checkCommit(commit, isTransactional)
    else checkCommitToUnknown(commit)
  }

  /** Groups that have members, or had some. */
  names(): string[] {
    return [...this.#groups.keys()]
  }

  get(name: string): Group | undefined {
    return this.#groups.get(name)
  }

  /** Members of a group, those included that are leaving. */
  members(group: string): number {
    return this.#groups.get(group)?.now.members.size ?? 0
  }

  /** Forgets a group without members. */
  async forget(name: string): Promise<void> {
    this.#groups.get(name)?.die()
    this.#groups.delete(name)
    await this.#context.keep(name, undefined)
  }

  #known({ group, memberId }: { readonly group: string; readonly memberId: string }): Group {
    const found = this.#groups.get(group)
    if (!found) throw unknownMember(group, memberId)
    return found
  }

  #checkJoin({ group, sessionTimeoutMs, rebalanceTimeoutMs }: JoinGroup): void {
    const { sessionTimeoutMsMin: min, sessionTimeoutMsMax: max } = this.#settings
    if (group === '') throw new MillraceError('INVALID_ARGUMENT', 'The name of a group is empty.')
    if (!(sessionTimeoutMs >= min && sessionTimeoutMs <= max))
      throw new MillraceError(
        'INVALID_SESSION_TIMEOUT',
        `The session time-out of a member of group '${group}' must be ${min} to ${max} ms, not ${sessionTimeoutMs}.`,
      )
    if (!(rebalanceTimeoutMs > 0))
      throw new MillraceError(
        'INVALID_ARGUMENT',
        `The rebalance time-out of a member of group '${group}' must be positive, not ${rebalanceTimeoutMs}.`,
      )
  }

  #uuid(): string {
    const hex = Buffer.from(this.#context.random.bytes(16)).toString('hex')
    return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
  }
}
