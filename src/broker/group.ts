/**
 * The coordinator of one group, whose members live in this process.
 *
 * A rebalance is incremental (KIP-429): only partitions that change hands are taken back. The steps of a
 * rebalance, one at a time: compute the assignment; all members give back partitions that move; raise the
 * generation; the members take their new partitions. A member's part in a step: port/group/member.ts.
 *
 * A member that does not answer a step in time is expelled: its `onLost` is called, and its commits are
 * refused. So is one that works on a record all that time. Meanwhile it keeps the partition of that record,
 * so that the others need not wait. Members need no heartbeats: they end with the process.
 *
 * Generations: a member may commit with any generation since partitions were last taken from it, so that a
 * commit in progress is not refused because others join or leave. After that, and after it has left or was
 * expelled, it gets MEMBER_FENCED.
 */
import { MillraceError, type ActiveClock } from '../base/index.ts'
import {
  assign,
  type GroupCommit,
  GroupMember,
  type GroupMembership,
  type GroupOptions,
  setName,
  type Unit,
  unitsOf,
} from '../port/index.ts'
import { checkProtocol, checkSets, fenced, type PartitionCount } from './group-checks.ts'

export interface GroupContext {
  /** The clock of the rebalance time-out. */
  readonly active: ActiveClock
  readonly partitions: PartitionCount
  commit(commit: GroupCommit): Promise<void>
}

/** A member as its coordinator knows it. */
interface Seat {
  readonly member: GroupMember
  state: 'active' | 'leaving' | 'gone'
  /** Commits of earlier generations are refused. */
  validFrom: number
  /** The work that a rebalance waits for; until it is done, the time-out runs. */
  work: Promise<unknown> | undefined
  readonly joined: PromiseWithResolvers<void>
  readonly left: PromiseWithResolvers<void>
}

export class Group {
  readonly #name: string
  readonly #context: GroupContext
  /** By member id, in the order in which they joined. */
  readonly #seats = new Map<string, Seat>()
  #generation = 0
  /** Members or topics have changed since the assignment was computed. */
  #stale = false
  #rebalancing = false

  constructor(name: string, context: GroupContext) {
    this.#name = name
    this.#context = context
  }

  get size(): number {
    return this.#seats.size
  }

  /** Resolves once the member has its first assignment, which may be empty. */
  async join(id: string, options: GroupOptions): Promise<GroupMembership> {
    const others = [...this.#seats.values()].map(({ member }) => member.options)
    checkProtocol(this.#name, others, options)
    checkSets(this.#name, [...others, options])
    const seat: Seat = {
      member: new GroupMember(id, options),
      state: 'active',
      validFrom: 0,
      work: undefined,
      joined: Promise.withResolvers(),
      left: Promise.withResolvers(),
    }
    this.#seats.set(id, seat)
    this.#rebalance()
    await seat.joined.promise
    return this.#membership(seat)
  }

  /** Throws MEMBER_FENCED for a former member, or a past generation. */
  check(memberId: string | undefined, generation: number | undefined): void {
    const seat = memberId === undefined ? undefined : this.#seats.get(memberId)
    if (memberId !== undefined && !seat) throw fenced(this.#name, memberId)
    if (generation === undefined) return
    if (generation > this.#generation || generation < (seat?.validFrom ?? this.#generation))
      throw fenced(this.#name, memberId, generation)
  }

  topicDeleted(topic: string): void {
    const error = new MillraceError(
      'UNKNOWN_TOPIC',
      `Topic '${topic}' was deleted while group '${this.#name}' read it.`,
    )
    for (const { member } of this.#seats.values()) member.loseTopic(topic, error)
    this.#rebalance()
  }

  async close(): Promise<void> {
    await Promise.all([...this.#seats.values()].map(seat => this.#leave(seat)))
  }

  #membership(seat: Seat): GroupMembership {
    const { member } = seat
    return {
      memberId: member.id,
      get generation() {
        return member.generation
      },
      get assignment() {
        return member.assignment
      },
      commit: offsets =>
        this.#context.commit({
          group: this.#name,
          memberId: member.id,
          generation: member.generation,
          offsets,
        }),
      leave: () => this.#leave(seat),
    }
  }

  #leave(seat: Seat): Promise<void> {
    if (seat.state === 'active') {
      seat.state = 'leaving'
      this.#rebalance()
    }
    return seat.left.promise
  }

  /** Starts a rebalance, or restarts the one in progress. */
  #rebalance(): void {
    this.#stale = true
    if (this.#rebalancing) return
    this.#rebalancing = true
    void this.#run()
  }

  async #run(): Promise<void> {
    while (this.#stale) {
      this.#stale = false
      const seats = [...this.#seats.values()]
      const targets = this.#targets(seats)
      await Promise.all(seats.map((seat, index) => this.#takeBack(seat, targets[index]!)))
      // Members that joined, left or were expelled meanwhile change the assignment: compute it again before
      // giving anything.
      if (this.#stale) continue
      this.#generation += 1
      await Promise.all(seats.map((seat, index) => this.#give(seat, targets[index]!)))
    }
    this.#rebalancing = false
  }

  #targets(seats: readonly Seat[]): ReadonlyMap<string, Unit>[] {
    const sets = new Map<string, Unit[]>()
    for (const { member } of seats)
      for (const topics of member.options.topics) {
        const [count] = topics.map(topic => this.#countOf(topic)).filter(found => found !== undefined)
        if (count !== undefined) sets.set(setName(topics), unitsOf(topics, count))
      }
    const candidates = seats.map(seat => ({
      sets: seat.state === 'active' ? seat.member.sets : new Set<string>(),
      has: new Set(seat.member.units.keys()),
      busy: this.#busyUnits(seat),
    }))
    return assign(sets, candidates)
  }

  /** Undefined for a missing topic, which may have been deleted. */
  #countOf(topic: string): number | undefined {
    try {
      return this.#context.partitions(topic)
    } catch {
      return undefined
    }
  }

  /** Keys of the units that the member is at work on. Its time-out runs from here on. */
  #busyUnits(seat: Seat): ReadonlySet<string> {
    const busy = seat.state === 'active' ? seat.member.busyUnits() : undefined
    if (!busy) return new Set()
    if (busy.keys.size > 0 && seat.work === undefined) this.#watch(seat, busy.done)
    return busy.keys
  }

  #watch(seat: Seat, work: Promise<unknown>): void {
    seat.work = work
    const timer = this.#context.active.schedule(seat.member.rebalanceTimeoutMs, () => {
      if (seat.state !== 'gone') this.#expel(seat, this.#tooLate(seat))
      this.#rebalance()
    })
    const done = (): void => {
      seat.work = undefined
      timer.cancel()
    }
    work.then(done, done)
  }

  /** Takes from the member the partitions that move; a leaving member is gone after that. */
  async #takeBack(seat: Seat, target: ReadonlyMap<string, Unit>): Promise<void> {
    const { member } = seat
    if (member.hasToGiveBack(target)) {
      const generation = this.#generation + 1
      if (!(await this.#answers(seat, () => member.giveBack(target, generation)))) return
      seat.validFrom = generation
    }
    if (seat.state === 'leaving') {
      this.#remove(seat)
      seat.joined.resolve()
    }
  }

  async #give(seat: Seat, target: ReadonlyMap<string, Unit>): Promise<void> {
    if (seat.state === 'gone') return
    const { member } = seat
    const generation = this.#generation
    if (member.hasToTake(target) && !(await this.#answers(seat, () => member.take(target, generation))))
      return
    seat.joined.resolve()
  }

  /** Waits for a step of the member. A member that fails, or is late, is expelled; then returns false. */
  async #answers(seat: Seat, step: () => Promise<void>): Promise<boolean> {
    const { promise: late, reject } = Promise.withResolvers<void>()
    const timer = this.#context.active.schedule(seat.member.rebalanceTimeoutMs, () =>
      reject(this.#tooLate(seat)),
    )
    try {
      await Promise.race([step(), late])
      return seat.state !== 'gone'
    } catch (error) {
      if (seat.state !== 'gone') this.#expel(seat, error)
      return false
    } finally {
      timer.cancel()
    }
  }

  #tooLate({ member }: Seat): MillraceError {
    return new MillraceError(
      'MEMBER_FENCED',
      `Member '${member.id}' of group '${this.#name}' did not answer a rebalance within ${member.rebalanceTimeoutMs} ms: its partitions have other owners, which get its uncommitted records again. Do less work for each record, or raise rebalanceTimeout.`,
    )
  }

  #expel(seat: Seat, error: unknown): void {
    this.#remove(seat)
    seat.joined.reject(error)
    // Other members get its partitions.
    this.#stale = true
    seat.member.lose(error)
  }

  #remove(seat: Seat): void {
    seat.state = 'gone'
    this.#seats.delete(seat.member.id)
    seat.left.resolve()
  }
}
