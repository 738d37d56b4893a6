import { deepEqual, equal, ok, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { steps } from '../../../test/steps.ts'
import type { ErrorCode, MillraceError } from '../../base/index.ts'
import { SimulatedDisk } from '../../testing/simulated-disk.ts'
import {
  batchOf,
  dataPath,
  failsWith,
  filesOf,
  openDirectory,
  shownOf,
  valuesOf,
} from '../log.test-support.ts'
import type { LogDirectoryOptions } from '../log-directory-options.ts'
import type { Partition } from './partition.ts'

async function newPartition(
  options: Partial<LogDirectoryOptions> = {},
): Promise<{ readonly disk: SimulatedDisk; readonly partition: Partition }> {
  const disk = new SimulatedDisk()
  const log = await openDirectory(disk, options)
  return { disk, partition: await log.createPartition('flights', 0) }
}

/** Where its segments begin. */
async function segmentsOf(disk: SimulatedDisk): Promise<number[]> {
  return [...(await filesOf(disk)).keys()]
    .filter(path => path.endsWith('.log'))
    .map(path => Number.parseInt(path.slice(-24), 10))
}

test('what may not be appended is refused, and leaves nothing', async () => {
  const { partition } = await newPartition({ segmentBytes: 200 })
  const sound = batchOf(['a'])
  const check = (bytes: Uint8Array, code: ErrorCode): Promise<void> =>
    failsWith(code, () => partition.append(bytes))
  const changed = (at: number, to: number): Uint8Array =>
    Uint8Array.from(sound, (byte, n) => (n === at ? to : byte))
  await check(new Uint8Array(0), 'CORRUPT_BATCH')
  await check(sound.subarray(0, 40), 'CORRUPT_BATCH')
  await check(changed(16, 1), 'UNSUPPORTED_FORMAT')
  await check(Buffer.concat([sound, sound]), 'INVALID_ARGUMENT')
  await check(
    batchOf(['a'], { control: true, transactional: true, producerId: 1, producerEpoch: 0 }),
    'INVALID_ARGUMENT',
  )
  await check(batchOf(['a'], { transactional: true }), 'INVALID_ARGUMENT')
  await check(batchOf(['x'.repeat(200)]), 'RECORD_TOO_LARGE')
  equal(partition.logEndOffset, 0)
  await partition.append(sound).durable
  deepEqual(await valuesOf(partition), ['a'])
})

test("a batch that is too large for a segment fits once the topic's segment.bytes is raised", async () => {
  const { partition } = await newPartition({ segmentBytes: 200 })
  const batch = batchOf(['x'.repeat(200)])
  throws(() => partition.append(batch), {
    code: 'RECORD_TOO_LARGE',
    message: /raise the topic's segment\.bytes/,
  })
  partition.configure({ ...partition.settings, segmentBytes: batch.length })
  await partition.append(batch).durable
  equal((await valuesOf(partition)).length, 1)
})

test('an offset outside of the log is refused, its end is not', async () => {
  const { partition } = await newPartition()
  await partition.append(batchOf(['a', 'b'])).durable
  const read = (offset: number): ReturnType<Partition['read']> =>
    partition.read(offset, { maxBytes: 100, isolation: 'read_uncommitted' })
  for (const offset of [-1, 3]) await failsWith('OFFSET_OUT_OF_RANGE', read(offset))
  equal((await read(2)).batches.length, 0)
  // A batch is handed out whole, also where one asks for its middle, and for less than it holds.
  equal((await read(1)).nextOffset, 2)
})

test('nothing shows before it is safe: on the disk, or with durability os with the system', async () => {
  const check = async (durability: 'sync' | 'os'): Promise<void> => {
    const { partition } = await newPartition({ durability })
    const { written, durable } = partition.append(batchOf(['a']))
    equal(partition.highWatermark, 0)
    await written
    equal(partition.highWatermark, durability === 'os' ? 1 : 0)
    await durable
    equal(partition.highWatermark, 1)
    equal(partition.syncedOffset, durability === 'os' ? 0 : 1)
    await partition.settle()
    equal(partition.syncedOffset, durability === 'os' ? 0 : 1)
    await partition.sync()
    equal(partition.syncedOffset, 1)
  }
  await check('sync')
  await check('os')
})

test('appends that wait together share a sync', async () => {
  const { disk, partition } = await newPartition()
  await partition.append(batchOf(['warm'])).durable
  const before = disk.calls
  await Promise.all(Array.from({ length: 50 }, (_, n) => partition.append(batchOf([`${n}`])).durable))
  equal(disk.calls - before, 2, 'one write and one sync')
})

test('the last stable offset waits for the oldest open transaction, and for its marker to be safe', async () => {
  const { partition } = await newPartition()
  const send = (producerId: number): Promise<void> =>
    partition.append(batchOf(['t'], { producerId, producerEpoch: 0, baseSequence: 0, transactional: true }))
      .written
  const end = (producerId: number, type: 'commit' | 'abort'): Promise<void> =>
    partition.appendMarker({ type, producerId, producerEpoch: 0, coordinatorEpoch: 0 }).durable
  await send(1)
  await send(2)
  await partition.append(batchOf(['plain'])).durable
  equal(partition.highWatermark, 3)
  equal(partition.lastStableOffset, 0)
  await end(2, 'commit')
  equal(partition.lastStableOffset, 0)
  deepEqual(await valuesOf(partition, 'read_committed'), [])
  const ended = end(1, 'abort')
  equal(partition.lastStableOffset, 0)
  await ended
  equal(partition.lastStableOffset, 5)
  deepEqual(await shownOf(partition, 'read_committed'), [
    { offset: 1, value: 't' },
    { offset: 2, value: 'plain' },
  ])
})

for (const durability of ['sync', 'os'] as const)
  test(`segments are rolled by size, and retention takes whole ones, with durability ${durability}`, async () => {
    const { disk, partition } = await newPartition({ durability, segmentBytes: 400, retentionBytes: 1000 })
    const bytes = batchOf(['x'.repeat(100)]).length
    const perSegment = Math.floor(400 / bytes)
    for (let n = 0; n < 20; n += 1) await partition.append(batchOf([`${n}`.padEnd(100, 'x')])).durable
    // The first call may get the end of the round that the last roll began.
    await partition.retain()
    await partition.retain()
    const segments = await segmentsOf(disk)
    ok(segments.every(offset => offset % perSegment === 0))
    equal(partition.logStartOffset, segments[0])
    const kept = (20 - partition.logStartOffset) * bytes
    ok(kept >= 1000 && kept < 1000 + perSegment * bytes, `${kept} bytes are kept`)
    deepEqual((await shownOf(partition))[0]?.offset, partition.logStartOffset)
    await failsWith('OFFSET_OUT_OF_RANGE', partition.read(0, { maxBytes: 1, isolation: 'read_committed' }))
  })

test('dropping stops at what is not decided', async () => {
  const { partition } = await newPartition({ segmentBytes: 150 })
  const producer = { producerId: 1, producerEpoch: 0 }
  for (let n = 0; n < 4; n += 1) await partition.append(batchOf(['x'.repeat(60)])).durable
  await partition.append(batchOf(['t'], { ...producer, baseSequence: 0, transactional: true })).written
  for (let n = 0; n < 4; n += 1) await partition.append(batchOf(['x'.repeat(60)])).durable
  await partition.dropBefore(partition.logEndOffset)
  ok(partition.logStartOffset > 0 && partition.logStartOffset <= 4)
  await partition.appendMarker({ type: 'commit', ...producer, coordinatorEpoch: 0 }).durable
  await partition.dropBefore(partition.logEndOffset)
  ok(partition.logStartOffset > 4)
})

test('a reader of what retention takes at that moment is told, or continues after it', async () => {
  const answers = new Set<string>()
  for (let turns = 0; turns < 60; turns += 1) {
    const { partition } = await newPartition({ segmentBytes: 300, maxOpenFiles: 1, indexIntervalBytes: 0 })
    for (let n = 0; n < 9; n += 1) await partition.append(batchOf(['x'.repeat(60)], { timestamp: n })).durable
    const read = partition.read(0, { maxBytes: 1, isolation: 'read_committed' }).then(
      ({ nextOffset }) => `next ${nextOffset}`,
      (error: unknown) => (error as MillraceError).code,
    )
    const found = partition.offsetForTimestamp(0).then(answer => answer?.offset)
    await steps(turns)
    await partition.dropBefore(partition.logEndOffset)
    answers.add(await read)
    ok([0, partition.logStartOffset].includes((await found)!))
  }
  deepEqual(answers, new Set(['OFFSET_OUT_OF_RANGE', 'next 1']))
})

test('what was written before a refused append is safe after a close', async () => {
  const disk = new SimulatedDisk()
  const log = await openDirectory(disk)
  const partition = await log.createPartition('flights', 0)
  const producer = { producerId: 1, producerEpoch: 0, transactional: true }
  // Nobody waits for the sync of this one.
  await partition.append(batchOf(['written'], { ...producer, baseSequence: 0 })).written
  disk.failCall({ call: 1, kind: 'short', times: 'once' })
  const { durable } = partition.append(batchOf(['refused']))
  await Promise.all([log.close(), failsWith('DISK_FULL', durable)])
  equal(partition.syncedOffset, 1)
  disk.crash()
  const again = await openDirectory(disk)
  equal(again.recovery.clean, true)
  deepEqual(await valuesOf(again.partition('flights', 0)!), ['written'])
})

test('a closed partition refuses, and says so', async () => {
  const disk = new SimulatedDisk()
  const log = await openDirectory(disk)
  const partition = await log.createPartition('flights', 0)
  const { durable } = partition.append(batchOf(['a']))
  await log.close()
  await durable
  await failsWith('CLOSED', () => partition.append(batchOf(['b'])))
  await failsWith('CLOSED', partition.sync())
  await failsWith('CLOSED', partition.read(0, { maxBytes: 1, isolation: 'read_committed' }))
  await failsWith('CLOSED', log.createPartition('flights', 1))
})

test('a change of the configs during a roll holds for the segment that begins', async () => {
  const { disk, partition } = await newPartition({ segmentBytes: 1000 })
  const open = disk.open.bind(disk)
  disk.open = (path, mode) => {
    if (mode === 'create' && path.endsWith('.log'))
      partition.configure({ ...partition.settings, indexIntervalBytes: 0 })
    return open(path, mode)
  }
  for (let n = 0; n < 20; n += 1) await partition.append(batchOf(['x'.repeat(100)])).durable
  await partition.roll()
  const indexes = (await disk.list(`${dataPath}/flights-0`)).filter(name => name.endsWith('.index')).sort()
  ok(
    disk.contentOf(`${dataPath}/flights-0/${indexes[1]}`)!.length > 8,
    'each batch but the first has an entry',
  )
})
