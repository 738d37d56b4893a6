/**
 * A member's side of a rebalance: how a client applies the assignment of its group, in process and over TCP.
 *
 * The assignment changes in two steps (cooperative, KIP-429). First the member gives back partitions that
 * move, and awaits `onRevoked`. When all members have done so, the next generation begins: it takes its new
 * partitions, and awaits `onAssigned`. Reading of partitions that stay continues meanwhile.
 *
 * The group's coordinator decides when a step takes place, and for how long.
 */
import type { GroupOptions, TopicPartition } from '../log-port.ts'
import { setName, type Unit } from './assignor.ts'

/** How long {@link GroupOptions.onRevoked} and `onAssigned` may take, unless the member sets it. */
const rebalanceTimeoutMsDefault = 60_000

export class GroupMember {
  readonly id: string
  readonly options: GroupOptions
  /** Names of the sets of topics that it shares in. */
  readonly sets: ReadonlySet<string>
  #units: ReadonlyMap<string, Unit> = new Map()
  #assignment: readonly TopicPartition[] = []
  #generation = 0
  #isLost = false

  constructor(id: string, options: GroupOptions) {
    this.id = id
    this.options = options
    this.sets = new Set(options.topics.map(setName))
  }

  /** Its units, by key. */
  get units(): ReadonlyMap<string, Unit> {
    return this.#units
  }

  get assignment(): readonly TopicPartition[] {
    return this.#assignment
  }

  /** The generation of the current assignment. 0 before the first. */
  get generation(): number {
    return this.#generation
  }

  get rebalanceTimeoutMs(): number {
    return this.options.rebalanceTimeoutMs ?? rebalanceTimeoutMsDefault
  }

  /** The units that it works on, with the end of that work. */
  busyUnits(): { readonly keys: ReadonlySet<string>; readonly done: Promise<unknown> } | undefined {
    const busy = this.options.busy?.()
    if (!busy) return undefined
    const names = new Set(busy.partitions.map(partitionName))
    const keys = [...this.#units.values()]
      .filter(({ partitions }) => partitions.some(partition => names.has(partitionName(partition))))
      .map(({ key }) => key)
    return { keys: new Set(keys), done: busy.done }
  }

  /** Whether it has units that are not in `target`. */
  hasToGiveBack(target: ReadonlyMap<string, Unit>): boolean {
    for (const key of this.#units.keys()) if (!target.has(key)) return true
    return false
  }

  /** Gives back units that are not in `target`. The others then belong to `generation`. */
  async giveBack(target: ReadonlyMap<string, Unit>, generation: number): Promise<void> {
    const revoked = [...this.#units.values()].filter(({ key }) => !target.has(key))
    await this.options.onRevoked(partitionsOf(revoked), this.#generation)
    if (this.#isLost) return
    // A topic may have been deleted meanwhile, so use its present units.
    this.#set(new Map([...this.#units].filter(([key]) => target.has(key))), generation)
  }

  /** Whether it has no generation yet, or `target` has units that are new to it. */
  hasToTake(target: ReadonlyMap<string, Unit>): boolean {
    if (this.#generation === 0) return true
    for (const key of target.keys()) if (!this.#units.has(key)) return true
    return false
  }

  /** Takes the new units of `target`, and is then of `generation`. */
  async take(target: ReadonlyMap<string, Unit>, generation: number): Promise<void> {
    const added = [...target].filter(([key]) => !this.#units.has(key))
    if (added.length > 0)
      await this.options.onAssigned(partitionsOf(added.map(([, unit]) => unit)), generation)
    if (!this.#isLost) this.#set(new Map([...this.#units, ...added]), generation)
  }

  /** It was expelled: all units are gone, and so is the result of a step in progress. */
  lose(error: unknown): void {
    const lost = this.#assignment
    this.#isLost = true
    this.#set(new Map(), this.#generation)
    this.#tellLost(lost, error)
  }

  /** A topic was deleted. The member learns of it also without partitions of the topic. */
  loseTopic(topic: string, error: unknown): void {
    if (!this.options.topics.some(set => set.includes(topic))) return
    const lost = this.#assignment.filter(partition => partition.topic === topic)
    const units = [...this.#units.values()].map(({ key, partitions }) => ({
      key,
      partitions: partitions.filter(partition => partition.topic !== topic),
    }))
    const left = units.filter(({ partitions }) => partitions.length > 0)
    this.#set(new Map(left.map(unit => [unit.key, unit])), this.#generation)
    this.#tellLost(lost, error)
  }

  #set(units: ReadonlyMap<string, Unit>, generation: number): void {
    this.#units = units
    this.#assignment = partitionsOf([...units.values()])
    this.#generation = generation
  }

  /** An error of the hook is ignored: the partitions are gone either way. */
  #tellLost(lost: readonly TopicPartition[], error: unknown): void {
    try {
      this.options.onLost(lost, error)
    } catch {
      // See above.
    }
  }
}

function partitionsOf(units: readonly Unit[]): TopicPartition[] {
  return units.flatMap(({ partitions }) => partitions)
}

function partitionName({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`
}
