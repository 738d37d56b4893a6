import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '../../base/index.ts'
import { SimulatedDisk } from '../../testing/simulated-disk.ts'
import { virtualClock, type VirtualClock } from '../../testing/virtual-clock.ts'
import { batchOf, openDirectory, shownOf } from '../log.test-support.ts'
import type { PartitionSettings } from './partition-settings.ts'
import type { Partition } from './partition.ts'

type FlushSettings = Partial<Pick<PartitionSettings, 'flushMessages' | 'flushMs'>>

/** With durability os: nothing is synced that these settings do not ask for. */
async function newPartition(settings: FlushSettings): Promise<{
  readonly disk: SimulatedDisk
  readonly clock: VirtualClock
  readonly partition: Partition
}> {
  const disk = new SimulatedDisk()
  const clock = virtualClock(1_000_000)
  const log = await openDirectory(disk, { durability: 'os', clock })
  const partition = await log.createPartition('flights', 0)
  configure(partition, settings)
  return { disk, clock, partition }
}

function configure(partition: Partition, settings: FlushSettings): void {
  partition.configure({ ...partition.settings, ...settings })
}

async function append(partition: Partition, ...values: string[]): Promise<void> {
  await partition.append(batchOf(values)).durable
}

const transactional = { producerId: 1, producerEpoch: 0, baseSequence: 0, transactional: true }

test('flush.messages: the append that leaves so many records unsynced is acknowledged once synced', async () => {
  const { partition } = await newPartition({ flushMessages: 3 })
  const check = async (values: string[], synced: number): Promise<void> => {
    await append(partition, ...values)
    equal(partition.syncedOffset, synced)
    equal(partition.highWatermark, partition.logEndOffset)
  }
  await check(['a'], 0)
  await check(['b'], 0)
  await check(['c'], 3)
  await check(['d', 'e'], 3)
  await check(['f', 'g', 'h'], 8)
})

test('flush.messages of 1: each record is synced before it is shown, and before it is acknowledged', async () => {
  const { partition } = await newPartition({ flushMessages: 1 })
  const { written, durable } = partition.append(batchOf(['a']))
  await written
  equal(partition.highWatermark, 0)
  await durable
  equal(partition.highWatermark, 1)
  equal(partition.syncedOffset, 1)
})

test('flush.messages over a loss of power: fewer records than that are lost of those acknowledged', async () => {
  for (let seed = 1; seed <= 40; seed += 1) {
    const random = seededRandom(seed)
    const disk = new SimulatedDisk({ random })
    const log = await openDirectory(disk, { durability: 'os' })
    const partition = await log.createPartition('t', 0)
    const flushMessages = 1 + random.int(5)
    configure(partition, { flushMessages })
    let acknowledged = 0
    const acknowledge = (end: number): void => {
      acknowledged = Math.max(acknowledged, end)
    }
    for (let n = 0; n < 30; n += 1) {
      const values = Array.from({ length: 1 + random.int(3) }, (_, i) => `${n}.${i}`)
      const { durable, lastOffset } = partition.append(batchOf(values))
      const shown = durable.then(() => acknowledge(lastOffset + 1))
      // Power is lost while some are in flight.
      shown.catch(() => undefined)
      if (random.int(2) === 0) await shown
    }
    disk.crash()
    const kept = acknowledged
    const again = await openDirectory(disk, { durability: 'os' })
    const { logEndOffset } = again.partition('t', 0)!
    ok(kept - logEndOffset < flushMessages, `seed ${seed}: ${logEndOffset} of ${kept}`)
    await again.close()
  }
})

test('a batch that is sent again is acknowledged no sooner than the original', async () => {
  const { partition } = await newPartition({ flushMessages: 2 })
  const stamp = { producerId: 1, producerEpoch: 0, baseSequence: 0 }
  const first = partition.append(batchOf(['a', 'b'], stamp))
  await first.written
  const again = partition.append(batchOf(['a', 'b'], stamp))
  ok(again.duplicate)
  await again.durable
  equal(partition.syncedOffset, 2)
  await partition.append(batchOf(['a', 'b'], stamp)).durable
})

test('flush.messages: a transaction is synced by its end, not by its records', async () => {
  const { partition } = await newPartition({ flushMessages: 2 })
  await partition.append(batchOf(['a', 'b', 'c'], transactional)).durable
  equal(partition.syncedOffset, 0)
  await partition.settle()
  equal(partition.syncedOffset, 3)
  const marker = { type: 'commit', producerId: 1, producerEpoch: 0, coordinatorEpoch: 0 } as const
  await partition.appendMarker(marker).durable
  deepEqual((await shownOf(partition, 'read_committed')).length, 3)
})

test('flush.ms: what is written is synced so long after, by one timer for all records', async () => {
  const { clock, partition } = await newPartition({ flushMs: 1000 })
  const { pending } = clock
  await append(partition, 'a')
  await clock.advance(900)
  await append(partition, 'b')
  equal(clock.pending, pending + 2, 'one timer, and that of the checkpoint')
  equal(partition.syncedOffset, 0)
  await clock.advance(100)
  equal(partition.syncedOffset, 2)
  equal(partition.highWatermark, 2)
  // Nothing is left to be synced, until something is written.
  equal(clock.pending, pending + 1)
  await append(partition, 'c')
  await clock.advance(999)
  equal(partition.syncedOffset, 2)
  await clock.advance(1)
  equal(partition.syncedOffset, 3)
})

test('flush.ms keeps what is older over a loss of power', async () => {
  for (let seed = 1; seed <= 20; seed += 1) {
    const disk = new SimulatedDisk({ random: seededRandom(seed) })
    const clock = virtualClock(1_000_000)
    const log = await openDirectory(disk, { durability: 'os', clock })
    const partition = await log.createPartition('t', 0)
    configure(partition, { flushMs: 100 })
    for (let n = 0; n < 10; n += 1) {
      await append(partition, `${n}`)
      await clock.advance(30)
    }
    await clock.advance(100)
    disk.crash()
    const again = await openDirectory(disk, { durability: 'os' })
    equal(again.partition('t', 0)!.logEndOffset, 10, `seed ${seed}`)
    await again.close()
  }
})

test('changes hold at once, also for what is written already', async () => {
  const { clock, partition } = await newPartition({})
  await append(partition, 'a')
  configure(partition, { flushMs: 50 })
  await clock.advance(50)
  equal(partition.syncedOffset, 1)
  await append(partition, 'b')
  configure(partition, { flushMs: 20 })
  await clock.advance(20)
  equal(partition.syncedOffset, 2)
  configure(partition, { flushMs: Number.MAX_SAFE_INTEGER })
  await append(partition, 'c')
  await clock.advance(100)
  equal(partition.syncedOffset, 2)
  configure(partition, { flushMessages: 1 })
  await clock.advance(0)
  equal(partition.syncedOffset, 3)
  // What is written and not synced shows once that is enough again.
  await partition.append(batchOf(['d'], transactional)).written
  equal(partition.highWatermark, 3)
  configure(partition, { flushMessages: 10 })
  equal(partition.highWatermark, 4)
  equal(partition.syncedOffset, 3)
})

test('changes of other settings do not defer a sync', async () => {
  const { clock, partition } = await newPartition({ flushMs: 100 })
  await append(partition, 'a')
  for (let n = 1; n <= 4; n += 1) {
    await clock.advance(25)
    partition.configure({ ...partition.settings, retentionMs: n * 1_000_000 })
  }
  await clock.advance(0)
  equal(partition.syncedOffset, 1)
})

test('a batch that finds no room takes no sync from those before it', async () => {
  const { clock, disk, partition } = await newPartition({})
  await append(partition, 'a')
  disk.capacityBytes = 1
  const refused = partition.append(batchOf(['b'])).durable
  configure(partition, { flushMessages: 1 })
  await rejects(refused, { code: 'DISK_FULL' })
  await clock.advance(0)
  equal(partition.syncedOffset, 1)
})

test('a closed partition leaves no timer', async () => {
  const { clock, partition } = await newPartition({ flushMs: 5000 })
  const { pending } = clock
  await append(partition, 'a')
  await partition.close()
  equal(clock.pending, pending + 1, 'that of the checkpoint')
})
