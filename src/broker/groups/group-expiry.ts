/**
 * The end of committed offsets (KIP-211), after `offsets.retention.minutes`:
 *
 * - of a group that has become empty: that long after that, and after the commit;
 * - of a group that has never had members: that long after the commit;
 * - of a group with members: that long after the commit, for topics that none of them reads.
 *
 * A group without members and offsets is forgotten. Two kinds of offsets never expire: those of apps, whose
 * state belongs to them, and those of connectors (`connect-…`), whose sources continue from them. Both may
 * pause for longer than any retention. A connector's group never has members: one of that name that had some
 * is a consumer's.
 *
 * Only time by the wall clock counts, also while no process has the log open. But the first look comes one
 * interval after the start: members that join until then keep their offsets.
 */
import type { Clock, Timer } from '../../base/index.ts'
import type { StoredOffset } from '../offsets/stored-offset.ts'
import type { Groups } from './groups.ts'
import type { Offsets } from '../offsets/offsets.ts'

/** Groups of connectors begin with this. */
const connectorPrefix = 'connect-'

export interface GroupExpiryContext {
  readonly clock: Clock
  readonly groups: Groups
  readonly offsets: Offsets
  /** Whether the group is one of an app. */
  readonly isKept: (group: string) => boolean
  readonly retentionMs: number
  readonly checkEveryMs: number
}

export class GroupExpiry {
  readonly #context: GroupExpiryContext
  #timer: Timer | undefined
  #looking: Promise<void> = Promise.resolve()

  constructor(context: GroupExpiryContext) {
    this.#context = context
  }

  start(): void {
    const { clock, checkEveryMs } = this.#context
    this.#timer = clock.schedule(checkEveryMs, () => {
      // A full disk refuses a deletion: the next look tries again.
      this.#looking = this.#look().catch(() => undefined)
      this.start()
    })
  }

  /** Ends after the look in progress. */
  async stop(): Promise<void> {
    this.#timer?.cancel()
    await this.#looking
  }

  async #look(): Promise<void> {
    const { groups, isKept, offsets } = this.#context
    for (const group of new Set([...groups.names(), ...offsets.groups()])) {
      if (isKept(group) || this.#isConnectors(group)) continue
      await offsets.forgetWhere(group, this.#expires(group))
      await groups.whileDeleting(group, async forget => {
        const isUnused = groups.get(group)?.isUnused ?? false
        if (isUnused && offsets.of(group).length === 0 && !offsets.isPending(group)) await forget()
      })
    }
  }

  #isConnectors(group: string): boolean {
    const { groups } = this.#context
    return group.startsWith(connectorPrefix) && groups.get(group)?.now.protocolType === undefined
  }

  /** Which offsets of the group have expired. */
  #expires(name: string): (offset: StoredOffset) => boolean {
    const { clock, groups, retentionMs } = this.#context
    const group = groups.get(name)
    const { protocolType, state, sinceMs = 0 } = group?.now ?? {}
    const isOver = (sinceWhenMs: number): boolean => clock.now() - sinceWhenMs >= retentionMs
    if (!group || protocolType === undefined) return ({ committedMs }) => isOver(committedMs)
    if (state === 'Empty') return ({ committedMs }) => isOver(Math.max(sinceMs, committedMs))
    const topics = group.topics()
    if (state !== 'Stable' || topics === 'unknown') return () => false
    return ({ topic, committedMs }) => !topics.has(topic) && isOver(committedMs)
  }
}
