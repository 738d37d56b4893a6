import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { SimulatedDisk } from '../testing/simulated-disk.ts'
import { virtualClock } from '../testing/virtual-clock.ts'
import { BatchBuilder } from '../wire/index.ts'
import { LogCleaner } from './log-cleaner.ts'
import { dataPath, openDirectory } from './log.test-support.ts'
import type { Partition } from './partition/partition.ts'

const clock = virtualClock(1_000_000)

function batchOf(key: string, bytes: number): Uint8Array {
  const builder = new BatchBuilder({ initialBytes: 256 })
  builder.append(clock.now(), key, 'x'.repeat(bytes))
  return builder.build()
}

async function write(partition: Partition, records: number, key = 'key'): Promise<void> {
  for (let n = 0; n < records; n += 1) await partition.append(batchOf(key, 300)).durable
}

test('compacts the partitions that need it, dirtiest first, and leaves the others alone', async () => {
  const disk = new SimulatedDisk()
  const log = await openDirectory(disk, { clock, segmentBytes: 1000, compact: true })
  const names = ['half', 'clean', 'deleted', 'damaged'] as const
  const partitions = new Map<string, Partition>()
  for (const name of names) partitions.set(name, await log.createPartition(name, 0))
  const { half, clean, deleted, damaged } = Object.fromEntries(partitions) as Record<
    (typeof names)[number],
    Partition
  >
  deleted.configure({ ...deleted.settings, compact: false })
  for (const partition of partitions.values()) await write(partition, 10)
  const path = `${dataPath}/damaged-0/${'0'.repeat(20)}.log`
  const bytes = disk.contentOf(path)!
  bytes[100]! ^= 1
  disk.setContent(path, bytes)

  const cleaner = new LogCleaner(clock, partitions)
  await cleaner.run(() => false)
  deepEqual(
    [...partitions.values()].map(({ compaction }) => compaction.cleanedTo > 0),
    [true, true, false, false],
  )
  // A damaged one is left alone, and stays as it is.
  equal(damaged.failure, undefined)
  equal(damaged.compaction.refusal?.code, 'PARTITION_DAMAGED')
  deepEqual(disk.contentOf(path), bytes)

  // Below the ratio nothing happens; past it only where it is passed.
  const before = clean.compaction.cleanedTo
  await write(half, 8)
  await cleaner.run(() => true)
  ok(half.compaction.cleanedTo < half.logEndOffset - 5)
  await cleaner.run(() => false)
  ok(half.compaction.cleanedTo > half.logEndOffset - 5)
  equal(clean.compaction.cleanedTo, before)
  await log.close()
})

for (const fault of ['damaged', 'deleted'] as const)
  test(`continues with the others where a partition is ${fault} while its needs are looked at`, async () => {
    const disk = new SimulatedDisk()
    const reported: unknown[] = []
    const options = { clock, segmentBytes: 1000, compact: true, onFatal: (e: unknown) => reported.push(e) }
    const log = await openDirectory(disk, options)
    const faulty = await log.createPartition('faulty', 0)
    // For this the first timestamp of each segment is read.
    faulty.configure({ ...faulty.settings, maxCompactionLagMs: 1000 })
    const sound = await log.createPartition('sound', 0)
    for (const partition of [faulty, sound]) await write(partition, 10)
    const path = `${dataPath}/faulty-0/${'0'.repeat(20)}.log`
    const bytes = disk.contentOf(path)!
    const damaged = bytes.slice()
    damaged[100]! ^= 1
    let deleted: Promise<void> | undefined
    const open = disk.open.bind(disk)
    disk.open = (opened, mode) => {
      if (fault === 'deleted' && opened === path) deleted ??= log.deletePartition('faulty', 0)
      return open(opened, mode)
    }
    if (fault === 'damaged') disk.setContent(path, damaged)

    const partitions = new Map([
      ['faulty', faulty],
      ['sound', sound],
    ])
    const cleaner = new LogCleaner(clock, partitions)
    await cleaner.run(() => false)
    await deleted
    ok(sound.compaction.cleanedTo > 0)
    equal(faulty.compaction.cleanedTo, 0)
    if (fault === 'damaged') equal(faulty.failure, undefined)
    deepEqual(reported, [])
    await log.close()
  })

test('where one partition finds no room, the others are compacted, and it is tried again later', async () => {
  const disk = new SimulatedDisk()
  const log = await openDirectory(disk, { clock, segmentBytes: 1000, compact: true })
  const names = ['first', 'second', 'third'] as const
  const partitions = new Map<string, Partition>()
  for (const name of names) partitions.set(name, await log.createPartition(name, 0))
  const first = partitions.get('first')!
  // It is the dirtiest one.
  for (const partition of partitions.values()) await write(partition, 10)
  await first.compaction.clean()
  for (const [name, partition] of partitions) if (name !== 'first') await partition.compaction.clean()
  await write(first, 30)
  for (const partition of partitions.values()) await write(partition, 10)
  const before = Array.from(partitions.values(), ({ compaction }) => compaction.cleanedTo)
  const open = disk.open.bind(disk)
  let isFull = true
  disk.open = (path, mode) =>
    isFull && path.includes('/first-0/') && path.endsWith('.cleaned')
      ? Promise.reject(Object.assign(new Error('full'), { code: 'ENOSPC' }))
      : open(path, mode)

  const cleaner = new LogCleaner(clock, partitions)
  await cleaner.run(() => false)
  const grown = (): boolean[] =>
    Array.from(partitions.values(), ({ compaction }, n) => compaction.cleanedTo > before[n]!)
  deepEqual(grown(), [false, true, true])
  equal(first.compaction.refusal?.code, 'DISK_FULL')
  isFull = false
  await cleaner.run(() => false)
  deepEqual(grown(), [true, true, true])
  equal(first.compaction.refusal, undefined)
  await log.close()
})
