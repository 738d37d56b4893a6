/** An app whose deletion was interrupted: its next life keeps what it is given. */
import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { fillableDisk } from '../../test/full-disk.ts'
import { seededRandom } from '../base/index.ts'
import { failsWith } from '../log/log.test-support.ts'
import { SimulatedDisk } from '../testing/simulated-disk.ts'
import { virtualClock } from '../testing/virtual-clock.ts'
import { InProcessLog } from './in-process.ts'

const at = (offset: number) => ({ topic: 'in', partition: 0, offset })
const hooks = { onAssigned() {}, onRevoked() {}, onLost() {} }
/** What the next life begins with. */
const beginnings: Readonly<Record<string, (port: InProcessLog) => Promise<unknown>>> = {
  'its topic': port => port.createTopic('x-state', { partitions: 1, app: 'x' }),
  'its lock': port => port.lock('app x', 'me').then(lock => lock.release()),
  'its writer': port => port.openWriter({ transactionalId: 'x-0', app: 'x' }).then(writer => writer.close()),
  'a member': async port => (await port.joinGroup({ group: 'x', topics: [['in']], ...hooks })).leave(),
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
