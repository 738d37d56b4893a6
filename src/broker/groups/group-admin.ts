/** Administration of groups: described, deleted, and their offsets deleted. */
import type { GroupDetails, GroupState, TopicPartition } from '../../port/index.ts'
import type { CutOffsets } from '../offsets/cut-offsets.ts'
import { checkUnsubscribed, ofApp, unknownGroup } from './group-checks.ts'
import { describedGroup } from './group-descriptions.ts'
import type { Groups } from './groups.ts'
import type { KeptGroup } from '../offsets/group-records.ts'
import type { Offsets } from '../offsets/offsets.ts'

/** The groups of apps, which end with their app only. */
export interface AppGroups {
  has(group: string): boolean
  /** Throws GROUP_NOT_EMPTY while the group has members, or the app runs. */
  checkStopped(group: string): void
}

export interface GroupAdminParts {
  readonly groups: Groups
  readonly offsets: Offsets
  readonly apps: AppGroups
  readonly cut: CutOffsets
}

/** A group as it is kept. */
export interface FoundGroup extends KeptGroup {
  readonly state: GroupState
}

/** A group that has offsets alone. */
const neverJoined: FoundGroup = {
  state: 'Empty',
  protocolType: '',
  generation: 0,
  protocol: undefined,
  leader: undefined,
  sinceMs: -1,
  members: [],
}

export class GroupAdmin {
  readonly #parts: GroupAdminParts

  constructor(parts: GroupAdminParts) {
    this.#parts = parts
  }

  /**
   * A group as it is kept, and its state. Undefined for an unknown group. As in Kafka a group is known from
   * the first offset on that a transaction holds for it.
   */
  find(group: string): FoundGroup | undefined {
    const { groups, offsets } = this.#parts
    const known = groups.get(group)?.now
    if (known) return { ...known.kept(), state: known.state }
    return offsets.of(group).length > 0 || offsets.isPending(group) ? neverJoined : undefined
  }

  /** The same, with what members were assigned and with the offsets. */
  describe(group: string): GroupDetails | undefined {
    const found = this.find(group)
    return found && describedGroup(group, found, found.state, this.#parts.offsets.of(group))
  }

  /** All groups that {@link find} knows. */
  list(): ({ readonly group: string } & Pick<FoundGroup, 'state' | 'protocolType'>)[] {
    const { groups, offsets } = this.#parts
    return Array.from(new Set([...groups.names(), ...offsets.names()]), group => {
      const { state, protocolType = '' } = groups.get(group)?.now ?? neverJoined
      return { group, state, protocolType }
    })
  }

  /** Tells whether members of a group read a topic, as {@link deleteOffsets} takes it. */
  reads(group: string): (topic: string) => boolean {
    const topics = this.#parts.groups.get(group)?.topics() ?? new Set()
    return topic => topics === 'unknown' || topics.has(topic)
  }

  /** @throws MillraceError UNKNOWN_GROUP, GROUP_NOT_EMPTY; INVALID_ARGUMENT for the group of an app */
  async delete(group: string): Promise<void> {
    const { groups, apps, cut } = this.#parts
    await groups.whileDeleting(group, async forget => {
      this.#checkConsumers(group)
      apps.checkStopped(group)
      await forget()
    })
    await cut.settle(group)
  }

  /**
   * @throws MillraceError UNKNOWN_GROUP, GROUP_SUBSCRIBED_TO_TOPIC; GROUP_NOT_EMPTY if its members are not
   *   consumers; INVALID_ARGUMENT for the group of an app
   */
  async deleteOffsets(group: string, partitions: readonly TopicPartition[]): Promise<void> {
    const { groups, offsets } = this.#parts
    this.#checkConsumers(group)
    checkUnsubscribed(group, groups.get(group), partitions)
    await offsets.forget(group, partitions)
  }

  #checkConsumers(group: string): void {
    if (!this.find(group)) throw unknownGroup(group)
    if (this.#parts.apps.has(group)) throw ofApp(group)
  }
}
