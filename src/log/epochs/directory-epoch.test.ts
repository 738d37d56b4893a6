import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { forSeeds } from '../../../test/for-seeds.ts'
import { fromUtf8, utf8 } from '../../base/index.ts'
import { SimulatedDisk } from '../../testing/simulated-disk.ts'
import { readBatches } from '../../wire/index.ts'
import { batchOf, dataPath, openDirectory } from '../log.test-support.ts'
import type { Partition } from '../partition/partition.ts'

const epochPath = `${dataPath}/leader-epoch`
const checkpointPath = `${dataPath}/flights-0/leader-epoch-checkpoint`

/** The epoch and the first offset of each batch. */
async function batchesOf(partition: Partition): Promise<[epoch: number, offset: number][]> {
  const found: [number, number][] = []
  for (let offset = partition.logStartOffset; ;) {
    const read = await partition.read(offset, { maxBytes: 4096, isolation: 'read_uncommitted' })
    if (read.nextOffset === offset) return found
    for (const batch of readBatches(read.batches)) found.push([batch.leaderEpoch, batch.baseOffset])
    offset = read.nextOffset
  }
}

test('a start after an unclean stop raises the epoch, a clean one keeps it', async () => {
  const disk = new SimulatedDisk()
  let log = await openDirectory(disk)
  await log.createPartition('flights', 0)
  const epochs: number[] = []
  for (const stop of ['kill', 'close', 'kill', 'kill', 'close', 'close'] as const) {
    const partition = log.partition('flights', 0)!
    epochs.push(partition.epochs.latest)
    await partition.append(batchOf(['a'])).durable
    if (stop === 'close') await log.close()
    else disk.kill()
    log = await openDirectory(disk)
  }
  deepEqual(epochs, [0, 1, 1, 2, 3, 3])
  const partition = log.partition('flights', 0)!
  deepEqual(await batchesOf(partition), [
    [0, 0],
    [1, 1],
    [1, 2],
    [2, 3],
    [3, 4],
    [3, 5],
  ])
  deepEqual(partition.endOfEpoch(0), { epoch: 0, endOffset: 1 })
  deepEqual(partition.endOfEpoch(1), { epoch: 1, endOffset: 3 })
  deepEqual(partition.endOfEpoch(3), { epoch: 3, endOffset: 6 })
  equal(partition.endOfEpoch(4), undefined)
  equal(utf8(disk.contentOf(epochPath)!).split('\n')[1], '3')
  equal(utf8(disk.contentOf(checkpointPath)!).replace(/check .*\n/, ''), '0\n4\n0 0\n1 1\n2 3\n3 4\n')
  // A topic that is made now begins with the present epoch.
  equal((await log.createPartition('other', 0)).epochs.latest, 3)
})

test('what a reader has seen and a power cut took is not in the end of its epoch', async () => {
  const disk = new SimulatedDisk()
  const before = await openDirectory(disk, { durability: 'os' })
  const partition = await before.createPartition('flights', 0)
  await partition.append(batchOf(['a'])).durable
  await partition.sync()
  await partition.append(batchOf(['b', 'c'])).durable
  equal(partition.endOfEpoch(0)?.endOffset, 3)
  disk.crash()
  const after = (await openDirectory(disk)).partition('flights', 0)!
  await after.append(batchOf(['x', 'y', 'z'])).durable
  deepEqual(after.endOfEpoch(0), { epoch: 0, endOffset: after.epochs.entries.at(-1)!.startOffset })
  ok(after.endOfEpoch(0)!.endOffset <= 3)
})

test('files of epochs that are damaged or missing: from the batches, and never an epoch twice', async () => {
  const damages: readonly (readonly [string, (disk: SimulatedDisk) => Promise<void> | void])[] = [
    ['none', () => undefined],
    ['no checkpoint', disk => disk.remove(checkpointPath)],
    [
      'a changed checkpoint',
      disk => disk.setContent(checkpointPath, fromUtf8('0\n1\n0 1\ncheck 00000000\n')),
    ],
    ['an old epoch', disk => disk.remove(epochPath)],
    ['a changed epoch', disk => disk.setContent(epochPath, fromUtf8('0\n1\ncheck 00000000\n'))],
  ]
  for (const stop of ['kill', 'close'] as const)
    for (const [what, damage] of damages) {
      const disk = new SimulatedDisk()
      let log = await openDirectory(disk, { segmentBytes: 200 })
      await log.createPartition('flights', 0)
      for (let round = 0; round < 4; round += 1) {
        const partition = log.partition('flights', 0)!
        for (let n = 0; n < 3; n += 1) await partition.append(batchOf(['a', 'b'])).durable
        if (round === 3) break
        disk.kill()
        log = await openDirectory(disk, { segmentBytes: 200 })
      }
      if (stop === 'kill') disk.kill()
      else await log.close()
      await damage(disk)
      const partition = (await openDirectory(disk)).partition('flights', 0)!
      const name = `${what}, ${stop}`
      deepEqual(
        [0, 1, 2].map(epoch => partition.endOfEpoch(epoch)?.endOffset),
        [6, 12, 18],
        name,
      )
      ok(stop === 'kill' ? partition.epochs.latest > 3 : partition.epochs.latest >= 3, name)
      equal(partition.endOfEpoch(3)?.endOffset, 24, name)
    }
})

test('over any stops, power cuts and starts that fail, epochs ascend, and each ends where its batches do', () =>
  forSeeds(400, async random => {
    const disk = new SimulatedDisk({ random })
    const options = { segmentBytes: 300, durability: random.int(2) === 0 ? 'os' : 'sync' } as const
    let log = await openDirectory(disk.session(), options)
    await log.createPartition('flights', 0)
    let largest = 0
    for (let round = 0; round < 8; round += 1) {
      const partition = log.partition('flights', 0)!
      ok(partition.epochs.latest >= largest, 'an epoch is not taken back')
      largest = partition.epochs.latest
      for (let n = random.int(6); n > 0; n -= 1) {
        const { durable } = partition.append(batchOf(['a', 'b', 'c'].slice(random.int(3))))
        if (random.int(2) === 0) await durable
        else void durable.catch(() => undefined)
      }
      if (random.int(4) === 0) await partition.dropBefore(random.int(partition.logEndOffset + 1))
      const isClean = random.int(3) === 0
      if (isClean) await log.close()
      else if (random.int(2) === 0) disk.crash()
      else disk.kill()
      if (random.int(4) === 0 && (await disk.exists(checkpointPath))) await disk.remove(checkpointPath)
      if (random.int(3) === 0) {
        disk.failCall({ call: random.int(40), kind: 'EIO', times: 'forever' })
        await openDirectory(disk.session(), options).catch(() => undefined)
        disk.kill()
        disk.clearFailures()
      }
      log = await openDirectory(disk.session(), options)
      await check(log.partition('flights', 0)!)
      if (!isClean)
        ok(log.partition('flights', 0)!.epochs.latest > largest, 'an unclean stop raises the epoch')
    }
  }))

async function check(partition: Partition): Promise<void> {
  const batches = await batchesOf(partition)
  for (const [n, [epoch]] of batches.entries()) ok(epoch >= (batches[n - 1]?.[0] ?? 0))
  for (const epoch of new Set(batches.map(([each]) => each))) {
    const end = partition.endOfEpoch(epoch)
    const next = batches.find(([each]) => each > epoch)
    deepEqual(end, { epoch, endOffset: next?.[1] ?? partition.logEndOffset }, `epoch ${epoch}`)
  }
  for (const [epoch, offset] of batches) equal(partition.epochs.of(offset), epoch)
}
