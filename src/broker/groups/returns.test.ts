/** Static members that come back: to another subscription, to changed topics, and to a group in motion. */
import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import type { GroupMembership, GroupOptions, LogPort, TopicPartition } from '../../port/index.ts'
import { SimulatedLog } from '../simulated-log.test-support.ts'

interface World {
  readonly log: SimulatedLog
  readonly port: LogPort
  readonly join: (options: Partial<GroupOptions>) => Promise<GroupMembership>
  /** Lets time pass, and says what each member has: static ones by their id. */
  readonly shares: () => Promise<Record<string, string[]>>
}

const names = (partitions: readonly TopicPartition[]): string[] =>
  partitions.map(({ topic, partition }) => `${topic}/${partition}`).sort()

async function world(topics: Readonly<Record<string, number>>): Promise<World> {
  const log = new SimulatedLog()
  const port = await log.open()
  for (const [topic, partitions] of Object.entries(topics)) await port.createTopic(topic, { partitions })
  return {
    log,
    port,
    join: options =>
      port.joinGroup({
        group: 'g',
        topics: [['a']],
        onAssigned() {},
        onRevoked() {},
        onLost() {},
        ...options,
      }),
    shares: async () => {
      await log.clock.advance(5000)
      const { members } = (await port.admin.describeGroup('g'))!
      return Object.fromEntries(
        members.map(({ instanceId = 'other', assignment }) => [instanceId, names(assignment)]),
      )
    },
  }
}

test('a static member that comes back for another topic gets that one', async () => {
  const { log, join, shares } = await world({ a: 1, b: 2 })
  await (await join({ instanceId: 'i' })).leave()
  const back = await join({ instanceId: 'i', topics: [['b']] })
  deepEqual(names(back.assignment), ['b/0', 'b/1'])
  deepEqual(await shares(), { i: ['b/0', 'b/1'] })
  await log.close()
})

test('a static member that comes back for one topic more shares that one as well', async () => {
  const { log, join, shares } = await world({ a: 1, b: 3 })
  await join({ topics: [['a'], ['b']] })
  await (await join({ instanceId: 'i' })).leave()
  await join({ instanceId: 'i', topics: [['a'], ['b']] })
  const { i = [], other = [] } = await shares()
  deepEqual([i.length, other.length], [2, 2])
  await log.close()
})

for (const partitions of [1, 3])
  test(`a topic of ${partitions} partitions in the place of one with two is shared again`, async () => {
    const { log, port, join } = await world({ a: 2 })
    await (await join({ instanceId: 'i' })).leave()
    await port.deleteTopic('a')
    await port.createTopic('a', { partitions })
    equal((await join({ instanceId: 'i' })).assignment.length, partitions)
    await log.close()
  })

test('a static member that closed while it gave partitions back leaves none without an owner', async () => {
  const { log, join, shares } = await world({ a: 3 })
  const one = await join({ instanceId: 'i', onRevoked: () => log.clock.sleep(2000) })
  const joining = join({})
  await log.clock.advance(500)
  const leaving = one.leave()
  await log.clock.advance(5000)
  await leaving
  await join({ instanceId: 'i' })
  const { i = [], other = [] } = await shares()
  deepEqual([...i, ...other].sort(), ['a/0', 'a/1', 'a/2'])
  equal((await joining).assignment.length, other.length)
  await log.close()
})

test('static members that come back after a crash to what they had cause no rebalance', async () => {
  const { log, port, join, shares } = await world({ a: 3 })
  for (const instanceId of ['i', 'j']) await join({ instanceId })
  const before = await shares()
  const { generation } = (await port.admin.describeGroup('g'))!
  const again = await log.crash()
  for (const instanceId of ['i', 'j']) {
    const hooks = { onAssigned() {}, onRevoked() {}, onLost() {} }
    const back = await again.joinGroup({ group: 'g', topics: [['a']], instanceId, ...hooks })
    deepEqual([back.generation, names(back.assignment)], [generation, before[instanceId]])
  }
  await log.close()
})
