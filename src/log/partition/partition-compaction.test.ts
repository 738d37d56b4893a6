import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import { describe, it } from 'node:test'
import { seededRandom } from '../../base/index.ts'
import { systemError } from '../../../test/hooked-disk.ts'
import { SimulatedDisk } from '../../testing/simulated-disk.ts'
import { BatchBuilder } from '../../wire/index.ts'
import { dataPath, openDirectory } from '../log.test-support.ts'
import { batchesOf, batchOf, world } from './compacted.test-support.ts'
import type { Partition } from './partition.ts'

describe('compaction of a partition', () => {
  it('keeps the latest record of each key, at its offset', async () => {
    const { partition, roll, reopen } = await world()
    await partition.append(
      batchOf([
        ['a', '1'],
        ['b', '1'],
        [null, 'no key'],
        ['a', '2'],
      ]),
    ).durable
    await partition.append(
      batchOf([
        ['a', '3'],
        ['c', '1'],
      ]),
    ).durable
    await roll()
    ok(await partition.compaction.clean())
    const expected = ['0-3: 1=b', '4-5: 4=a 5=c', '6-6: 6=roll 1']
    deepEqual(await batchesOf(partition), expected)
    // From inside a gap a reader continues behind it.
    const { nextOffset } = await partition.read(2, { maxBytes: 1, isolation: 'read_committed' })
    equal(nextOffset, 4)
    equal(await partition.compaction.clean(), false)
    deepEqual(await batchesOf(await reopen()), expected)
  })

  it('makes a commit durable before its records replace others', async () => {
    for (let seed = 1; seed <= 10; seed += 1) {
      const disk = new SimulatedDisk({ random: seededRandom(seed) })
      const options = { segmentBytes: 700, durability: 'os' } as const
      const log = await openDirectory(disk, options)
      const partition = await log.createPartition('prices', 0)
      await partition.append(batchOf([['a', '1']])).durable
      const producer = { producerId: 1, producerEpoch: 0 }
      const stamp = { ...producer, baseSequence: 0, transactional: true }
      await partition.append(batchOf([['a', '2']], stamp)).durable
      await partition.roll()
      // The commit is in the active segment, which only the operating system has.
      await partition.appendMarker({ type: 'commit', ...producer, coordinatorEpoch: 0 }).durable
      ok(await partition.compaction.clean())
      disk.crash()
      const again = (await openDirectory(disk, options)).partition('prices', 0)!
      const isCommitted = again.openTransactions.length === 0
      const [first, second] = await batchesOf(again)
      ok(isCommitted || first === '0-0: 0=a', `seed ${seed}: ${first}, ${second}`)
    }
  })

  it('keeps tombstones for ever where delete.retention.ms has no limit', async () => {
    const { partition, roll, reopen } = await world(Number.MAX_SAFE_INTEGER)
    for (const batch of [
      [['a', '1']],
      [['a', null]],
      [
        ['b', '1'],
        ['b', null],
      ],
    ] as const)
      await partition.append(batchOf(batch)).durable
    await roll()
    ok(await partition.compaction.clean())
    const expected = ['1-1: 1=a', '2-3: 3=b', '4-4: 4=roll 1']
    deepEqual(await batchesOf(partition), expected)
    deepEqual(await batchesOf(await reopen()), expected)
  })

  it('keeps tombstones for a time, from when they are first cleaned', async () => {
    const { partition, clock, roll } = await world()
    await partition.append(
      batchOf([
        ['a', '1'],
        ['b', '1'],
      ]),
    ).durable
    await partition.append(batchOf([['a', null]])).durable
    await roll()
    await clock.advance(5000)
    await partition.compaction.clean()
    deepEqual((await batchesOf(partition)).slice(0, 2), ['0-1: 1=b', '2-2: 2=a'])
    await clock.advance(999)
    await roll()
    await partition.compaction.clean()
    deepEqual((await batchesOf(partition)).slice(0, 2), ['0-1: 1=b', '2-2: 2=a'])
    await clock.advance(1)
    await roll()
    await partition.compaction.clean()
    // The segment still ends at the offset where the next one begins.
    deepEqual((await batchesOf(partition)).slice(0, 2), ['0-1: 1=b', '2-2: '])
  })

  it('removes aborted records, and their marker one pass and the retention later', async () => {
    const { partition, clock, roll } = await world()
    const producer = { producerId: 5, producerEpoch: 0, transactional: true }
    partition.append(batchOf([['a', '1']]))
    partition.append(batchOf([['a', 'aborted']], { ...producer, baseSequence: 0 }))
    partition.appendMarker({ type: 'abort', producerId: 5, producerEpoch: 0, coordinatorEpoch: 0 })
    partition.append(batchOf([['b', '1']], { ...producer, baseSequence: 1 }))
    partition.appendMarker({ type: 'commit', producerId: 5, producerEpoch: 0, coordinatorEpoch: 0 })
    const markers = async (): Promise<string[]> =>
      (await batchesOf(partition)).filter(text => /^[0-4]-/.test(text)).map(text => text.replaceAll('\0', ''))
    await roll()
    await partition.compaction.clean()
    deepEqual(await markers(), ['0-0: 0=a', '2-2 marker: 2=', '3-3: 3=b', '4-4 marker: 4=\u0001'])
    await roll()
    await partition.compaction.clean()
    await clock.advance(1000)
    await roll()
    await partition.compaction.clean()
    deepEqual(await markers(), ['0-0: 0=a', '3-3: 3=b', '4-4 marker: 4=\u0001'])
  })

  it('does not pass an open transaction, nor the active segment', async () => {
    const { partition, roll } = await world()
    partition.append(batchOf([['a', '1']]))
    partition.append(
      batchOf([['a', '2']], { producerId: 5, producerEpoch: 0, baseSequence: 0, transactional: true }),
    )
    partition.append(batchOf([['a', '3']]))
    await partition.sync()
    await roll()
    equal(await partition.compaction.clean(), false)
    partition.appendMarker({ type: 'commit', producerId: 5, producerEpoch: 0, coordinatorEpoch: 0 })
    await partition.sync()
    await roll()
    ok(await partition.compaction.clean())
    deepEqual((await batchesOf(partition))[0], '1-1: ')
  })

  it('takes no keys from a segment that is begun meanwhile', async () => {
    const producer = { producerId: 5, producerEpoch: 0, transactional: true }
    // The pass begins while the active segment is there and empty; its first record comes soon, or later.
    for (let turns = 0; turns < 50; turns += 1) {
      const { partition, disk } = await world()
      await partition.append(batchOf([['a', 'x'.repeat(620)]])).durable
      const open = disk.open.bind(disk)
      let pass: Promise<boolean> | undefined
      disk.open = async (path, mode) => {
        const file = await open(path, mode)
        if (!path.endsWith('.log')) return file
        const write: typeof file.write = async (...args) => {
          pass ??= partition.compaction.clean()
          for (let left = turns; left > 0; left -= 1) await Promise.resolve()
          return file.write(...args)
        }
        return { ...file, write }
      }
      await partition.append(batchOf([['a', 'aborted']], { ...producer, baseSequence: 0 })).written
      ok(pass)
      await pass
      partition.appendMarker({ type: 'abort', producerId: 5, producerEpoch: 0, coordinatorEpoch: 0 })
      await partition.sync()
      deepEqual((await batchesOf(partition))[0], '0-0: 0=a', `after ${turns} turns`)
    }
  })

  it('covers no keys where retention takes a segment of the pass', async () => {
    const { partition, clock, disk, roll } = await world()
    // Two segments, which become one, and a third one with the tombstone.
    await partition.append(batchOf([['x', 'x'.repeat(250)]])).durable
    await partition.roll()
    await partition.append(batchOf([['a', '1']])).durable
    await partition.roll()
    await partition.append(batchOf([['a', null]])).durable
    await partition.append(batchOf([['y', 'x'.repeat(400)]])).durable
    await roll()
    const rename = disk.rename.bind(disk)
    let dropped: Promise<void> | undefined
    disk.rename = (from, to) => {
      if (to.endsWith('cleaner-checkpoint')) dropped ??= partition.dropBefore(1)
      return rename(from, to)
    }
    equal(await partition.compaction.clean(), false)
    await dropped
    equal(partition.logStartOffset, 1)
    equal(partition.compaction.cleanedTo, 0)
    for (let pass = 0; pass < 3; pass += 1) {
      await clock.advance(1000)
      await roll()
      ok(await partition.compaction.clean())
      const [first] = await batchesOf(partition)
      ok(!first?.includes('1=a'), `pass ${pass}: ${first}`)
    }
  })

  it('does not count a pass while a crash would bring back older segments', async () => {
    const { partition, disk, roll, reopen } = await world()
    await partition.append(batchOf([['a', '1']])).durable
    await partition.roll()
    await partition.append(batchOf([['b', '1']])).durable
    await roll()
    const open = disk.open.bind(disk)
    // The new start finds no room.
    disk.open = async (path, mode) => {
      if (path.includes('log-start-offset') && mode === 'create') throw systemError('ENOSPC', path)
      return open(path, mode)
    }
    await rejects(partition.dropBefore(1), { code: 'DISK_FULL' })
    equal(partition.logStartOffset, 1)
    await rejects(partition.compaction.clean(), { code: 'DISK_FULL' })
    equal(partition.compaction.cleanedTo, 0)
    disk.open = open
    ok(await partition.compaction.clean())
    disk.crash()
    const again = await reopen()
    deepEqual([again.logStartOffset, again.compaction.cleanedTo > 0], [1, true])
  })

  it('refuses a read below a start that moves while the read waits for a replacement', async () => {
    const { partition, disk, roll } = await world()
    await partition.append(batchOf([['a', '1']])).durable
    await partition.roll()
    for (const value of ['1', '2']) await partition.append(batchOf([['b', value]])).durable
    await roll()
    const rename = disk.rename.bind(disk)
    const outcomes: Promise<unknown>[] = []
    disk.rename = async (from, to) => {
      // The gate is closed: the read waits, and the start moves.
      if (from.endsWith('.cleaned')) {
        const read = partition.read(0, { maxBytes: 1, isolation: 'read_committed' })
        outcomes.push(rejects(read, { code: 'OFFSET_OUT_OF_RANGE' }), partition.dropBefore(3))
      }
      return rename(from, to)
    }
    await partition.compaction.clean()
    equal(outcomes.length, 2)
    await Promise.all(outcomes)
    equal(partition.failure, undefined)
  })

  it('saves no digest of the old file between the steps of a replacement', async () => {
    const { partition, disk, clock, roll } = await world()
    partition.configure({ ...partition.settings, delete: true, retentionMs: 1 })
    for (const value of ['1', '2']) {
      const builder = new BatchBuilder({ initialBytes: 256 })
      // In the future: the age of the segment is when it was appended to.
      builder.append(2_000_000, 'a', value)
      await partition.append(builder.build()).durable
    }
    await roll()
    // The clock goes back: the age of the segment counts from now, and is saved in its digest.
    Object.assign(clock, { now: () => 500_000 })
    const steps: string[] = []
    const [rename, remove] = [disk.rename.bind(disk), disk.remove.bind(disk)]
    let retained: Promise<void> | undefined
    disk.rename = async (from, to) => {
      if (to.endsWith('.digest')) steps.push('digest saved')
      if (from.endsWith('.cleaned')) steps.push('replaced')
      return rename(from, to)
    }
    disk.remove = async path => {
      await remove(path)
      if (!path.endsWith('.digest')) return
      retained ??= partition.retain()
      for (let turns = 0; turns < 200; turns += 1) await Promise.resolve()
      steps.push('digest removed')
    }
    ok(await partition.compaction.clean())
    await retained
    deepEqual(steps, ['digest removed', 'replaced'])
  })

  it('loses nothing where a replacement was interrupted, and the log starts inside the new segment', async () => {
    const { partition, disk, roll, reopen } = await world()
    for (const key of ['a', 'b', 'c']) {
      await partition.append(batchOf([[key, '1']])).durable
      await partition.append(batchOf([[key, '2']])).durable
      await partition.roll()
    }
    await roll()
    const path = `${dataPath}/prices-0/${'2'.padStart(20, '0')}.log`
    const leftOver = disk.contentOf(path)!
    await partition.compaction.clean()
    await partition.deleteRecords(4)
    const expected = await batchesOf(partition)
    // The file at 4 is gone for good, the one at 2 is not: its removal was not durable.
    const again = await reopen(() => disk.setContent(path, leftOver))
    equal(again.failure, undefined)
    deepEqual(await batchesOf(again), expected)
  })

  it('indexes as often as the topic says, also after a restart and in a cleaned segment', async () => {
    const { partition, disk, roll, reopen } = await world()
    const configured = async (each: Partition | Promise<Partition>): Promise<Partition> => {
      const found = await each
      found.configure({ ...found.settings, indexIntervalBytes: 0 })
      return found
    }
    /** Each batch but the first one of a segment has an entry of eight bytes. */
    const entries = (): number => disk.contentOf(`${dataPath}/prices-0/${'0'.repeat(20)}.index`)!.length / 8
    await configured(partition)
    for (const key of ['a', 'b', 'c']) await partition.append(batchOf([[key, '1']])).durable
    const again = await configured(reopen())
    for (const key of ['a', 'd']) await again.append(batchOf([[key, '2']])).durable
    await again.roll()
    equal(entries(), 4)
    await roll()
    ok(await (await configured(reopen())).compaction.clean())
    equal(entries(), 3)
  })

  it('refuses a gap that it did not make', async () => {
    const { partition, disk, roll, reopen } = await world()
    for (let n = 0; n < 3; n += 1) await partition.append(batchOf([[`${n}`, 'x'.repeat(100)]])).durable
    await roll()
    const path = `${dataPath}/prices-0/${'0'.repeat(20)}.log`
    const bytes = disk.contentOf(path)!
    const size = bytes.length / 3
    const again = await reopen(() =>
      disk.setContent(path, Buffer.concat([bytes.subarray(0, size), bytes.subarray(2 * size)])),
    )
    await rejects(batchesOf(again), { code: 'PARTITION_DAMAGED' })
  })

  it('makes no gap sound that it did not make', async () => {
    const { partition, disk, roll, reopen } = await world()
    for (const key of ['a', 'a', 'b']) await partition.append(batchOf([[key, '1']])).durable
    await roll()
    const path = `${dataPath}/prices-0/${'0'.repeat(20)}.log`
    /** The checksum does not cover the offset of a batch. */
    const moveLast = (batches: number, by: number): Promise<Partition> =>
      reopen(() => {
        const bytes = disk.contentOf(path)!
        bytes[(bytes.length / batches) * (batches - 1) + 7]! += by
        disk.setContent(path, bytes)
      })
    await rejects((await moveLast(3, 1)).compaction.clean(), { code: 'PARTITION_DAMAGED' })
    const again = await moveLast(3, -1)
    ok(await again.compaction.clean())
    deepEqual((await batchesOf(again)).slice(0, 2), ['1-1: 1=a', '2-2: 2=b'])
    // The end of a segment is known also where compaction has left gaps.
    const moved = await moveLast(2, 1)
    await roll()
    await rejects(moved.compaction.clean(), { code: 'PARTITION_DAMAGED' })
  })

  it('does not copy damage, and changes nothing', async () => {
    const { partition, disk, roll } = await world()
    for (let n = 0; n < 3; n += 1) await partition.append(batchOf([['a', `${n}`]])).durable
    await roll()
    const path = `${dataPath}/prices-0/${'0'.repeat(20)}.log`
    const bytes = disk.contentOf(path)!
    bytes[bytes.length - 3]! ^= 1
    disk.setContent(path, bytes)
    await rejects(partition.compaction.clean(), { code: 'PARTITION_DAMAGED' })
    deepEqual(disk.contentOf(path), bytes)
    ok(!(await disk.list(`${dataPath}/prices-0`)).some(name => name.endsWith('.cleaned')))
  })
})
