/**
 * A member of a consumer group, over a {@link GroupCoordinator}: what a client does for itself, in process
 * and over TCP.
 *
 * | state   | what happens                                                               | it ends with               |
 * | ------- | -------------------------------------------------------------------------- | -------------------------- |
 * | round   | joins with what it holds; the leader assigns; syncs; commits wait meanwhile | a new generation           |
 * | stable  | reads, commits; partitions follow the assignment ({@link HeldPartitions})  | a rebalance, or its leave  |
 * | leaving | gives everything back, and leaves                                          | gone                       |
 * | gone    | commits are refused with MEMBER_FENCED                                     | never                      |
 *
 * Rounds do not wait for the hooks of the program: a member joins while partitions are being given back or
 * taken, and says that they are its own. So a member that restores state for minutes holds up nobody. A
 * cooperative member that has given partitions back joins once more: their new owner gets them in that round.
 *
 * A member that does not answer in time leaves by itself, as Kafka's clients do (max.poll.interval.ms): its
 * partitions are lost, and its commits are refused.
 */
import { isMillraceError, MillraceError, type ActiveClock } from '../../base/index.ts'
import { checkOffsets } from '../arguments.ts'
import type { GroupMembership, GroupOptions } from './membership.ts'
import type { OffsetCommit, TopicPartition } from '../log-port.ts'
import { type Assignor, assignors, type PartitionCounts } from './assignors.ts'
import { checkInstanceId } from './checks.ts'
import { CommitGate } from './commit-gate.ts'
import { asFenced, type GroupCoordinator, type MemberOfGroup, requiredMemberId } from './coordinator.ts'
import { HeldPartitions } from './held-partitions.ts'
import { hasLeft, tooLate } from './member-errors.ts'
import { assignedTo, assignmentsBy, protocolsOf } from './round-messages.ts'

/** How long hooks and work in progress may take, unless the member sets it. */
const rebalanceTimeoutMsDefault = 60_000
/** Kafka's session.timeout.ms. */
const sessionTimeoutMsDefault = 45_000
/** Before the next attempt to join, when the coordinator's disk is full. */
const retryMs = 500

/** The protocol type of those that share topics. */
export const consumerProtocolType = 'consumer'

export interface GroupMemberContext {
  readonly coordinator: GroupCoordinator
  readonly active: ActiveClock
  readonly clientId: string
  readonly clientHost: string
  /** The partition counts of those topics that exist. */
  counts(topics: readonly string[]): Promise<PartitionCounts>
  /** The member has left, or was removed. */
  ended(member: GroupMember): void
}

export class GroupMember {
  readonly #context: GroupMemberContext
  readonly #options: GroupOptions
  readonly #assignors: readonly Assignor[]
  readonly #held: HeldPartitions
  readonly #gate = new CommitGate()
  /** Aborts when the member no longer acts: its session runs out then. */
  readonly #alive = new AbortController()
  readonly #joined = Promise.withResolvers<GroupMembership>()
  readonly #left = Promise.withResolvers<void>()
  #memberId = ''
  #generation = 0
  #isLeaving = false
  /** It waits for the others to join, or for its assignment. */
  #isInRound = false
  /** Why it is not a member any more. */
  #gone: { readonly error: unknown } | undefined
  /** Wakes the member while it is stable. */
  #wake = Promise.withResolvers<void>()
  /** While it leads: the topics of all members. */
  #shared: readonly string[] = []
  /** Whether it has to join again. */
  #isStale = false
  /** The work that the program has in hand; until it is done, the time-out runs. */
  #work: Promise<unknown> | undefined

  /** @throws MillraceError INVALID_ARGUMENT for an instance id that has not the form of one */
  constructor(context: GroupMemberContext, options: GroupOptions) {
    if (options.instanceId !== undefined) checkInstanceId(options.instanceId)
    this.#context = context
    this.#options = options
    const { protocol = 'consumer' } = options
    const names = options.assignors ?? [protocol === 'streams' ? 'millrace' : 'cooperative-sticky']
    this.#assignors = names.map(name => assignors[name])
    this.#held = new HeldPartitions({
      hooks: options,
      generation: () => this.#generation,
      inTime: step => this.#inTime(step),
      onGivenBack: () => this.#rejoin(),
      onFailure: error => this.#fail(error),
    })
  }

  /** Joins, and resolves once the member has its first assignment. To be called once. */
  join(): Promise<GroupMembership> {
    const { signal } = this.#options
    const { promise } = this.#joined
    const leave = (): void => void this.leave()
    const forget = (): void => signal?.removeEventListener('abort', leave)
    signal?.addEventListener('abort', leave)
    promise.then(forget, forget)
    if (signal?.aborted) leave()
    void this.#run()
    return promise
  }

  /**
   * Gives everything back, and leaves. A static member stays in the group until its session is over: it may
   * come back before that. A member that has nothing does not wait for the others to join.
   */
  leave(): Promise<void> {
    this.#isLeaving = true
    this.#wake.resolve()
    if (this.#isInRound && !this.#gone && this.#held.owned.length === 0) this.#leaveGroup()
    return this.#left.promise
  }

  /** A topic was deleted: its partitions are lost, and the leader shares what is left. */
  topicDeleted(topic: string): void {
    if (!this.#topics.includes(topic)) return
    const error = new MillraceError(
      'UNKNOWN_TOPIC',
      `Topic '${topic}' was deleted while group '${this.#options.group}' read it.`,
    )
    this.#held.loseTopic(topic, error)
    this.#rejoin()
  }

  /**
   * A topic has more partitions, or is there now: the leader shares them, also those that others read. Not
   * among the members of an app: it keeps the counts that it was planned with.
   */
  topicGrown(topic: string): void {
    if (this.#options.protocol === 'streams') return
    if (this.#topics.includes(topic) || this.#shared.includes(topic)) this.#rejoin()
  }

  get #topics(): readonly string[] {
    return [...new Set(this.#options.topics.flat())]
  }

  get #timeoutMs(): number {
    return this.#options.rebalanceTimeoutMs ?? rebalanceTimeoutMsDefault
  }

  /** Eager, if one of its assignors is: members of one group must agree. */
  get #isEager(): boolean {
    return this.#assignors.some(({ rebalance }) => rebalance === 'eager')
  }

  get #self(): MemberOfGroup {
    const { group, instanceId } = this.#options
    return { group, memberId: this.#memberId, generation: this.#generation, instanceId }
  }

  async #run(): Promise<void> {
    try {
      do {
        if (this.#isEager) await this.#held.giveBackAll()
        if (!this.#gone && !this.#isLeaving) await this.#round()
        await this.#untilStale()
      } while (!this.#isLeaving && !this.#gone)
      await this.#held.giveBackAll()
      if (!this.#gone) this.#leaveGroup()
    } catch (error) {
      this.#fail(error)
    }
  }

  /** Joins and syncs, until that succeeds. Throws when the member has been removed, or cannot be one. */
  async #round(): Promise<void> {
    // The program commits what is done, before the join.
    const busy = this.#busy()
    // A commit that does not end must not hold up the others.
    await this.#inTime(() => this.#gate.close())
    /** Whether its id was given out, and it has not joined with it. */
    let isPromised = false
    for (;;) {
      if (this.#gone) return
      this.#isStale = false
      try {
        this.#isInRound = true
        await this.#joinAndSync(busy)
        return
      } catch (error) {
        if (this.#gone) return
        if (isMillraceError(error, 'REBALANCE_IN_PROGRESS', 'ILLEGAL_GENERATION')) continue
        const memberId = requiredMemberId(error)
        // The group was deleted meanwhile, and with it the id: another one is asked for.
        const isForgotten: boolean = isPromised && isMillraceError(error, 'UNKNOWN_MEMBER_ID')
        if (memberId !== undefined || isForgotten) {
          this.#memberId = memberId ?? ''
          isPromised = !isForgotten
          continue
        }
        // Nothing is known of the generation until there is room: nothing can be committed either.
        if (!isMillraceError(error) || !error.retriable || this.#generation === 0) throw error
        this.#gate.refuse(error)
        if (this.#isLeaving) return
        await this.#pause()
      } finally {
        this.#isInRound = false
      }
    }
  }

  async #joinAndSync(busy: readonly TopicPartition[]): Promise<void> {
    const { coordinator, clientId, clientHost } = this.#context
    const { group, instanceId, sessionTimeoutMs = sessionTimeoutMsDefault } = this.#options
    const note = { sets: this.#options.topics, generation: this.#generation || -1, busy }
    const joined = await coordinator.join({
      group,
      memberId: this.#memberId,
      instanceId,
      clientId,
      clientHost,
      protocolType: consumerProtocolType,
      protocols: protocolsOf(this.#assignors, this.#topics, this.#held.owned, note),
      sessionTimeoutMs,
      rebalanceTimeoutMs: this.#timeoutMs,
      alive: this.#alive.signal,
    })
    const isNew = this.#memberId === ''
    this.#memberId = joined.memberId
    this.#shared = []
    // It left before it knew its id. A static one never had anything in this stay: nobody waits for it.
    if (this.#gone && isNew) return this.#sendLeave()
    const { generation, protocol } = joined
    const synced = await coordinator.sync({
      ...this.#self,
      generation,
      protocolType: consumerProtocolType,
      protocol,
      assignments: await assignmentsBy(joined, this.#assignors, topics => this.#counted(topics)),
    })
    if (this.#gone) return
    const { partitions, isEmptyForNow } = assignedTo(this.#self, this.#topics, synced.assignment)
    this.#generation = generation
    // Commits that waited go out before any partition is given back.
    this.#gate.open()
    this.#held.follow(partitions)
    void this.#settle(isEmptyForNow)
  }

  #counted(topics: readonly string[]): Promise<PartitionCounts> {
    this.#shared = topics
    return this.#context.counts(topics)
  }

  /** The first assignment is taken, unless it only waits for others to give partitions back. */
  async #settle(isEmptyForNow: boolean): Promise<void> {
    await this.#held.settled()
    if (!isEmptyForNow && !this.#gone) this.#joined.resolve(this.#membership())
  }

  /** Resolves when the member has to join again, leaves, or is gone. */
  async #untilStale(): Promise<void> {
    if (this.#isStale || this.#isLeaving || this.#gone) return
    this.#wake = Promise.withResolvers()
    await Promise.race([this.#context.coordinator.rebalance(this.#self), this.#wake.promise])
  }

  /** Until the next attempt, or the member's leave. */
  async #pause(): Promise<void> {
    const wake = Promise.withResolvers<void>()
    this.#wake = wake
    const timer = this.#context.active.schedule(retryMs, () => wake.resolve())
    await wake.promise
    timer.cancel()
  }

  #rejoin(): void {
    this.#isStale = true
    this.#wake.resolve()
  }

  #membership(): GroupMembership {
    const [memberId, generation, held] = [this.#memberId, (): number => this.#generation, this.#held]
    return {
      memberId,
      get generation() {
        return generation()
      },
      get assignment() {
        return held.list
      },
      commit: offsets => this.#commit(offsets),
      committing: commit => this.#gate.run(() => fencing(commit(this.#self))),
      leave: () => this.leave(),
    }
  }

  /** Leaves out partitions that are lost when it comes to commit. */
  async #commit(offsets: readonly OffsetCommit[]): Promise<void> {
    checkOffsets('commit', offsets)
    const heldBefore = new Set(offsets.filter(offset => this.#held.has(offset)))
    await this.#gate.run(async () => {
      const left = offsets.filter(offset => !heldBefore.has(offset) || this.#held.has(offset))
      await fencing(this.#context.coordinator.commit({ ...this.#self, offsets: left }))
    })
  }

  /** The partitions that the program works on. Its time-out runs from here on. */
  #busy(): readonly TopicPartition[] {
    const busy = this.#held.list.length > 0 ? this.#options.busy?.() : undefined
    const partitions = busy?.partitions.filter(partition => this.#held.has(partition)) ?? []
    if (busy && partitions.length > 0 && this.#work === undefined) this.#watch(busy.done)
    return partitions
  }

  #watch(work: Promise<unknown>): void {
    this.#work = work
    const timer = this.#context.active.schedule(this.#timeoutMs, () => this.#fail(this.#tooLate()))
    const done = (): void => {
      this.#work = undefined
      timer.cancel()
    }
    work.then(done, done)
  }

  async #inTime(step: () => Promise<void>): Promise<void> {
    const { promise: late, reject } = Promise.withResolvers<void>()
    const timer = this.#context.active.schedule(this.#timeoutMs, () => reject(this.#tooLate()))
    try {
      await Promise.race([step(), late])
    } finally {
      timer.cancel()
    }
  }

  #tooLate(): MillraceError {
    return tooLate(this.#options.group, this.#memberId, this.#timeoutMs)
  }

  /** The member is removed, or removes itself: its partitions are lost. */
  #fail(error: unknown): void {
    if (this.#gone) return
    const reason = asFenced(error)
    this.#end(reason)
    this.#held.lose(reason)
    this.#joined.reject(reason)
  }

  #leaveGroup(): void {
    const { group } = this.#options
    this.#end(hasLeft(group, this.#memberId))
    this.#joined.reject(new MillraceError('CLOSED', `The member left group '${group}' before it had joined.`))
  }

  #end(error: unknown): void {
    this.#gone = { error }
    this.#gate.refuse(error)
    this.#wake.resolve()
    // A static member that failed does not come back, and must not keep its partitions from the others.
    if (this.#memberId !== '' && (this.#options.instanceId === undefined || !this.#isLeaving))
      this.#sendLeave()
    this.#alive.abort('gone')
    this.#context.ended(this)
    this.#left.resolve()
  }

  #sendLeave(): void {
    const { group, instanceId } = this.#options
    try {
      this.#context.coordinator.leave({ group, memberId: this.#memberId, instanceId })
    } catch {
      // It has been removed before.
    }
  }
}

async function fencing<T>(commit: Promise<T>): Promise<T> {
  try {
    return await commit
  } catch (error) {
    throw asFenced(error)
  }
}
