/** The checkpoints of a data directory: when they are written, and what they say. */
import { equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom, utf8 } from '../base/index.ts'
import { SimulatedDisk } from '../testing/simulated-disk.ts'
import { virtualClock } from '../testing/virtual-clock.ts'
import { batchOf, dataPath, openDirectory } from './log.test-support.ts'
import type { Partition } from './partition/partition.ts'

const recoveryPoints = `${dataPath}/recovery-point-offset-checkpoint`

async function send(partition: Partition): Promise<void> {
  await partition.append(batchOf(['x'.repeat(60)])).durable
}

test('a checkpoint comes with time, with bytes and with a roll; it names what is synced', async () => {
  const check = async (
    options: Parameters<typeof openDirectory>[1],
    batches: number,
    waitMs: number,
    isExpected: (offset: number) => boolean,
  ): Promise<void> => {
    const clock = virtualClock()
    const disk = new SimulatedDisk()
    const log = await openDirectory(disk, { clock, ...options })
    const partition = await log.createPartition('flights', 0)
    for (let sequence = 0; sequence < batches; sequence += 1) await send(partition)
    await clock.advance(waitMs)
    const text = utf8(disk.contentOf(recoveryPoints)!)
    const offset = Number(/^flights 0 (\d+)$/m.exec(text)?.[1] ?? 0)
    ok(isExpected(offset), text)
    await log.close()
  }
  await check({}, 3, 4999, offset => offset === 0)
  await check({}, 3, 5000, offset => offset === 3)
  await check({ checkpointIntervalMs: 100 }, 3, 100, offset => offset === 3)
  await check({ checkpointBytes: 300 }, 3, 0, offset => offset >= 2)
  await check({ segmentBytes: 300 }, 3, 0, offset => offset >= 2)
  // Then nothing is synced for a checkpoint, but where a segment ends.
  await check({ durability: 'os' }, 3, 5000, offset => offset === 0)
  await check({ durability: 'os', segmentBytes: 300 }, 3, 0, offset => offset >= 2)
})

test('a checkpoint syncs a transaction in progress, for which nobody waits', async () => {
  const clock = virtualClock()
  const disk = new SimulatedDisk()
  const log = await openDirectory(disk, { clock })
  const partition = await log.createPartition('flights', 0)
  const stamp = { producerId: 1, producerEpoch: 0, baseSequence: 0, transactional: true }
  await partition.append(batchOf(['x'], stamp)).written
  equal(partition.syncedOffset, 0)
  await clock.advance(5000)
  ok(utf8(disk.contentOf(recoveryPoints)!).includes('flights 0 1'))
  await log.close()
})

test('with durability os a checkpoint is written only where a synced end has moved', async () => {
  const clock = virtualClock()
  const disk = new SimulatedDisk()
  let saved = 0
  const rename = disk.rename.bind(disk)
  disk.rename = (from, to) => {
    if (to === recoveryPoints) saved += 1
    return rename(from, to)
  }
  const log = await openDirectory(disk, { clock, durability: 'os', segmentBytes: 300 })
  const partition = await log.createPartition('flights', 0)
  for (let sequence = 0; sequence < 3; sequence += 1) await send(partition)
  await clock.advance(5000)
  const before = saved
  await send(partition)
  await clock.advance(60_000)
  equal(saved, before)
  await send(partition)
  await send(partition)
  await clock.advance(5000)
  ok(saved > before)
  await log.close()
})

test('a checkpoint names what is synced, not what shows', async () => {
  const disk = new SimulatedDisk({ random: seededRandom(4) })
  const log = await openDirectory(disk, { durability: 'os' })
  const partition = await log.createPartition('flights', 0)
  await log.createPartition('alerts', 0)
  await partition.append(batchOf(['x'.repeat(2000)])).written
  equal(partition.highWatermark, 1)
  // Writes the checkpoint, and syncs nothing.
  await log.deletePartition('alerts', 0)
  ok(utf8(disk.contentOf(recoveryPoints)!).includes('flights 0 0'))
})
