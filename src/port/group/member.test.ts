/** A member's side of a rebalance: what its hooks hear, and what it has afterwards. */
import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import type { TopicPartition } from '../log-port.ts'
import { type Unit, unitsOf } from './assignor.ts'
import { GroupMember } from './member.ts'

/** The units with these numbers of a topic with three partitions. */
function units(...numbers: number[]): ReadonlyMap<string, Unit> {
  return new Map(numbers.map(number => unitsOf(['t'], 3)[number]!).map(unit => [unit.key, unit]))
}

const inWords = (partitions: readonly TopicPartition[]): string =>
  partitions.map(({ topic, partition }) => `${topic}${partition}`).join(' ')

/** A member, and what its hooks hear. `onHook` is awaited in each of them. */
function joined(onHook: () => Promise<void> = () => Promise.resolve()): {
  readonly member: GroupMember
  readonly heard: string[]
} {
  const heard: string[] = []
  const hear = (what: string) => (partitions: readonly TopicPartition[], generation: number) => {
    heard.push(`${what} ${inWords(partitions)} in ${generation}`)
    return onHook()
  }
  const member = new GroupMember('m', {
    group: 'g',
    topics: [['t']],
    onAssigned: hear('assigned'),
    onRevoked: hear('revoked'),
    onLost: (partitions, error) => heard.push(`lost ${inWords(partitions)}: ${(error as Error).message}`),
  })
  return { member, heard }
}

test('it gives back what goes elsewhere, takes what is new, and keeps the rest', async () => {
  const { member, heard } = joined()
  await member.take(units(0, 1), 1)
  equal(member.hasToGiveBack(units(1, 2)), true)
  await member.giveBack(units(1, 2), 2)
  equal(member.hasToTake(units(1, 2)), true)
  await member.take(units(1, 2), 2)
  deepEqual(heard, ['assigned t0 t1 in 1', 'revoked t0 in 1', 'assigned t2 in 2'])
  equal(inWords(member.assignment), 't1 t2')
  equal(member.generation, 2)
  equal(member.hasToGiveBack(units(1, 2)), false)
  equal(member.hasToTake(units(1, 2)), false)
})

test('the first assignment may be empty: no hook hears of it', async () => {
  const { member, heard } = joined()
  equal(member.hasToTake(units()), true)
  await member.take(units(), 1)
  deepEqual([heard, member.generation], [[], 1])
})

test('what a step brings after it was expelled is not taken', async () => {
  const hook = Promise.withResolvers<void>()
  const { member, heard } = joined(() => hook.promise)
  const taking = member.take(units(0), 1)
  member.lose(new Error('too late'))
  hook.resolve()
  await taking
  deepEqual(heard, ['assigned t0 in 1', 'lost : too late'])
  equal(inWords(member.assignment), '')
})

test('a topic that is gone is lost, and its partitions are not given back', async () => {
  const { member, heard } = joined()
  await member.take(units(0, 2), 1)
  member.loseTopic('other', new Error('gone'))
  member.loseTopic('t', new Error('gone'))
  deepEqual(heard, ['assigned t0 t2 in 1', 'lost t0 t2: gone'])
  equal(member.hasToGiveBack(units()), false)
})
