/**
 * An instance's membership in the group of its app: how it joins and leaves, and why it has lost its
 * partitions. It also answers when partitions are given or taken.
 */
import type { GroupMembership } from '../../port/index.ts'
import type { InstanceContext } from './instance-context.ts'
import { type RebalanceHandlers, RebalanceRequests } from './rebalance-requests.ts'
import type { WakeSignal } from './wake-signal.ts'

export class Membership {
  readonly #context: InstanceContext
  readonly #wakeSignal: WakeSignal
  readonly #requests: RebalanceRequests
  #current: GroupMembership | undefined
  #lost: unknown
  /**
   * The failure of this instance while the group waited for an answer. The group takes the partitions away
   * for it.
   */
  #ownFailure: unknown

  constructor(context: InstanceContext, wakeSignal: WakeSignal, handlers: RebalanceHandlers) {
    this.#context = context
    this.#wakeSignal = wakeSignal
    this.#requests = new RebalanceRequests(wakeSignal, {
      assign: partitions => this.#answering(handlers.assign(partitions)),
      revoke: partitions => this.#answering(handlers.revoke(partitions)),
    })
  }

  /** The member that commits; undefined until the instance has joined the group. */
  get current(): GroupMembership | undefined {
    return this.#current
  }

  /** Why the group has taken the partitions away: the instance was expelled, or a topic was deleted. */
  get lost(): unknown {
    return this.#lost
  }

  /**
   * Joins the group, and takes the partitions that it gives. Rejects with the reason of `signal` if that
   * aborts meanwhile.
   */
  async join(signal: AbortSignal): Promise<void> {
    const { app, plan, port, topics } = this.#context
    signal.throwIfAborted()
    const joining = port.joinGroup({
      group: app,
      protocol: 'streams',
      topics: plan.stages.map(stage => topics.read(stage)).filter(({ length }) => length > 0),
      onAssigned: partitions => this.#requests.ask('assign', partitions),
      onRevoked: partitions => this.#requests.ask('revoke', partitions),
      onLost: (_, error) => {
        if (error !== this.#ownFailure) this.#lost ??= error
        this.#wakeSignal.wake()
      },
    })
    // The group may wait until its assignment is taken: serve requests meanwhile.
    const joined = joining.then(membership => {
      this.#current = membership
      // The group answered after the run was over.
      if (signal.aborted) void membership.leave().catch(() => undefined)
    })
    const stopped = Promise.withResolvers<never>()
    const stop = (): void => stopped.reject(signal.reason)
    signal.addEventListener('abort', stop, { once: true })
    try {
      await Promise.race([this.#requests.serveUntil(joined), stopped.promise])
      await joined
    } finally {
      signal.removeEventListener('abort', stop)
    }
  }

  /** Answers the group's requests. Throws {@link lost} once the partitions are lost. */
  async serve(): Promise<void> {
    if (this.#lost === undefined) await this.#requests.serve()
    if (this.#lost !== undefined) throw this.#lost
  }

  /** Leaves, after the last commit. */
  async leave(): Promise<void> {
    const leaving = this.#current?.leave()
    if (leaving) await this.#requests.serveUntil(leaving)
    await leaving
  }

  /** Leaves after a failure: the next owner of the partitions continues from the last commit. */
  async abandon(): Promise<void> {
    this.#requests.refuse()
    await this.#current?.leave()
  }

  /**
   * Notes the failure of an answer: the run ends with that error, and not with the one that the group makes
   * of it.
   */
  async #answering(answer: Promise<void>): Promise<void> {
    try {
      await answer
    } catch (error) {
      this.#ownFailure = error
      throw error
    }
  }
}
