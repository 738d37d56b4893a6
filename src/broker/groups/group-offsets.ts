/**
 * Committed offsets of groups, for those who look them up, commit or set them: with what several parts say
 * about that. Members and the group's name are in groups.ts, apps in apps.ts, and offsets that a repair has
 * cut off in cut-offsets.ts.
 */
import type { GroupCommit, GroupDescription, OffsetCommit, TopicPartition } from '../../port/index.ts'
import type { CutOffsets } from '../offsets/cut-offsets.ts'
import { checkOffsets } from '../offsets/offset-checks.ts'
import type { Offsets, OffsetsNow } from '../offsets/offsets.ts'
import { checkCommitName } from './group-checks.ts'
import type { Groups } from './groups.ts'

/** What is committed for the name of an app is the app's. */
export interface AppOffsets {
  /** Throws GROUP_NOT_EMPTY while the group has members, or the app runs. */
  checkStopped(group: string): void
  /** What an interrupted deletion of the app has left must be gone. Undefined: there is nothing. */
  finishDeletion(app: string): Promise<void> | undefined
}

export interface GroupOffsetsParts {
  readonly groups: Groups
  readonly offsets: Offsets
  readonly apps: AppOffsets
  readonly cut: CutOffsets
  /** Throws for a partition that is not there. */
  checkPartition(topic: string, index: number): void
  /** Throws CLOSED once the broker begins to close. */
  checkOpen(): void
  /** Throws CLOSED once members have left: until then they commit. */
  checkNotClosed(): void
}

export class GroupOffsets {
  readonly #parts: GroupOffsetsParts

  constructor(parts: GroupOffsetsParts) {
    this.#parts = parts
  }

  /** Waits for those that are pending. */
  async committed(
    group: string,
    partitions: readonly TopicPartition[],
  ): Promise<(OffsetCommit | undefined)[]> {
    const { cut, offsets } = this.#parts
    this.#parts.checkNotClosed()
    cut.check(group)
    return offsets.committed(group, partitions)
  }

  /** As they are now: {@link committed} waits for those that are pending. */
  now(group: string): OffsetsNow {
    const { cut, offsets } = this.#parts
    this.#parts.checkNotClosed()
    cut.check(group)
    return offsets.now(group)
  }

  async commit(commit: GroupCommit): Promise<void> {
    const { apps, cut, offsets } = this.#parts
    this.#parts.checkNotClosed()
    const deletion = apps.finishDeletion(commit.group)
    // Otherwise the commit is appended in this turn.
    if (deletion) await deletion
    this.check(commit, { isTransactional: false })
    await offsets.commit(commit)
    // A committer that is not a member has not read the committed offsets: it sets where the group begins.
    const isBeginning = commit.memberId === undefined && commit.offsets.length > 0
    if (isBeginning) await cut.settle(commit.group)
  }

  /** Checks that the partitions exist and that the committer may commit. */
  check(commit: GroupCommit, { isTransactional }: { readonly isTransactional: boolean }): void {
    const { groups, offsets } = this.#parts
    offsets.checkUsable()
    groups.check(commit, isTransactional)
    this.#checkOffsets(commit.offsets)
  }

  /** Sets all offsets of a group that has stopped; none: the group ends. */
  async set(group: string, next: readonly OffsetCommit[]): Promise<void> {
    const { apps, cut, groups, offsets } = this.#parts
    this.#parts.checkOpen()
    checkCommitName(group, false)
    this.#checkOffsets(next)
    if (next.length === 0)
      await groups.whileDeleting(group, async forget => {
        apps.checkStopped(group)
        await forget()
      })
    else {
      const deletion = apps.finishDeletion(group)
      if (deletion) await deletion
      apps.checkStopped(group)
      await offsets.replace(group, next)
    }
    await cut.settle(group)
  }

  /** The groups that `Admin.describeGroup` knows. */
  list(): GroupDescription[] {
    const { groups, offsets } = this.#parts
    this.#parts.checkOpen()
    return Array.from(new Set([...groups.names(), ...offsets.names()]), group => ({
      group,
      members: groups.members(group),
      offsets: offsets.of(group),
    }))
  }

  #checkOffsets(offsets: readonly OffsetCommit[]): void {
    checkOffsets(offsets)
    for (const { topic, partition } of offsets) this.#parts.checkPartition(topic, partition)
  }
}
