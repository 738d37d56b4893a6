import { equal } from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '../../base/index.ts'
import { SimulatedDisk } from '../../testing/simulated-disk.ts'
import { batchOf, openDirectory } from '../log.test-support.ts'

test('with durability os a start is not ahead of the records that a loss of power leaves', async () => {
  for (let seed = 1; seed <= 20; seed += 1) {
    const disk = new SimulatedDisk({ random: seededRandom(seed) })
    const log = await openDirectory(disk, { durability: 'os' })
    const partition = await log.createPartition('t', 0)
    for (let n = 0; n < 20; n += 1) await partition.append(batchOf([`${n}`])).durable
    equal(await partition.deleteRecords(15), 15)
    await partition.append(batchOf(['more'])).durable
    disk.crash()
    const again = await openDirectory(disk, { durability: 'os' })
    const { logStartOffset, logEndOffset } = again.partition('t', 0)!
    equal(logStartOffset, 15)
    equal(Math.min(logEndOffset, 20), 20, `seed ${seed}: no offset is given twice`)
    await again.close()
  }
})
