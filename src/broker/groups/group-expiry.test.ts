/** Committed offsets end when their group has not been used for the retention, by the wall clock. */
import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '../../base/index.ts'
import type { GroupMembership, LogPort } from '../../port/index.ts'
import { SimulatedDisk } from '../../testing/simulated-disk.ts'
import { virtualClock } from '../../testing/virtual-clock.ts'
import { Broker } from '../broker.ts'
import { SimulatedLog } from '../simulated-log.test-support.ts'

const minuteMs = 60_000
const configs = { 'offsets.retention.minutes': 10, 'offsets.retention.check.interval.ms': minuteMs }

async function opened(): Promise<{ readonly log: SimulatedLog; readonly port: LogPort }> {
  const log = new SimulatedLog(seededRandom(1), { log: { configs } })
  const port = await log.open()
  for (const name of ['t', 'u']) await port.createTopic(name, { partitions: 1 })
  return { log, port }
}

const commit = (port: LogPort, group: string, topic = 't'): Promise<void> =>
  port.commitOffsets({ group, offsets: [{ topic, partition: 0, offset: 1 }] })

const join = (port: LogPort, group: string, topic = 't', protocol: 'consumer' | 'streams' = 'consumer') =>
  port.joinGroup({ group, protocol, topics: [[topic]], onAssigned() {}, onRevoked() {}, onLost() {} })

const commitAs = (member: GroupMembership, topic: string): Promise<void> =>
  member.commit([{ topic, partition: 0, offset: 1 }])

async function offsetsOf(port: LogPort): Promise<string[]> {
  const groups = await port.listGroups()
  return groups.flatMap(({ group, offsets }) => offsets.map(({ topic }) => `${group} ${topic}`)).toSorted()
}

/** Minutes pass one by one: each look deletes through the disk. */
async function pass(log: SimulatedLog, minutes: number): Promise<void> {
  for (let n = 0; n < minutes; n += 1) await log.clock.advance(minuteMs)
}

test('offsets without members end after the last commit, those of a group after it became empty', async () => {
  const { log, port } = await opened()
  await commit(port, 'simple')
  const member = await join(port, 'joined')
  await commitAs(member, 't')
  await pass(log, 8)
  await member.leave()
  deepEqual(await offsetsOf(port), ['joined t', 'simple t'])
  await pass(log, 4)
  deepEqual(await offsetsOf(port), ['joined t'])
  await pass(log, 8)
  deepEqual(await offsetsOf(port), [])
  deepEqual(await port.admin.describeGroup('joined'), undefined)
  await log.close()
})

test('members keep the offsets of the topics that they read', async () => {
  const { log, port } = await opened()
  const member = await join(port, 'g')
  await commitAs(member, 't')
  await commitAs(member, 'u')
  await pass(log, 30)
  deepEqual(await offsetsOf(port), ['g t'])
  await member.leave()
  await log.close()
})

test('time counts while no process has the log open, but not before the first look', async () => {
  const { log, port } = await opened()
  for (const group of ['back', 'gone']) await commitAs(await join(port, group), 't')
  await port.close()
  await log.clock.advance(8 * 24 * 60 * minuteMs)
  const again = await log.open()
  await join(again, 'back')
  await pass(log, 2)
  deepEqual(await offsetsOf(again), ['back t'])
  await again.close()
})

test('offsets of apps and of connectors stay', async () => {
  const { log, port } = await opened()
  await port.createTopic('app-state-changelog', { partitions: 1, app: 'app' })
  await (await join(port, 'app', 't', 'streams')).leave()
  for (const group of ['app', 'connect-flights']) await commit(port, group)
  await pass(log, 30)
  deepEqual(await offsetsOf(port), ['app t', 'connect-flights t'])
  await log.close()
})

test('offsets of a consumer group that is named as a connector end', async () => {
  const { log, port } = await opened()
  const member = await join(port, 'connect-users')
  await commitAs(member, 't')
  await member.leave()
  await commit(port, 'connect-flights')
  await pass(log, 30)
  deepEqual(await offsetsOf(port), ['connect-flights t'])
  await log.close()
})

test('offsets of a group whose process ended by a crash end, however often the log is opened', async () => {
  const { log, port } = await opened()
  await commitAs(await join(port, 'g'), 't')
  let crashed = port
  for (let n = 0; n < 6; n += 1) {
    crashed = await log.crash()
    await pass(log, 2)
  }
  deepEqual(await offsetsOf(crashed), [])
  await log.close()
})

test('a commit begins the retention again, also after a crash', async () => {
  const { log, port } = await opened()
  await commit(port, 'g')
  const before = await offsetsOf(port)
  const crashed = await log.crash()
  await pass(log, 9)
  await commit(crashed, 'g')
  await pass(log, 5)
  deepEqual(await offsetsOf(crashed), before)
  await log.close()
})

test('a commit in flight is left alone: it is newer than what a look finds', async () => {
  const disk = new SimulatedDisk()
  const broker = await Broker.open('/data', { disk, clock: virtualClock(), random: seededRandom(1) })
  await broker.createTopic('t', { partitions: 1 })
  const commitOffset = (offset: number): Promise<void> =>
    broker.groupOffsets.commit({ group: 'g', offsets: [{ topic: 't', partition: 0, offset }] })
  await commitOffset(1)
  const committing = commitOffset(2)
  await broker.offsets.forgetWhere('g', ({ offset }) => offset === 1)
  await committing
  deepEqual(broker.offsets.of('g'), [{ topic: 't', partition: 0, offset: 2 }])
  equal(broker.offsets.isPending('g'), false)
  await broker.close()
})
