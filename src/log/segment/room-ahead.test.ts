import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { forSeeds } from '../../../test/for-seeds.ts'
import { SimulatedDisk } from '../../testing/simulated-disk.ts'
import { batchOf, dataPath, failsWith, openDirectory, valuesOf } from '../log.test-support.ts'
import type { LogDirectoryOptions } from '../log-directory-options.ts'
import type { Partition } from '../partition/partition.ts'
import { RoomAhead } from './room-ahead.ts'

const kib = 1024
const block = 128 * kib
const path = `${dataPath}/flights-0/00000000000000000000.log`
const large = (n: number): string => `${n}`.padEnd(20 * kib, '.')
const batchBytes = batchOf([large(0)]).length

function sizeOf(disk: SimulatedDisk, file = path): number {
  return disk.contentOf(file)!.length
}

/** Appends batches of 20 KiB, each in its own write. */
async function append(partition: Partition, from: number, to: number): Promise<void> {
  for (let n = from; n < to; n += 1) await partition.append(batchOf([large(n)])).written
}

async function logWith(
  count: number,
  { disk = new SimulatedDisk(), ...options }: Partial<LogDirectoryOptions> & { disk?: SimulatedDisk } = {},
) {
  const log = await openDirectory(disk, { durability: 'os', ...options })
  const partition = await log.createPartition('flights', 0)
  await append(partition, 0, count)
  return { disk, log, partition }
}

test('appends of a middle size make room up to the end of a block', () => {
  const check = (end: number, bytes: number, expected: number | undefined): void =>
    equal(new RoomAhead().after(end, bytes)?.length, expected)
  check(8 * kib, 8 * kib, block - 8 * kib)
  check(block + 1, 64 * kib, block - 1)
  check(3 * block, 64 * kib, undefined)
  check(1000 * block - 1, 2 * block, 1)
  check(8 * kib, 8 * kib - 1, undefined)
  check(3 * block, 2 * block + 1, undefined)
})

test('an append within the room makes none', () => {
  const room = new RoomAhead()
  room.reaches(block)
  equal(room.isBehind(block - 1), true)
  equal(room.isBehind(block), false)
  equal(room.after(block, 64 * kib), undefined)
  equal(room.after(block + 1, 64 * kib)?.length, block - 1)
  room.endsAt(0)
  equal(room.after(block - 1, 64 * kib)?.length, 1)
})

test('a file that grows ends with a block, and is cut to its records by a stop', async () => {
  const { disk, log } = await logWith(3)
  equal(sizeOf(disk), block)
  await append(log.partition('flights', 0)!, 3, 7)
  equal(sizeOf(disk), 2 * block)
  await log.close()
  equal(sizeOf(disk), 7 * batchBytes)
  const again = await openDirectory(disk)
  equal(again.recovery.clean, true)
  await append(again.partition('flights', 0)!, 7, 8)
  deepEqual(
    await valuesOf(again.partition('flights', 0)!),
    Array.from({ length: 8 }, (_, n) => large(n)),
  )
})

test('a segment that is rolled is cut to its records', async () => {
  const { disk, partition } = await logWith(3)
  await partition.roll()
  equal(sizeOf(disk), 3 * batchBytes)
})

test('after a kill the room is not taken for damage, and the log continues', async () => {
  const { disk } = await logWith(3)
  disk.kill()
  const log = await openDirectory(disk, { durability: 'os' })
  const [{ cut, damage, logEndOffset }] = log.recovery.partitions as [(typeof log.recovery.partitions)[0]]
  deepEqual({ cut, damage, logEndOffset }, { cut: undefined, damage: undefined, logEndOffset: 3 })
  equal(sizeOf(disk), 3 * batchBytes)
  await append(log.partition('flights', 0)!, 3, 4)
  deepEqual(await valuesOf(log.partition('flights', 0)!), [0, 1, 2, 3].map(large))
})

test('a log that is only read ends before the room, and leaves it', async () => {
  const { disk } = await logWith(3)
  disk.kill()
  const log = await openDirectory(disk, { readOnly: true })
  deepEqual(await valuesOf(log.partition('flights', 0)!), [0, 1, 2].map(large))
  equal(sizeOf(disk), block)
})

test('room in the place of synced records is damage, as after a write that the disk has lost', async () => {
  const { disk, partition } = await logWith(3)
  const before = disk.contentOf(path)!.slice()
  await append(partition, 3, 5)
  await partition.sync()
  await partition.roll()
  disk.kill()
  disk.setContent(path, before)
  const log = await openDirectory(disk)
  await failsWith('PARTITION_DAMAGED', log.partition('flights', 0)!.sync())
  equal(sizeOf(disk), block)
})

test('zeros up to the end of a block are not taken for room: recovery tells of its cut', async () => {
  const { disk } = await logWith(3)
  disk.kill()
  disk.setContent(
    path,
    disk
      .contentOf(path)!
      .slice()
      .fill(0, 3 * batchBytes),
  )
  const { cut } = (await openDirectory(disk)).recovery.partitions[0]!
  equal(cut?.bytes, block - 3 * batchBytes)
})

test('records that fit are written, also where room does not; what does not fit leaves no room', async () => {
  const { disk, log, partition } = await logWith(1)
  disk.capacityBytes = disk.sizeBytes + 1000
  await append(partition, 1, 5)
  await failsWith('DISK_FULL', partition.append(batchOf([large(5), large(6)])).written)
  equal(sizeOf(disk), 5 * batchBytes)
  disk.capacityBytes = disk.sizeBytes + batchBytes
  await append(partition, 5, 6)
  equal(sizeOf(disk), 6 * batchBytes)
  disk.capacityBytes = Infinity
  await append(partition, 6, 7)
  equal(sizeOf(disk), 2 * block)
  await log.close()
  const again = await openDirectory(disk)
  deepEqual(
    await valuesOf(again.partition('flights', 0)!),
    Array.from({ length: 7 }, (_, n) => large(n)),
  )
})

test('a file that was cut back gets new room', async () => {
  const { disk, partition } = await logWith(5)
  disk.capacityBytes = disk.sizeBytes
  await failsWith('DISK_FULL', partition.append(batchOf([large(5), large(6)])).written)
  disk.capacityBytes = Infinity
  await append(partition, 5, 6)
  equal(sizeOf(disk), block)
})

test('whatever a loss of power leaves of records and room, what was synced is there', () =>
  forSeeds(200, async random => {
    const disk = new SimulatedDisk({ random })
    const { partition } = await logWith(1 + random.int(8), { disk })
    await partition.sync()
    const synced = partition.logEndOffset
    await append(partition, synced, synced + random.int(8))
    disk.crash()
    const again = (await openDirectory(disk)).partition('flights', 0)!
    const { logEndOffset } = again
    await append(again, logEndOffset, logEndOffset + 2)
    const values = await valuesOf(again)
    equal(logEndOffset >= synced, true)
    deepEqual(
      values,
      Array.from({ length: logEndOffset + 2 }, (_, n) => large(n)),
    )
  }))
