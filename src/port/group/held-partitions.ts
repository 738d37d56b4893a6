/**
 * The partitions that a member holds, and how they follow its assignment: first it gives back what is not
 * assigned any more (`onRevoked`), then it takes what is new (`onAssigned`), one step at a time. The
 * assignment may change meanwhile; the next step then follows the newest.
 *
 * Reading of partitions that stay continues during each step.
 */
import type { GroupOptions } from './membership.ts'
import type { TopicPartition } from '../log-port.ts'
import { nameOf } from './owners.ts'

export interface HeldPartitionsContext {
  readonly hooks: Pick<GroupOptions, 'onAssigned' | 'onRevoked' | 'onLost'>
  /** The generation that steps are told. */
  readonly generation: () => number
  /** Bounds the time of a step. */
  readonly inTime: (step: () => Promise<void>) => Promise<void>
  /** Partitions were given back: their next owner waits for that. */
  readonly onGivenBack: () => void
  /** A step has failed, or took too long. */
  readonly onFailure: (error: unknown) => void
}

type Partitions = Map<string, TopicPartition>

export class HeldPartitions {
  readonly #context: HeldPartitionsContext
  #held: Partitions = new Map()
  #assigned: Partitions = new Map()
  /** What it is taking: `onAssigned` is called for it, and has not ended. */
  #taking: Partitions = new Map()
  #list: readonly TopicPartition[] = []
  /** The steps in progress, or the last ones. */
  #following: Promise<void> | undefined
  #isFollowing = false
  #isLost = false

  constructor(context: HeldPartitionsContext) {
    this.#context = context
  }

  /** What the member has: taken, and not given back. */
  get list(): readonly TopicPartition[] {
    return this.#list
  }

  /**
   * What nobody else may get: what the member has, what it is taking, and what it is assigned but has not
   * begun to take.
   */
  get owned(): readonly TopicPartition[] {
    return [...new Map([...this.#held, ...this.#taking, ...this.#assigned]).values()]
  }

  has(partition: TopicPartition): boolean {
    return this.#held.has(nameOf(partition))
  }

  /** Resolves when the steps to the present assignment are done. Never rejects. */
  async settled(): Promise<void> {
    await this.#following
  }

  /** Follows a new assignment. */
  follow(partitions: readonly TopicPartition[]): void {
    if (this.#isLost) return
    this.#assigned = named(partitions)
    if (this.#isFollowing) return
    this.#isFollowing = true
    this.#following = this.#follow()
  }

  /** Gives back everything; resolves when that is done, or has failed. */
  async giveBackAll(): Promise<void> {
    this.follow([])
    await this.settled()
  }

  /** The member was removed: everything is gone, and so is the result of a step in progress. */
  lose(error: unknown): void {
    if (this.#isLost) return
    const lost = this.#list
    this.#isLost = true
    this.#assigned = new Map()
    this.#taking = new Map()
    this.#set(new Map())
    this.#tellLost(lost, error)
  }

  /** A topic was deleted. The member learns of it also without partitions of the topic. */
  loseTopic(topic: string, error: unknown): void {
    if (this.#isLost) return
    const lost = this.#list.filter(partition => partition.topic === topic)
    const others = (all: Partitions): Partitions =>
      named([...all.values()].filter(partition => partition.topic !== topic))
    this.#assigned = others(this.#assigned)
    this.#taking = others(this.#taking)
    this.#set(others(this.#held))
    this.#tellLost(lost, error)
  }

  async #follow(): Promise<void> {
    try {
      for (let step = this.#nextStep(); step; step = this.#nextStep()) await step()
    } catch (error) {
      if (!this.#isLost) this.#context.onFailure(error)
    }
    this.#isFollowing = false
  }

  /** Undefined if nothing is left to do. */
  #nextStep(): (() => Promise<void>) | undefined {
    if (this.#isLost) return undefined
    const revoked = missing(this.#held, this.#assigned)
    if (revoked.length > 0) return () => this.#giveBack(revoked)
    const added = missing(this.#assigned, this.#held)
    return added.length > 0 ? () => this.#take(added) : undefined
  }

  async #giveBack(revoked: readonly TopicPartition[]): Promise<void> {
    const { hooks, generation, inTime, onGivenBack } = this.#context
    await inTime(async () => hooks.onRevoked(revoked, generation()))
    if (this.#isLost) return
    const names = new Set(revoked.map(nameOf))
    this.#set(named(this.#list.filter(partition => !names.has(nameOf(partition)))))
    onGivenBack()
  }

  async #take(added: readonly TopicPartition[]): Promise<void> {
    const { hooks, generation, inTime } = this.#context
    this.#taking = named(added)
    await inTime(async () => hooks.onAssigned(added, generation()))
    const taken = this.#taking
    this.#taking = new Map()
    if (!this.#isLost) this.#set(new Map([...this.#held, ...taken]))
  }

  #set(held: Partitions): void {
    this.#held = held
    this.#list = [...held.values()]
  }

  /** An error of the hook is ignored: the partitions are gone either way. */
  #tellLost(lost: readonly TopicPartition[], error: unknown): void {
    try {
      this.#context.hooks.onLost(lost, error)
    } catch {
      // See above.
    }
  }
}

function named(partitions: readonly TopicPartition[]): Partitions {
  return new Map(partitions.map(partition => [nameOf(partition), partition]))
}

/** Those of `from` that are not in `others`. */
function missing(from: Partitions, others: Partitions): TopicPartition[] {
  return [...from].filter(([name]) => !others.has(name)).map(([, partition]) => partition)
}
