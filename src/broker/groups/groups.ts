/**
 * The coordinator of consumer groups: which groups there are, and their members' calls. One group: group.ts.
 */
import { MillraceError, type ActiveClock, type Clock, type Random } from '../../base/index.ts'
import type {
  GroupCommit,
  GroupCoordinator,
  JoinedGroup,
  JoinGroup,
  LeaveGroup,
  MemberOfGroup,
  SyncedGroup,
  SyncGroup,
} from '../../port/index.ts'
import { checkCommitName, checkCommitToUnknown, checkJoinTexts, notEmpty } from './group-checks.ts'
import { Group, type GroupContext } from './group.ts'
import { unknownMember } from './members.ts'
import type { KeptGroup } from '../offsets/group-records.ts'
import type { PartitionCount } from './returns.ts'
import type { GroupSettings } from './group-settings.ts'

export interface GroupsContext {
  readonly clock: Clock
  readonly active: ActiveClock
  readonly random: Random
  readonly settings: GroupSettings
  readonly partitionCount: PartitionCount
  /** The groups of earlier runs. */
  readonly kept: ReadonlyMap<string, KeptGroup>
  /** Keeps a group; resolves when that is durable. */
  keep(group: string, kept: KeptGroup): Promise<void>
  /** Forgets a group, and its offsets; appended in this turn, resolves when that is durable. */
  forget(group: string): Promise<void>
  commit(commit: GroupCommit): Promise<void>
  /**
   * Finishes a deletion of the app of this name that a failure has interrupted; undefined: there is none.
   * Rejects with what the deletion fails with.
   */
  finishDeletion(group: string): Promise<void> | undefined
}

/** Kept in 32 bits. */
const rebalanceTimeoutMsMax = 0x7fff_ffff

export class Groups implements GroupCoordinator {
  readonly #context: GroupsContext
  readonly #settings: GroupSettings
  readonly #groups = new Map<string, Group>()
  /** Groups that are being deleted: a new member waits until that has ended. */
  readonly #deleting = new Map<string, Promise<void>>()
  readonly #groupContext: GroupContext

  constructor(context: GroupsContext) {
    const { clock, active, settings, kept, partitionCount } = context
    this.#context = context
    this.#settings = settings
    this.#groupContext = {
      clock,
      active,
      settings: this.#settings,
      partitionCount,
      newMemberId: prefix => `${prefix}-${this.#uuid()}`,
      keep: (group, state) => context.keep(group, state),
    }
    for (const [name, group] of kept) this.#groups.set(name, new Group(name, this.#groupContext, group))
  }

  async join(request: JoinGroup): Promise<JoinedGroup> {
    this.#checkJoin(request)
    const { group: name, memberId } = request
    for (let deletion; (deletion = this.#context.finishDeletion(name) ?? this.#deleting.get(name));)
      await deletion
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
   * @throws MillraceError UNKNOWN_MEMBER_ID, ILLEGAL_GENERATION, FENCED_INSTANCE_ID, REBALANCE_IN_PROGRESS;
   *   INVALID_ARGUMENT for the name of a group
   */
  check(commit: GroupCommit, isTransactional: boolean): void {
    checkCommitName(commit.group, isTransactional)
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

  /**
   * Runs the deletion of a group; until it has ended nobody joins. `work` checks first, in the turn in which
   * it is called, whether the group may be deleted. Then it calls `forget`.
   */
  async whileDeleting<T>(name: string, work: (forget: () => Promise<void>) => Promise<T>): Promise<T> {
    for (let deleting; (deleting = this.#deleting.get(name));) await deleting
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#deleting.set(name, promise)
    try {
      return await work(() => this.#forget(name))
    } finally {
      this.#deleting.delete(name)
      resolve()
    }
  }

  /**
   * Forgets a group that is empty, and its offsets. A group that cannot be forgotten stays. One whose last
   * member has just left may still wait for others: it is not empty before that rebalance ends, as in Kafka.
   */
  async #forget(name: string): Promise<void> {
    const group = this.#groups.get(name)
    const { members, state } = group?.now ?? {}
    if (members && members.size > 0) throw notEmpty(name, `${members.size} members`)
    if (state !== undefined && state !== 'Empty') throw notEmpty(name, 'a rebalance without members')
    await this.#context.forget(name)
    group?.die()
    this.#groups.delete(name)
  }

  #known({ group, memberId }: { readonly group: string; readonly memberId: string }): Group {
    const found = this.#groups.get(group)
    if (!found) throw unknownMember(group, memberId)
    return found
  }

  #checkJoin(request: JoinGroup): void {
    checkJoinTexts(request)
    const { group, sessionTimeoutMs, rebalanceTimeoutMs } = request
    const { sessionTimeoutMsMin: min, sessionTimeoutMsMax: max } = this.#settings
    if (!(sessionTimeoutMs >= min && sessionTimeoutMs <= max))
      throw new MillraceError(
        'INVALID_SESSION_TIMEOUT',
        `The session time-out of a member of group '${group}' must be ${min} to ${max} ms, not ${sessionTimeoutMs}: the log was opened with group.min.session.timeout.ms ${min} and group.max.session.timeout.ms ${max}. Set the sessionTimeout of the consumer. Apps always ask for 45000: for them, open the log with limits that admit it.`,
      )
    if (!(rebalanceTimeoutMs > 0 && rebalanceTimeoutMs <= rebalanceTimeoutMsMax))
      throw new MillraceError(
        'INVALID_ARGUMENT',
        `The rebalance time-out of a member of group '${group}' must be 1 to ${rebalanceTimeoutMsMax} ms, not ${rebalanceTimeoutMs}.`,
      )
  }

  #uuid(): string {
    const hex = Buffer.from(this.#context.random.bytes(16)).toString('hex')
    return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
  }
}
