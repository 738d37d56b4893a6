/** Tools that delete groups and offsets: what they may not touch. */
import { deepEqual, equal, rejects } from 'node:assert/strict'
import { test } from 'node:test'
import { isCode } from '../../../test/is-code.ts'
import { seededRandom } from '../../base/index.ts'
import { SimulatedDisk } from '../../testing/simulated-disk.ts'
import { virtualClock } from '../../testing/virtual-clock.ts'
import { Broker } from '../broker.ts'
import { ReadOnlyLog } from '../read-only-log.ts'
import { SimulatedLog } from '../simulated-log.test-support.ts'

const hooks = { onAssigned() {}, onRevoked() {}, onLost() {} }

test('the group of an app is deleted with the app alone', async () => {
  const log = new SimulatedLog()
  const port = await log.open()
  await port.createTopic('t', { partitions: 1 })
  await port.createTopic('app-state-changelog', { partitions: 1, app: 'app' })
  const offset = { topic: 't', partition: 0, offset: 1 }
  await port.commitOffsets({ group: 'app', offsets: [offset] })
  await rejects(port.admin.deleteGroup('app'), isCode('INVALID_ARGUMENT', /deleteApp\('app'\)/))
  await rejects(port.admin.deleteOffsets('app', [offset]), isCode('INVALID_ARGUMENT', /deleteApp\('app'\)/))
  await port.deleteApp('app')
  await rejects(port.admin.deleteGroup('app'), isCode('UNKNOWN_GROUP', /'app'/))
  await log.close()
})

test('offsets of a topic that members read stay, whatever they share it by', async () => {
  const log = new SimulatedLog()
  const port = await log.open()
  await port.createTopic('t', { partitions: 1 })
  for (const protocol of ['consumer', 'streams'] as const) {
    const member = await port.joinGroup({ group: protocol, protocol, topics: [['t']], ...hooks })
    await member.commit([{ topic: 't', partition: 0, offset: 1 }])
    const deleting = port.admin.deleteOffsets(protocol, [{ topic: 't', partition: 0 }])
    await rejects(deleting, isCode('GROUP_SUBSCRIBED_TO_TOPIC', /'t'/))
    await member.leave()
    await port.admin.deleteOffsets(protocol, [{ topic: 't', partition: 0 }])
  }
  deepEqual(
    (await port.listGroups()).map(({ group, offsets }) => [group, offsets.length]),
    [
      ['consumer', 0],
      ['streams', 0],
    ],
  )
  await log.close()
})

test('a group of which only open transactions hold offsets is known, and these can be deleted', async () => {
  for (const name of ['deleteOffsets', 'deleteGroup'] as const) {
    const disk = new SimulatedDisk()
    const broker = await Broker.open('/data', { disk, clock: virtualClock(), random: seededRandom(1) })
    await broker.createTopic('t', { partitions: 1 })
    const transactionalId = 'id'
    const identity = await broker.clientTransactions.init({ transactionalId, timeoutMs: 60_000 })
    const client = { transactionalId, identity, version: 2 } as const
    const offset = { topic: 't', partition: 0, offset: 1 }
    await rejects(broker.admin.deleteOffsets('g', [offset]), isCode('UNKNOWN_GROUP', /'g'/))
    await broker.clientTransactions.commitOffsets(client, { group: 'g', offsets: [offset] })
    equal((await broker.admin.describeGroup('g'))?.state, 'Empty')
    const listed = { group: 'g', offsets: [] }
    deepEqual(broker.groupOffsets.list(), [{ ...listed, members: 0 }])
    const look = await ReadOnlyLog.open('/data', { disk, clock: virtualClock() })
    deepEqual(await look.listGroups(), [{ ...listed, members: undefined }])
    equal((await look.admin.describeGroup('g'))?.state, 'Empty')
    await look.close()
    await (name === 'deleteGroup' ? broker.admin.deleteGroup('g') : broker.admin.deleteOffsets('g', [offset]))
    await broker.clientTransactions.end(client, 'commit')
    deepEqual(await broker.groupOffsets.committed('g', [offset]), [undefined])
    equal(await broker.admin.describeGroup('g'), undefined)
    deepEqual(broker.groupOffsets.list(), [])
    await broker.close()
  }
})
