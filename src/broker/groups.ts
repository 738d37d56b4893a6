/** Consumer groups: the list of groups, joining, and the right to commit. One group: group.ts. */
import type { GroupCommit, GroupMembership, GroupOptions } from '../port/index.ts'
import { Group, type GroupContext } from './group.ts'
import { checkSet, fenced } from './group-checks.ts'

export class Groups {
  readonly #context: GroupContext
  readonly #groups = new Map<string, Group>()
  #members = 0

  constructor(context: GroupContext) {
    this.#context = context
  }

  /** Resolves once the member has its first assignment, which may be empty. */
  async join(options: GroupOptions): Promise<GroupMembership> {
    for (const topics of options.topics) checkSet(topics, this.#context.partitions)
    let group = this.#groups.get(options.group)
    if (!group) this.#groups.set(options.group, (group = new Group(options.group, this.#context)))
    this.#members += 1
    return group.join(`${options.group}-${this.#members}`, options)
  }

  /** Throws MEMBER_FENCED for a former member, or a past generation. */
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
