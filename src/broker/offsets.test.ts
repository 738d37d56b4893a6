/** Which offset of a group counts, where commits, deletions and transactions meet. */
import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '../base/index.ts'
import { SimulatedDisk } from '../testing/simulated-disk.ts'
import { virtualClock } from '../testing/virtual-clock.ts'
import { Broker } from './broker.ts'

const at = (offset: number) => ({ topic: 't', partition: 0, offset })
const producer = { producerId: 77, producerEpoch: 3 }
const changes: Readonly<Record<string, (broker: Broker) => Promise<void>>> = {
  commit: broker => broker.commitOffsets({ group: 'g', offsets: [at(7)] }),
  reset: broker => broker.setOffsets('g', [at(7)]),
  deletion: broker => broker.setOffsets('g', []),
}

for (const [name, change] of Object.entries(changes))
  for (const transactionIsFirst of [true, false])
    test(`of a ${name} and a transaction that is ${transactionIsFirst ? 'older' : 'newer'} the newer one counts`, async () => {
      const disk = new SimulatedDisk()
      const open = () => Broker.open('/data', { disk, clock: virtualClock(), random: seededRandom(1) })
      const broker = await open()
      await broker.createTopic('t', { partitions: 1 })
      const { offsets } = broker
      const steps = [
        () => offsets.commitInTransaction(producer, { group: 'g', offsets: [at(5)] }),
        () => change(broker),
      ]
      // Both are in flight at once.
      await Promise.all((transactionIsFirst ? steps : steps.toReversed()).map(step => step()))
      const marker = { ...producer, type: 'commit', coordinatorEpoch: 0 } as const
      await offsets.partition.appendMarker(marker).durable
      offsets.ended(producer.producerId, 'commit')
      const expected = !transactionIsFirst ? [at(5)] : name === 'deletion' ? [] : [at(7)]
      deepEqual(offsets.of('g'), expected)
      await broker.close()
      const again = await open()
      deepEqual(again.offsets.of('g'), expected)
      await again.close()
    })
