/** A member's side of a rebalance: what its hooks hear, and what it has afterwards. */
import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import type { TopicPartition } from '../log-port.ts'
import { HeldPartitions } from './held-partitions.ts'

const of = (...numbers: number[]): TopicPartition[] => numbers.map(partition => ({ topic: 't', partition }))

const inWords = (partitions: readonly TopicPartition[]): string =>
  partitions.map(({ topic, partition }) => `${topic}${partition}`).join(' ')

/** The partitions of a member, and what its hooks hear. `onHook` is awaited in each of them. */
function member(onHook: () => Promise<void> = () => Promise.resolve()): {
  readonly held: HeldPartitions
  readonly heard: string[]
} {
  const heard: string[] = []
  const hear = (what: string) => (partitions: readonly TopicPartition[], generation: number) => {
    heard.push(`${what} ${inWords(partitions)} in ${generation}`)
    return onHook()
  }
  const held = new HeldPartitions({
    hooks: {
      onAssigned: hear('assigned'),
      onRevoked: hear('revoked'),
      onLost: (partitions, error) => heard.push(`lost ${inWords(partitions)}: ${(error as Error).message}`),
    },
    generation: () => 7,
    inTime: step => step(),
    onGivenBack: () => heard.push('given back'),
    onFailure: error => heard.push(`failed: ${(error as Error).message}`),
  })
  return { held, heard }
}

test('it gives back what goes elsewhere, then takes what is new, and keeps the rest', async () => {
  const { held, heard } = member()
  held.follow(of(0, 1))
  await held.settled()
  held.follow(of(1, 2))
  await held.settled()
  deepEqual(heard, ['assigned t0 t1 in 7', 'revoked t0 in 7', 'given back', 'assigned t2 in 7'])
  equal(inWords(held.list), 't1 t2')
  held.follow(of(1, 2))
  await held.settled()
  equal(heard.length, 4)
})

test('an empty assignment: no hook hears of it', async () => {
  const { held, heard } = member()
  held.follow([])
  await held.settled()
  deepEqual(heard, [])
})

test('what is being given back, and what is being taken, are its own until the step is done', async () => {
  let step = Promise.withResolvers<void>()
  const { held } = member(() => step.promise)
  held.follow(of(0))
  equal(inWords(held.owned), 't0')
  equal(inWords(held.list), '')
  step.resolve()
  await held.settled()
  step = Promise.withResolvers()
  held.follow(of())
  equal(inWords(held.owned), 't0')
  step.resolve()
  await held.settled()
  equal(inWords(held.owned), '')
})

test('an assignment that changes during a step is followed after it', async () => {
  const step = Promise.withResolvers<void>()
  const { held, heard } = member(() => step.promise)
  held.follow(of(0, 1))
  held.follow(of(1))
  held.follow(of(1, 2))
  step.resolve()
  await held.settled()
  deepEqual(heard, ['assigned t0 t1 in 7', 'revoked t0 in 7', 'given back', 'assigned t2 in 7'])
})

test('a partition that is assigned again while it is being given back is taken again', async () => {
  const step = Promise.withResolvers<void>()
  const { held, heard } = member(() => (heard.length > 1 ? step.promise : Promise.resolve()))
  held.follow(of(0))
  await held.settled()
  held.follow(of())
  held.follow(of(0))
  step.resolve()
  await held.settled()
  deepEqual(heard.slice(1), ['revoked t0 in 7', 'given back', 'assigned t0 in 7'])
})

test('what it is taking is its own also when it is assigned to another meanwhile', async () => {
  const step = Promise.withResolvers<void>()
  const { held, heard } = member(() => step.promise)
  held.follow(of(0, 1))
  held.follow(of(0))
  equal(inWords(held.owned), 't0 t1')
  step.resolve()
  await held.settled()
  deepEqual(heard.slice(1), ['revoked t1 in 7', 'given back'])
  equal(inWords(held.owned), 't0')
})

test('what a step brings after the member was removed is not taken', async () => {
  const hook = Promise.withResolvers<void>()
  const { held, heard } = member(() => hook.promise)
  held.follow(of(0))
  held.lose(new Error('too late'))
  hook.resolve()
  await held.settled()
  deepEqual(heard, ['assigned t0 in 7', 'lost : too late'])
  equal(inWords(held.list), '')
})

test('a topic that is gone is lost, also in a step, and its partitions are not given back', async () => {
  const hook = Promise.withResolvers<void>()
  const { held, heard } = member(() => hook.promise)
  held.follow(of(0))
  held.loseTopic('t', new Error('gone'))
  hook.resolve()
  await held.settled()
  await held.giveBackAll()
  deepEqual(heard, ['assigned t0 in 7', 'lost : gone'])
  equal(inWords(held.list), '')
})

test('a step that fails ends the others', async () => {
  const { held, heard } = member(() => Promise.reject(new Error('no')))
  held.follow(of(0))
  await held.settled()
  deepEqual(heard, ['assigned t0 in 7', 'failed: no'])
})
