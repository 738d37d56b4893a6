/** Administration of groups: described, deleted, and their offsets deleted. */
import type { GroupDetails, TopicPartition } from '../../port/index.ts'
import type { CutOffsets } from '../offsets/cut-offsets.ts'
import { checkUnsubscribed, ofApp, unknownGroup } from './group-checks.ts'
import { describedGroup } from './group-descriptions.ts'
import type { Groups } from './groups.ts'
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

export class GroupAdmin {
  readonly #parts: GroupAdminParts

  constructor(parts: GroupAdminParts) {
    this.#parts = parts
  }

  /**
   * Undefined for an unknown group. As in Kafka a group is known from the first offset on that a transaction
   * holds for it.
   */
  describe(group: string): GroupDetails | undefined {
    const { groups, offsets } = this.#parts
    const known = groups.get(group)?.now
    const committed = offsets.of(group)
    if (!known && committed.length === 0 && !offsets.isPending(group)) return undefined
    return describedGroup(group, known?.kept(), known?.state ?? 'Empty', committed)
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
   * @throws MillraceError UNKNOWN_GROUP, GROUP_SUBSCRIBED_TO_TOPIC; INVALID_ARGUMENT for the group of an app
   */
  async deleteOffsets(group: string, partitions: readonly TopicPartition[]): Promise<void> {
    const { groups, offsets } = this.#parts
    this.#checkConsumers(group)
    checkUnsubscribed(group, groups.get(group), partitions)
    await offsets.forget(group, partitions)
  }

  #checkConsumers(group: string): void {
    if (!this.describe(group)) throw unknownGroup(group)
    if (this.#parts.apps.has(group)) throw ofApp(group)
  }
}
