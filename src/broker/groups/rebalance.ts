/**
 * The rebalances of one group: its state, its generation, and how the members' joins and syncs are answered.
 * The states and the invariants: group.ts.
 */
import { MillraceError, type Timer } from '../../base/index.ts'
import type { GroupState, JoinedGroup, SyncedGroup } from '../../port/index.ts'
import type { GroupContext } from './group.ts'
import { rebalancing } from './group-checks.ts'
import { GroupMembers, handled, type Member, metadataOf, noBytes, unknownMember } from './members.ts'
import { PromisedIds } from './promised-ids.ts'
import type { KeptGroup } from '../offsets/group-records.ts'
import { Sessions } from './sessions.ts'

export class Rebalances {
  readonly #name: string
  readonly #context: GroupContext
  readonly members: GroupMembers
  readonly sessions: Sessions
  #state: GroupState = 'Empty'
  #sinceMs: number
  #generation = 0
  #protocolType: string | undefined
  #protocol: string | undefined
  #leader: string | undefined
  readonly promised: PromisedIds
  /** Ends a rebalance. */
  #joinTimer: Timer | undefined
  /** While an empty group waits for more members: whether one came since the last look. */
  #initial: { isGrowing: boolean } | undefined
  /** Removes members that do not sync. */
  #syncTimer: Timer | undefined
  #unsynced = new Set<string>()
  /** The generation whose assignment is being kept. */
  #assigning = 0

  constructor(name: string, context: GroupContext) {
    this.#name = name
    this.#context = context
    this.members = new GroupMembers(name)
    this.sessions = new Sessions(context.active, member => this.removeAndShare(member))
    this.promised = new PromisedIds(context.active, () => this.completeIfAllJoined())
    this.#sinceMs = context.clock.now()
  }

  get state(): GroupState {
    return this.#state
  }

  /** Since when it has been in its state, by the wall clock. */
  get sinceMs(): number {
    return this.#sinceMs
  }

  get generation(): number {
    return this.#generation
  }

  /** Undefined for a group that has never had members. */
  get protocolType(): string | undefined {
    return this.#protocolType
  }

  get protocol(): string | undefined {
    return this.#protocol
  }

  get leader(): string | undefined {
    return this.#leader
  }

  /** Continues as the group was kept, with these of its members. */
  restore(kept: KeptGroup, members: readonly Member[]): void {
    this.#protocolType = kept.protocolType
    this.#generation = kept.generation
    if (kept.members.length === 0 && kept.sinceMs >= 0) this.#sinceMs = kept.sinceMs
    for (const member of members) this.members.add(member)
    // Members of a process that has ended: the group is empty since now, also for the starts that follow.
    if (members.length === 0 && kept.members.length > 0) this.#keepEmpty()
    if (members.length === 0) return
    this.#state = 'Stable'
    this.#protocol = kept.protocol
    this.#leader = members.find(({ id }) => id === kept.leader)?.id ?? members[0]!.id
    for (const member of members) this.sessions.prolong(member)
    // The others share what was assigned to those that are gone.
    if (members.length < kept.members.length) this.#prepare()
  }

  /** A new member. The group's first one decides for which kind of members it is. */
  add(member: Member, protocolType: string): void {
    if (this.members.size === 0) this.#protocolType = protocolType
    this.members.add(member)
    this.#leader ??= member.id
    if (this.#initial) this.#initial.isGrowing = true
  }

  /** Puts a static member in the place of the one that had its instance id. */
  replace(before: Member, member: Member): void {
    this.members.remove(before)
    this.members.add(member)
    if (this.#leader === before.id) this.#leader = member.id
    let reason: unknown = unknownMember(this.#name, before.id)
    try {
      this.members.checked(before.id, before.instanceId)
    } catch (fenced) {
      reason = fenced
    }
    this.#release(before, reason)
  }

  /** The group is deleted: nothing of it may act on the next group of its name. */
  die(): void {
    this.promised.clear()
    this.#joinTimer?.cancel()
    this.#syncTimer?.cancel()
    this.#enter('Dead')
  }

  /** The answer to a member's join, when all have joined. */
  waitForOthers(member: Member, sessionMs?: number): Promise<JoinedGroup> {
    member.join?.reject(unknownMember(this.#name, member.id))
    member.join = Promise.withResolvers()
    const { promise } = member.join
    this.sessions.prolong(member, sessionMs)
    if (this.#state === 'PreparingRebalance') this.completeIfAllJoined()
    else this.#prepare()
    return promise
  }

  /** Begins a rebalance: all members have to join again. */
  #prepare(): void {
    const { active, settings } = this.#context
    this.#syncTimer?.cancel()
    this.#answerSyncs(({ reject }) => reject(rebalancing(this.#name)))
    const wasEmpty = this.#state === 'Empty'
    this.#enter('PreparingRebalance')
    for (const member of this.members) {
      member.woken.resolve()
      member.woken = handled()
    }
    if (wasEmpty && settings.initialRebalanceDelayMs > 0) {
      this.#initial = { isGrowing: false }
      this.#awaitFirstMembers(this.#timeoutMs)
    } else {
      this.#joinTimer = active.schedule(this.#timeoutMs, () => this.#complete())
      this.completeIfAllJoined()
    }
  }

  /** An empty group waits for more members, as long as some come, within the rebalance time-out. */
  #awaitFirstMembers(leftMs: number): void {
    const { active, settings } = this.#context
    const delayMs = Math.min(settings.initialRebalanceDelayMs, leftMs)
    this.#joinTimer = active.schedule(delayMs, () => {
      const isGrowing = this.#initial?.isGrowing && leftMs > delayMs
      if (!isGrowing) return this.#complete()
      this.#initial = { isGrowing: false }
      this.#awaitFirstMembers(leftMs - delayMs)
    })
  }

  /** Ends the rebalance, if there is one and it waits for nobody any more. */
  completeIfAllJoined(): void {
    if (this.#state !== 'PreparingRebalance' || this.#initial || this.promised.size > 0) return
    for (const { join } of this.members) if (!join) return
    this.#complete()
  }

  /** All have joined, or those that have not are removed: the next generation begins. */
  #complete(): void {
    this.#joinTimer?.cancel()
    this.#initial = undefined
    // A static member may be away until its session is over.
    for (const member of this.members)
      if (!member.join && member.instanceId === undefined) this.#remove(member, this.#late(member))
    if (this.members.size > 0 && !this.#elect()) {
      this.#joinTimer = this.#context.active.schedule(this.#timeoutMs, () => this.#complete())
      return
    }
    this.#generation += 1
    if (this.members.size === 0) return this.#becomeEmpty()
    this.#protocol = this.members.vote()
    this.#enter('CompletingRebalance')
    this.#unsynced = new Set()
    for (const member of this.members) {
      const { join } = member
      if (!join) continue
      member.join = undefined
      member.isNew = false
      this.#unsynced.add(member.id)
      this.sessions.prolong(member)
      join.resolve(this.answerTo(member))
    }
    this.#syncTimer = this.#context.active.schedule(this.#timeoutMs, () => this.#removeUnsynced())
  }

  #becomeEmpty(): void {
    this.#protocol = undefined
    this.#leader = undefined
    this.#enter('Empty')
    this.#keepEmpty()
  }

  #keepEmpty(): void {
    // Unless that is durable, the next start finds members of this process, and drops them.
    this.#context.keep(this.#name, this.kept()).catch(() => undefined)
  }

  /** Whether there is a leader that has joined: the present one, or another. */
  #elect(): boolean {
    const isThere = (id: string | undefined): boolean =>
      id !== undefined && this.members.get(id)?.join !== undefined
    if (isThere(this.#leader)) return true
    const next = this.#memberIds().find(isThere)
    if (next !== undefined) this.#leader = next
    return next !== undefined
  }

  /** The member has asked for its assignment: gives it, or the promise of it. */
  sync(member: Member): Promise<SyncedGroup> | SyncedGroup {
    this.#unsynced.delete(member.id)
    this.sessions.prolong(member)
    if (this.#state === 'Stable') return this.syncedOf(member)
    member.sync?.reject(rebalancing(this.#name))
    member.sync = Promise.withResolvers()
    return member.sync.promise
  }

  /** The leader's assignment: kept first, told then. */
  async assign(assignments: ReadonlyMap<string, Uint8Array>): Promise<void> {
    const generation = this.#generation
    if (this.#assigning === generation) return
    this.#assigning = generation
    const isCurrent = (): boolean => this.#generation === generation && this.#state === 'CompletingRebalance'
    try {
      await this.#context.keep(this.#name, this.kept(assignments))
    } catch (error) {
      this.#assigning = 0
      if (!isCurrent()) return
      this.#answerSyncs(({ reject }) => reject(error))
      this.#prepare()
      return
    }
    if (!isCurrent()) return
    for (const member of this.members) member.assignment = assignments.get(member.id) ?? noBytes
    this.#enter('Stable')
    if (this.#unsynced.size === 0) this.#syncTimer?.cancel()
    this.#answerSyncs(({ resolve }, member) => resolve(this.syncedOf(member)))
  }

  /** A member that waited for its answer could send no heartbeats: its session begins with the answer. */
  #answerSyncs(answer: (sync: PromiseWithResolvers<SyncedGroup>, member: Member) => void): void {
    for (const member of this.members) {
      const { sync } = member
      if (!sync) continue
      member.sync = undefined
      this.sessions.prolong(member)
      answer(sync, member)
    }
  }

  #removeUnsynced(): void {
    const late = [...this.#unsynced].flatMap(id => this.members.get(id) ?? [])
    for (const member of late) this.removeAndShare(member, this.#late(member))
  }

  removeAndShare(member: Member, reason: MillraceError = unknownMember(this.#name, member.id)): void {
    this.#remove(member, reason)
    if (this.#state === 'Stable' || this.#state === 'CompletingRebalance') this.#prepare()
    else this.completeIfAllJoined()
  }

  #remove(member: Member, reason: unknown): void {
    this.members.remove(member)
    this.#unsynced.delete(member.id)
    if (this.#leader === member.id) this.#leader = this.#memberIds()[0]
    this.#release(member, reason)
  }

  /** Ends everything that waits in the name of a former member. */
  #release(member: Member, reason: unknown): void {
    member.session?.cancel()
    member.join?.reject(reason)
    member.sync?.reject(reason)
    member.woken.reject(reason)
  }

  get #timeoutMs(): number {
    let largest = 0
    for (const { rebalanceTimeoutMs } of this.members) largest = Math.max(largest, rebalanceTimeoutMs)
    return largest
  }

  answerTo(member: Member): JoinedGroup {
    const protocol = this.#protocol!
    const isLeader = member.id === this.#leader
    return {
      memberId: member.id,
      generation: this.#generation,
      protocolType: this.#protocolType!,
      protocol,
      leader: this.#leader ?? '',
      members: isLeader
        ? Array.from(this.members, each => ({
            memberId: each.id,
            instanceId: each.instanceId,
            metadata: metadataOf(each, protocol),
          }))
        : [],
      skipAssignment: false,
    }
  }

  syncedOf({ assignment }: Member): SyncedGroup {
    return { protocolType: this.#protocolType!, protocol: this.#protocol!, assignment }
  }

  /** The group as it is kept; with the assignments that are about to hold. */
  kept(assignments?: ReadonlyMap<string, Uint8Array>): KeptGroup {
    const protocol = this.#protocol
    return {
      protocolType: this.#protocolType ?? '',
      generation: this.#generation,
      protocol,
      leader: this.#leader,
      sinceMs: assignments ? this.#context.clock.now() : this.#sinceMs,
      members: Array.from(this.members, member => ({
        memberId: member.id,
        instanceId: member.instanceId,
        clientId: member.clientId,
        clientHost: member.clientHost,
        rebalanceTimeoutMs: member.rebalanceTimeoutMs,
        sessionTimeoutMs: member.sessionTimeoutMs,
        subscription: metadataOf(member, protocol ?? ''),
        assignment: assignments ? (assignments.get(member.id) ?? noBytes) : member.assignment,
      })),
    }
  }

  #memberIds(): string[] {
    return Array.from(this.members, ({ id }) => id)
  }

  #enter(state: GroupState): void {
    this.#state = state
    this.#sinceMs = this.#context.clock.now()
  }

  #late({ id, rebalanceTimeoutMs }: Member): MillraceError {
    return new MillraceError(
      'UNKNOWN_MEMBER_ID',
      `Member '${id}' of group '${this.#name}' did not answer a rebalance within ${rebalanceTimeoutMs} ms: its partitions have other owners, which get its uncommitted records again. Do less work for each record, or raise rebalanceTimeout.`,
    )
  }
}
