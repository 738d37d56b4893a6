/** An app whose deletion was interrupted: its next life keeps what it is given. */
import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { fillableDisk } from '../../test/full-disk.ts'
import { seededRandom } from '../base/index.ts'
import { failsWith } from '../log/log.test-support.ts'
import { SimulatedDisk } from '../testing/simulated-disk.ts'
import { virtualClock } from '../testing/virtual-clock.ts'
import { Broker } from './broker.ts'
import { InProcessLog } from './in-process.ts'

const at = (offset: number) => ({ topic: 'in', partition: 0, offset })
const hooks = { onAssigned() {}, onRevoked() {}, onLost() {} }
/** What the next life begins with. */
const beginnings: Readonly<Record<string, (port: InProcessLog) => Promise<unknown>>> = {
  'its topic': port => port.createTopic('x-state', { partitions: 1, app: 'x' }),
  'its lock': port => port.lock('app x', 'me').then(lock => lock.release()),
  'its writer': port => port.openWriter({ transactionalId: 'x-0', app: 'x' }).then(writer => writer.close()),
  'a member': async port => (await port.joinGroup({ group: 'x', topics: [['in']], ...hooks })).leave(),
  'a commit in a transaction': async port => {
    const writer = await port.openWriter({ transactionalId: 'tool' })
    try {
      await writer.commit({ group: 'x', offsets: [at(7)] })
    } finally {
      await writer.close()
    }
  },
  'a commit': port => port.commitOffsets({ group: 'x', offsets: [at(7)] }),
  'a reset': port => port.setOffsets('x', [at(7)]),
}

for (const [name, begin] of Object.entries(beginnings))
  for (const isOpenedAgain of [false, true])
    test(`an app that found no room to be deleted begins again with ${name}${isOpenedAgain ? ', after a start' : ''}`, async () => {
      const disk = fillableDisk(new SimulatedDisk())
      const random = seededRandom(1)
      const open = () => InProcessLog.open('/data', { disk, clock: virtualClock(1_000_000), random })
      let port = await open()
      await port.createTopic('in', { partitions: 1 })
      await port.createTopic('x-state', { partitions: 1, app: 'x' })
      await port.commitOffsets({ group: 'x', offsets: [at(1)] })
      disk.fill(path => path.includes('__consumer_offsets'))
      await failsWith('DISK_FULL', port.deleteApp('x'))
      if (isOpenedAgain) {
        await port.close()
        port = await open()
      }
      await failsWith('DISK_FULL', begin(port))
      disk.free()
      await begin(port)
      await port.commitOffsets({ group: 'x', offsets: [at(7)] })
      deepEqual(await port.committedOffsets('x', [at(0)]), [at(7)])
      await port.close()
      port = await open()
      deepEqual(await port.committedOffsets('x', [at(0)]), [at(7)])
      await port.close()
    })

/** By the calls of the broker that clients outside of this process have. */
const clientBeginnings: Readonly<Record<string, (broker: Broker) => Promise<unknown>>> = {
  'a member': async broker => {
    const join = {
      group: 'x',
      clientId: 'c',
      clientHost: '/h',
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata: Buffer.from('') }],
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 10_000,
    }
    const { memberId } = await broker.groups.join({ ...join, memberId: '' })
    broker.groups.leave({ group: 'x', memberId })
  },
  'a commit in a transaction': async broker => {
    const transactionalId = 'tool'
    const identity = await broker.clientTransactions.init({ transactionalId, timeoutMs: 60_000 })
    const client = { transactionalId, identity, version: 2 } as const
    await broker.clientTransactions.commitOffsets(client, { group: 'x', offsets: [at(7)] })
    await broker.clientTransactions.end(client, 'commit')
  },
}

for (const [name, begin] of Object.entries(clientBeginnings))
  test(`an app that found no room to be deleted begins again with ${name} of a client`, async () => {
    const disk = fillableDisk(new SimulatedDisk())
    const clock = virtualClock(1_000_000)
    const broker = await Broker.open('/data', { disk, clock, random: seededRandom(1) })
    await broker.createTopic('in', { partitions: 1 })
    await broker.createTopic('x-state', { partitions: 1, app: 'x' })
    await broker.groupOffsets.commit({ group: 'x', offsets: [at(1)] })
    disk.fill(path => path.includes('__consumer_offsets'))
    await failsWith('DISK_FULL', broker.deleteApp('x'))
    await failsWith('DISK_FULL', begin(broker))
    disk.free()
    await begin(broker)
    deepEqual(await broker.groupOffsets.committed('x', [at(0)]), name === 'a member' ? [undefined] : [at(7)])
    await broker.close()
  })
