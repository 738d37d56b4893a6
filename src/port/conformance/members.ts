/** Members of groups, for the cases: they record what they are told. */
import assert from 'node:assert/strict'
import { isMillraceError } from '../../base/index.ts'
import type { GroupMembership, GroupOptions } from '../group/membership.ts'
import type { TopicPartition } from '../log-port.ts'
import { partitionNames, type Harness } from './harness.ts'

/** A member that records the calls of its hooks. */
export interface Recorded {
  readonly membership: GroupMembership
  readonly owned: Set<string>
  readonly events: string[]
}

export async function join(
  h: Harness,
  group: string,
  topics: readonly (readonly string[])[],
  options: Partial<GroupOptions> = {},
): Promise<Recorded> {
  const owned = new Set<string>()
  const events: string[] = []
  const names = (partitions: readonly TopicPartition[]): string[] => partitionNames(partitions)
  const membership = await h.port.joinGroup({
    group,
    topics,
    ...options,
    onAssigned: async (partitions, generation) => {
      await options.onAssigned?.(partitions, generation)
      events.push(`assigned ${names(partitions).join()}`)
      for (const name of names(partitions)) owned.add(name)
    },
    onRevoked: async (partitions, generation) => {
      await options.onRevoked?.(partitions, generation)
      events.push(`revoked ${names(partitions).join()}`)
      for (const name of names(partitions)) owned.delete(name)
    },
    onLost: (partitions, error) => {
      options.onLost?.(partitions, error)
      events.push(`lost ${names(partitions).join()} ${isMillraceError(error) ? error.code : String(error)}`)
      for (const name of names(partitions)) owned.delete(name)
    },
  })
  return { membership, owned, events }
}

/** A member that gives nothing away before `letGo`; `asked` resolves once it is to. */
export async function reluctant(
  h: Harness,
  group: string,
  topic: string,
): Promise<{ readonly one: Recorded; readonly asked: Promise<void>; readonly letGo: () => void }> {
  const { promise: mayGo, resolve: letGo } = Promise.withResolvers<void>()
  const { promise: asked, resolve: ask } = Promise.withResolvers<void>()
  const one = await join(h, group, [[topic]], {
    onRevoked: async () => {
      ask()
      await mayGo
    },
  })
  return { one, asked, letGo }
}

/** Waits until the members have these numbers of partitions. */
export async function settled(
  h: Harness,
  members: readonly Recorded[],
  counts: readonly number[],
): Promise<void> {
  for (let turn = 0; turn < 2000; turn += 1) {
    if (
      members.every(
        ({ owned, membership }, index) =>
          owned.size === counts[index] && membership.assignment.length === counts[index],
      )
    )
      return
    await h.pass(5)
  }
  assert.deepEqual(
    members.map(({ owned }) => owned.size),
    counts,
  )
}
