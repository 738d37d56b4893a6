import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { SimulatedDisk } from '../../testing/simulated-disk.ts'
import { virtualClock } from '../../testing/virtual-clock.ts'
import { batchOf, openDirectory } from '../log.test-support.ts'
import type { Partition } from './partition.ts'

const expirationMs = 20_000

const send = (partition: Partition, producerId: number, transactional = false): Promise<void> =>
  partition.append(batchOf(['a'], { producerId, producerEpoch: 0, baseSequence: 0, transactional })).written

const knownTo = (partition: Partition): number[] =>
  Array.from(partition.producers(), ({ producerId }) => producerId)

test('a producer is forgotten a while after its last write, restarts included, but not in a transaction', async () => {
  const clock = virtualClock(1_000_000)
  const disk = new SimulatedDisk()
  const options = { clock, producerIdExpirationMs: expirationMs, retentionCheckIntervalMs: 3000 }
  const log = await openDirectory(disk, options)
  const partition = await log.createPartition('flights', 0)
  await send(partition, 1)
  await send(partition, 2, true)
  await clock.advance(15_000)
  await send(partition, 3)
  await log.close()
  const again = await openDirectory(disk, options)
  const reopened = again.partition('flights', 0)!
  await clock.advance(6000)
  deepEqual(knownTo(reopened), [2, 3])
  await clock.advance(15_000)
  await send(reopened, 4)
  await clock.advance(5000)
  deepEqual(knownTo(reopened), [2, 4])
  // Its next batch is taken, whatever its sequence number is.
  const late = batchOf(['late'], { producerId: 1, producerEpoch: 0, baseSequence: 17 })
  await reopened.append(late).written
  await again.close()
})
