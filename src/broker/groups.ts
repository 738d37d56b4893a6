/**
 * Consumer groups whose members live in this process.
 *
 * A rebalance is incremental (KIP-429): only partitions that change hands are taken back, the others are read
 * on. Steps, one rebalance at a time: compute who gets what; take back from everybody what goes elsewhere,
 * awaiting `onRevoked` of all of them together; raise the generation; give, awaiting `onAssigned`. A member
 * that does not answer in time is expelled: it hears `onLost`, and its commits are refused. So is one that is
 * at work on a record all that time; meanwhile what it works on stays with it, so that the others need not
 * wait. Members need no heartbeats: they live and die with the process.
 *
 * Generations: a member may commit with any generation since partitions were last taken from it, so that a
 * commit in progress while others come and go is not refused for nothing. After that, and after it has left
 * or was expelled, it gets MEMBER_FENCED.
 */
import { MillraceError, type ActiveClock } from '../base/index.ts'
import type {
  GroupCommit,
  GroupMembership,
  GroupOptions,
  OffsetCommit,
  TopicPartition,
} from '../port/index.ts'
import { assign, setName, unitsOf, type Unit } from './assignment.ts'

const rebalanceTimeoutMsDefault = 60_000

export interface GroupsContext {
  /** What the time-out of a rebalance is measured by. */
  readonly active: ActiveClock
  /** The partition count of a topic. UNKNOWN_TOPIC. */
  partitions(topic: string): number
  commit(commit: GroupCommit): Promise<void>
}

export class Groups {
  readonly #context: GroupsContext
  readonly #groups = new Map<string, Group>()
  #members = 0

  constructor(context: GroupsContext) {
    this.#context = context
  }

  /** Resolves once the member has its first assignment, which may be empty. */
  async join(options: GroupOptions): Promise<GroupMembership> {
    for (const topics of options.topics) checkSet(topics, this.#context)
    let group = this.#groups.get(options.group)
    if (!group) this.#groups.set(options.group, (group = new Group(options.group, this.#context)))
    this.#members += 1
    return group.join(`${options.group}-${this.#members}`, options)
  }

  /** MEMBER_FENCED for a member or a generation that has passed. */
  check({ group, memberId, generation }: GroupCommit): void {
    if (memberId === undefined && generation === undefined) return
    this.#groups.get(group)?.check(memberId, generation)
    if (!this.#groups.has(group)) throw fenced(group, memberId)
  }

  /** Groups with members. */
  names(): string[] {
    return [...this.#groups].filter(([, { size }]) => size > 0).map(([name]) => name)
  }

  /** Members of a group, those included that are leaving. */
  members(group: string): number {
    return this.#groups.get(group)?.size ?? 0
  }

  topicDeleted(topic: string): void {
    for (const group of this.#groups.values()) group.topicDeleted(topic)
  }

  /** All members leave. */
  async close(): Promise<void> {
    await Promise.all([...this.#groups.values()].map(group => group.close()))
  }
}

class Member {
  readonly id: string
  readonly options: GroupOptions
  readonly sets: Set<string>
  units = new Map<string, Unit>()
  assignment: readonly TopicPartition[] = []
  /** Of the current assignment. */
  generation = 0
  /** Commits of earlier generations are refused. */
  validFrom = 0
  state: 'active' | 'leaving' | 'gone' = 'active'
  /** The work that a rebalance has found it at; until it is done, the time-out runs. */
  work: Promise<unknown> | undefined
  readonly joined: PromiseWithResolvers<void> = Promise.withResolvers()
  readonly left: PromiseWithResolvers<void> = Promise.withResolvers()

  constructor(id: string, options: GroupOptions) {
    this.id = id
    this.options = options
    this.sets = new Set(options.topics.map(setName))
  }

  set(units: Map<string, Unit>, generation: number): void {
    this.units = units
    this.assignment = [...units.values()].flatMap(({ partitions }) => partitions)
    this.generation = generation
  }
}

class Group {
  readonly #name: string
  readonly #context: GroupsContext
  /** In the order in which they joined. */
  readonly #members = new Map<string, Member>()
  #generation = 0
  /** Members or topics have changed since the assignment was computed. */
  #stale = false
  #rebalancing = false

  constructor(name: string, context: GroupsContext) {
    this.#name = name
    this.#context = context
  }

  get size(): number {
    return this.#members.size
  }

  async join(id: string, options: GroupOptions): Promise<GroupMembership> {
    this.#checkProtocol(options)
    this.#checkSets(options)
    const member = new Member(id, options)
    this.#members.set(id, member)
    this.#rebalance()
    await member.joined.promise
    return this.#membership(member)
  }

  check(memberId: string | undefined, generation: number | undefined): void {
    const member = memberId === undefined ? undefined : this.#members.get(memberId)
    if (memberId !== undefined && !member) throw fenced(this.#name, memberId)
    if (generation === undefined) return
    if (generation > this.#generation || generation < (member?.validFrom ?? this.#generation))
      throw fenced(this.#name, memberId, generation)
  }

  topicDeleted(topic: string): void {
    for (const member of this.#members.values()) {
      if (!member.options.topics.some(set => set.includes(topic))) continue
      const lost = member.assignment.filter(partition => partition.topic === topic)
      const units = [...member.units.values()].map(({ key, partitions }) => ({
        key,
        partitions: partitions.filter(partition => partition.topic !== topic),
      }))
      member.set(
        new Map(units.filter(unit => unit.partitions.length > 0).map(unit => [unit.key, unit])),
        member.generation,
      )
      tellLost(
        member,
        lost,
        new MillraceError(
          'UNKNOWN_TOPIC',
          `Topic '${topic}' was deleted while group '${this.#name}' read it.`,
        ),
      )
    }
    this.#rebalance()
  }

  async close(): Promise<void> {
    await Promise.all([...this.#members.values()].map(member => this.#leave(member)))
  }

  #membership(member: Member): GroupMembership {
    const commit = (offsets: readonly OffsetCommit[]): Promise<void> =>
      this.#context.commit({ group: this.#name, memberId: member.id, generation: member.generation, offsets })
    return {
      memberId: member.id,
      get generation() {
        return member.generation
      },
      get assignment() {
        return member.assignment
      },
      commit,
      leave: () => this.#leave(member),
    }
  }

  #leave(member: Member): Promise<void> {
    if (member.state === 'active') {
      member.state = 'leaving'
      this.#rebalance()
    }
    return member.left.promise
  }

  /** Starts a rebalance, or has the one in progress start over. */
  #rebalance(): void {
    this.#stale = true
    if (this.#rebalancing) return
    this.#rebalancing = true
    void this.#run()
  }

  async #run(): Promise<void> {
    while (this.#stale) {
      this.#stale = false
      const members = [...this.#members.values()]
      const targets = this.#targets(members)
      await Promise.all(members.map((member, index) => this.#takeBack(member, targets[index]!)))
      // Anyone who joined, left or was expelled meanwhile changes who gets what: compute it again before
      // giving anything.
      if (this.#stale) continue
      this.#generation += 1
      await Promise.all(members.map((member, index) => this.#give(member, targets[index]!)))
    }
    this.#rebalancing = false
  }

  #targets(members: readonly Member[]): ReadonlyMap<string, Unit>[] {
    const sets = new Map<string, Unit[]>()
    for (const { options } of members)
      for (const topics of options.topics) {
        const present = topics.filter(topic => countOf(topic, this.#context) !== undefined)
        if (present.length > 0)
          sets.set(setName(topics), unitsOf(topics, this.#context.partitions(present[0]!)))
      }
    const candidates = members.map(member => ({
      sets: member.state === 'active' ? member.sets : new Set<string>(),
      has: new Set(member.units.keys()),
      busy: this.#busyUnits(member),
    }))
    return assign(sets, candidates)
  }

  /** Keys of the units that the member is at work on. Its time-out runs from here on. */
  #busyUnits(member: Member): ReadonlySet<string> {
    const busy = member.state === 'active' ? member.options.busy?.() : undefined
    if (!busy) return new Set()
    const names = new Set(busy.partitions.map(partitionName))
    const units = [...member.units.values()].filter(({ partitions }) =>
      partitions.some(partition => names.has(partitionName(partition))),
    )
    if (units.length > 0 && member.work === undefined) this.#watch(member, busy.done)
    return new Set(units.map(({ key }) => key))
  }

  #watch(member: Member, work: Promise<unknown>): void {
    member.work = work
    const timer = this.#context.active.schedule(timeoutMsOf(member), () => {
      if (member.state !== 'gone') this.#expel(member, this.#tooLate(member))
      this.#rebalance()
    })
    const done = (): void => {
      member.work = undefined
      timer.cancel()
    }
    work.then(done, done)
  }

  /** Takes from the member what it is not to have any more; one that is leaving is gone after that. */
  async #takeBack(member: Member, target: ReadonlyMap<string, Unit>): Promise<void> {
    const revoked = [...member.units.values()].filter(({ key }) => !target.has(key))
    if (revoked.length > 0) {
      const partitions = revoked.flatMap(unit => unit.partitions)
      if (!(await this.#ask(member, () => member.options.onRevoked(partitions, member.generation)))) return
      // A topic may have been deleted meanwhile, so go by what the member has now.
      const kept = [...member.units].filter(([key]) => target.has(key))
      member.set(new Map(kept), this.#generation + 1)
      member.validFrom = this.#generation + 1
    }
    if (member.state === 'leaving') {
      this.#remove(member)
      member.joined.resolve()
    }
  }

  async #give(member: Member, target: ReadonlyMap<string, Unit>): Promise<void> {
    if (member.state === 'gone') return
    const added = [...target].filter(([key]) => !member.units.has(key))
    const generation = this.#generation
    if (added.length > 0) {
      const partitions = added.flatMap(([, unit]) => unit.partitions)
      if (!(await this.#ask(member, () => member.options.onAssigned(partitions, generation)))) return
      member.set(new Map([...member.units, ...added]), generation)
    } else if (member.generation === 0) member.set(member.units, generation)
    member.joined.resolve()
  }

  /**
   * Calls a hook of the member and waits for it; a member that fails, or is late, is expelled, and the answer
   * is false.
   */
  async #ask(member: Member, hook: () => Promise<void> | void): Promise<boolean> {
    const { promise: late, reject } = Promise.withResolvers<void>()
    const timer = this.#context.active.schedule(timeoutMsOf(member), () => reject(this.#tooLate(member)))
    try {
      await Promise.race([(async () => hook())(), late])
      return member.state !== 'gone'
    } catch (error) {
      if (member.state !== 'gone') this.#expel(member, error)
      return false
    } finally {
      timer.cancel()
    }
  }

  #tooLate(member: Member): MillraceError {
    return new MillraceError(
      'MEMBER_FENCED',
      `Member '${member.id}' of group '${this.#name}' did not answer a rebalance within ${timeoutMsOf(member)} ms: its partitions have other owners, and what it had not committed comes again there. Do less between two answers (for each record), or give it more time (rebalanceTimeout).`,
    )
  }

  #expel(member: Member, error: unknown): void {
    const lost = member.assignment
    member.set(new Map(), member.generation)
    this.#remove(member)
    member.joined.reject(error)
    // Somebody else gets its partitions.
    this.#stale = true
    tellLost(member, lost, error)
  }

  #remove(member: Member): void {
    member.state = 'gone'
    this.#members.delete(member.id)
    member.left.resolve()
  }

  /** Members that share a topic must do so in the same set: otherwise one partition could have two owners. */
  #checkProtocol({ protocol = 'consumer' }: GroupOptions): void {
    for (const { options } of this.#members.values()) {
      const { protocol: other = 'consumer' } = options
      if (other === protocol) continue
      const who = { consumer: 'consumers', streams: 'an app' } as const
      throw new MillraceError(
        'INVALID_ARGUMENT',
        `The group '${this.#name}' is that of ${who[other]}, and cannot be that of ${who[protocol]} as well: each would take records away from the other. Use another name.`,
      )
    }
  }

  #checkSets(options: GroupOptions): void {
    const sets = [...[...this.#members.values()].flatMap(member => member.options.topics), ...options.topics]
    const setOf = new Map<string, string>()
    for (const topics of sets)
      for (const topic of topics) {
        const set = setName(topics)
        if ((setOf.get(topic) ?? set) !== set)
          throw new MillraceError(
            'INVALID_ARGUMENT',
            `Group '${this.#name}' shares topic '${topic}' once with {${setOf.get(topic)}} and once with {${set}}: use the same set everywhere.`,
          )
        setOf.set(topic, set)
      }
  }
}

/** A hook that throws has nobody to tell: the partitions are gone either way. */
function tellLost(member: Member, lost: readonly TopicPartition[], error: unknown): void {
  try {
    member.options.onLost(lost, error)
  } catch {
    // See above.
  }
}

function timeoutMsOf({ options }: Member): number {
  return options.rebalanceTimeoutMs ?? rebalanceTimeoutMsDefault
}

function partitionName({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`
}

function checkSet(topics: readonly string[], context: GroupsContext): void {
  const [first, ...others] = topics
  if (first === undefined) throw new MillraceError('INVALID_ARGUMENT', 'A set of topics to share is empty.')
  const count = context.partitions(first)
  for (const topic of others)
    if (context.partitions(topic) !== count)
      throw new MillraceError(
        'NOT_COPARTITIONED',
        `Topics '${first}' and '${topic}' are to be shared together, but have ${count} and ${context.partitions(topic)} partitions.`,
      )
}

function countOf(topic: string, context: GroupsContext): number | undefined {
  try {
    return context.partitions(topic)
  } catch {
    return undefined
  }
}

function fenced(group: string, memberId: string | undefined, generation?: number): MillraceError {
  const who = memberId === undefined ? 'The committer' : `Member '${memberId}'`
  const what =
    generation === undefined
      ? 'is not in the group any more'
      : `is of generation ${generation}, which has passed`
  return new MillraceError(
    'MEMBER_FENCED',
    `${who} of group '${group}' ${what}: its partitions may have another owner. Drop what was not committed.`,
  )
}
