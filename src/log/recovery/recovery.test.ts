import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import { test } from 'node:test'
import { forSeeds } from '../../../test/for-seeds.ts'
import { soak, stride } from '../../../test/scale.ts'
import { fromUtf8, seededRandom } from '../../base/index.ts'
import { SimulatedDisk } from '../../testing/simulated-disk.ts'
import { virtualClock } from '../../testing/virtual-clock.ts'
import { batchOf, dataPath, failsWith, openDirectory, valuesOf } from '../log.test-support.ts'
import { repairPartition } from './repair.ts'

const folder = `${dataPath}/flights-0`
const clock = virtualClock()

function fileAt(offset: number, extension = 'log'): string {
  return `${folder}/${`${offset}`.padStart(20, '0')}.${extension}`
}

/** Six batches of one record, two in a segment, all of them below the recovery point. */
async function sixBatches(end: 'clean' | 'killed', seed = 1): Promise<SimulatedDisk> {
  const disk = new SimulatedDisk({ random: seededRandom(seed) })
  const log = await openDirectory(disk, { clock, segmentBytes: 300 })
  const partition = await log.createPartition('flights', 0)
  for (let n = 0; n < 6; n += 1) await partition.append(batchOf([`${n}`.padEnd(70, '.')])).durable
  await clock.advance(5000)
  if (end === 'clean') await log.close()
  else disk.kill()
  return disk
}

test('a missing file is damage, wherever it was; a repair keeps what is left in front of it', async () => {
  const check = async (end: 'clean' | 'killed', missing: number, left: number): Promise<void> => {
    const disk = await sixBatches(end)
    await disk.remove(fileAt(missing))
    const log = await openDirectory(disk)
    const partition = log.partition('flights', 0)!
    const readAll = async (): Promise<void> => {
      for (let offset = 0; offset < 6;)
        offset = (await partition.read(offset, { maxBytes: 1, isolation: 'read_uncommitted' })).nextOffset
    }
    await failsWith('PARTITION_DAMAGED', readAll())
    await log.close()
    await repairPartition(dataPath, 'flights', 0, { disk, clock })
    const repaired = (await openDirectory(disk)).partition('flights', 0)!
    equal(repaired.logEndOffset - repaired.logStartOffset, left)
    await repaired.append(batchOf(['more'])).durable
    equal((await valuesOf(repaired)).length, left + 1)
  }
  for (const end of ['clean', 'killed'] as const) {
    await check(end, 2, 2)
    await check(end, 4, 4)
  }
  // Nothing is in front of it: what is behind is whole, and the log begins there.
  await check('clean', 0, 4)
})

test('above the recovery point a log ends in front of a missing file, and continues from there', async () => {
  const disk = await sixBatches('killed')
  await disk.remove(`${dataPath}/recovery-point-offset-checkpoint`)
  // A digest that is there would prove that the segment was synced.
  for (const offset of [0, 2]) await disk.remove(fileAt(offset, 'digest'))
  await disk.remove(fileAt(2))
  const log = await openDirectory(disk)
  const { cut } = log.recovery.partitions[0]!
  equal(cut?.offset, 2)
  deepEqual(cut?.keptAside, [fileAt(4, 'log.cut-2')])
  const partition = log.partition('flights', 0)!
  await partition.append(batchOf(['more'])).durable
  equal((await valuesOf(partition)).at(-1), 'more')
  equal(partition.logEndOffset, 3)
})

test('a segment whose name is not durable yet, as a failed roll leaves it, is made durable', async () => {
  for (let n = 0; n < 20; n += 1) {
    const disk = await sixBatches('clean', n)
    await disk.remove(`${dataPath}/.kafka_cleanshutdown`)
    const file = await disk.open(fileAt(6), 'create')
    await file.close()
    disk.kill()
    const partition = (await openDirectory(disk)).partition('flights', 0)!
    await partition.append(batchOf(['more'])).durable
    disk.crash()
    equal((await valuesOf((await openDirectory(disk)).partition('flights', 0)!)).at(-1), 'more')
  }
})

test('what precedes a damaged batch is handed out, and the message says what to run', async () => {
  const disk = await sixBatches('clean')
  const bytes = disk.contentOf(fileAt(0))!
  bytes[bytes.length - 1]! ^= 1
  disk.setContent(fileAt(0), bytes)
  const partition = (await openDirectory(disk)).partition('flights', 0)!
  const read = (offset: number): ReturnType<typeof partition.read> =>
    partition.read(offset, { maxBytes: 1 << 20, isolation: 'read_committed' })
  equal((await read(0)).nextOffset, 1)
  await failsWith('PARTITION_DAMAGED', read(1))
  equal((await read(2)).nextOffset, 4)
})

test('of a batch without a valid header it is said once where it is: in the file', async () => {
  const check = async (end: 'clean' | 'killed', expected: RegExp): Promise<void> => {
    const disk = await sixBatches(end)
    // With it, the segment is not read before somebody reads there.
    if (end === 'killed') await disk.remove(fileAt(0, 'digest'))
    disk.setContent(
      fileAt(0),
      Buffer.from(disk.contentOf(fileAt(0))!).fill('room', batchOf([''.padEnd(70)]).length),
    )
    const partition = (await openDirectory(disk)).partition('flights', 0)!
    await rejects(partition.read(1, { maxBytes: 1, isolation: 'read_committed' }), expected)
  }
  await check(
    'killed',
    /: a batch has version 114; [^.]+ \(Apache Kafka's since 0\.11\), at byte 140 of \S+\.log\. /,
  )
  await check('clean', /\.log is damaged: a batch of it has no valid header\. /)
})

test('what a failed sync left in memory only is on the disk once it was shown', () =>
  forSeeds(300, async random => {
    const disk = new SimulatedDisk({ random })
    const log = await openDirectory(disk)
    const partition = await log.createPartition('flights', 0)
    await partition.append(batchOf(['safe'])).durable
    // The write succeeds, its sync does not.
    disk.failCall({ call: 2, kind: 'EIO', times: 'once' })
    await failsWith('PARTITION_POISONED', partition.append(batchOf(['in doubt'.repeat(200)])).durable)
    disk.kill()
    const next = (await openDirectory(disk)).partition('flights', 0)!
    const values = await valuesOf(next)
    equal(values.length, 2, 'the system shows what it was given')
    disk.crash()
    deepEqual(await valuesOf((await openDirectory(disk)).partition('flights', 0)!), values)
  }))

test('what was cut off once is not written over by the next cut', async () => {
  const disk = new SimulatedDisk()
  await (await openDirectory(disk)).createPartition('flights', 0)
  for (let n = 1; n <= 3; n += 1) {
    disk.kill()
    disk.setContent(fileAt(0), new Uint8Array(n).fill(n))
    await openDirectory(disk)
  }
  for (const [n, name] of ['log.cut-0', 'log.cut-0.2', 'log.cut-0.3'].entries())
    deepEqual(disk.contentOf(fileAt(0, name)), new Uint8Array(n + 1).fill(n + 1))
})

test('a repair that is interrupted at any call is run once more', async () => {
  let interrupted = 0
  for (let call = 1; ; call += stride) {
    const disk = await sixBatches('killed')
    disk.setContent(fileAt(2), disk.contentOf(fileAt(2))!.subarray(0, 100))
    disk.failCall({ call, kind: 'EIO', times: 'forever' })
    const first = await repairPartition(dataPath, 'flights', 0, { disk: disk.session(), clock }).catch(
      () => undefined,
    )
    if (first) break
    interrupted += 1
    disk.crash()
    await repairPartition(dataPath, 'flights', 0, { disk, clock })
    const log = await openDirectory(disk)
    deepEqual(log.recovery.partitions[0]?.damage, undefined)
    equal(log.partition('flights', 0)!.logEndOffset, 2)
  }
  ok(interrupted > 30 / stride, `${interrupted}`)
})

const logStarts = `${dataPath}/log-start-offset-checkpoint`
const recoveryPoints = `${dataPath}/recovery-point-offset-checkpoint`

/** Six batches of which the first two were dropped. */
async function droppedTwo(end: 'clean' | 'killed'): Promise<SimulatedDisk> {
  const disk = new SimulatedDisk()
  const log = await openDirectory(disk, { clock, segmentBytes: 150 })
  const partition = await log.createPartition('flights', 0)
  for (let n = 0; n < 6; n += 1) await partition.append(batchOf([`${n}`.padEnd(70, '.')])).durable
  await partition.dropBefore(2)
  if (end === 'clean') await log.close()
  else disk.kill()
  return disk
}

test('no bit of a checkpoint file makes recovery remove or hide anything', async () => {
  for (const end of ['clean', 'killed'] as const)
    for (const path of [logStarts, recoveryPoints]) {
      const original = await droppedTwo(end)
      const bits = original.contentOf(path)!.length * 8
      // Each of a byte's bits somewhere; all of them in the soak.
      for (let bit = 0; bit < bits; bit += soak ? 1 : 17 * stride) {
        const disk = await droppedTwo(end)
        const bytes = disk.contentOf(path)!
        bytes[bit >> 3]! ^= 1 << (bit & 7)
        disk.setContent(path, bytes)
        const log = await openDirectory(disk, { clock })
        const partition = log.partition('flights', 0)!
        equal(partition.failure, undefined, `${path}, bit ${bit}, ${end}`)
        deepEqual([partition.logStartOffset, (await valuesOf(partition)).length], [2, 4])
        await log.close()
      }
    }
})

test('a start that millrace 0.1.0 wrote, without a check line, removes nothing', async () => {
  for (const end of ['clean', 'killed'] as const)
    for (const start of [2, 4]) {
      const disk = await droppedTwo(end)
      disk.setContent(logStarts, fromUtf8(`0\n1\nflights 0 ${start}\n`))
      const log = await openDirectory(disk, { clock })
      equal((await valuesOf(log.partition('flights', 0)!)).length, 4)
      await log.close()
    }
  // A file that is missing is damage as before: the start is above what is stated.
  const disk = await droppedTwo('killed')
  disk.setContent(logStarts, fromUtf8('0\n1\nflights 0 0\n'))
  const log = await openDirectory(disk, { clock })
  ok(log.recovery.partitions[0]?.damage)
})

test('where the checkpoint cannot be read, a bad batch is damage, and stays so; a repair cuts it off', async () => {
  const disk = await sixBatches('killed')
  disk.setContent(recoveryPoints, fromUtf8('0\n'))
  disk.setContent(fileAt(4), Buffer.concat([disk.contentOf(fileAt(4))!, Buffer.alloc(50)]))
  for (let n = 0; n < 2; n += 1) {
    const log = await openDirectory(disk, { clock })
    await failsWith('PARTITION_DAMAGED', () => log.partition('flights', 0)!.append(batchOf(['x'])))
    await log.close()
  }
  disk.setContent(recoveryPoints, fromUtf8('0\n'))
  const { cut } = await repairPartition(dataPath, 'flights', 0, { disk, clock })
  equal(cut?.offset, 6)
  const repaired = (await openDirectory(disk, { clock })).partition('flights', 0)!
  equal((await valuesOf(repaired)).length, 6)
})

test('a digest proves what was synced, whatever the checkpoint says', async () => {
  const disk = await sixBatches('killed')
  disk.setContent(recoveryPoints, fromUtf8('0\n1\nflights 0 0\n'))
  disk.setContent(fileAt(2), disk.contentOf(fileAt(2))!.subarray(0, 100))
  const log = await openDirectory(disk)
  await failsWith('PARTITION_DAMAGED', () => log.partition('flights', 0)!.append(batchOf(['x'])))
})

test('producers of a log that was cut are not those that it had at its end before', async () => {
  const disk = new SimulatedDisk()
  const send = async (directory: Awaited<ReturnType<typeof openDirectory>>, from: number, to: number) => {
    for (let baseSequence = from; baseSequence < to; baseSequence += 1) {
      const batch = batchOf([`${baseSequence}`], { producerId: 1, producerEpoch: 0, baseSequence })
      const receipt = directory.partition('flights', 0)!.append(batch)
      await receipt.durable
      equal(receipt.duplicate, false)
    }
  }
  const first = await openDirectory(disk)
  await first.createPartition('flights', 0)
  await send(first, 0, 6)
  await first.close()
  // The last two batches are damaged, and a repair cuts them off.
  const bytes = disk.contentOf(fileAt(0))!
  bytes[Math.floor((bytes.length * 4.5) / 6)]! ^= 1
  disk.setContent(fileAt(0), bytes)
  await repairPartition(dataPath, 'flights', 0, { disk, clock })
  const second = await openDirectory(disk)
  equal(second.partition('flights', 0)!.logEndOffset, 4)
  // Others write to the end as it was before, and beyond.
  for (let n = 0; n < 3; n += 1) await second.partition('flights', 0)!.append(batchOf(['plain'])).durable
  await second.close()
  // The snapshot of now is lost; that of the end before the cut must not take its place.
  await disk.remove(fileAt(7, 'snapshot'))
  await send(await openDirectory(disk), 4, 5)
})

test('producers are saved again where a new segment begins, and survive retention of the older ones', async () => {
  const disk = new SimulatedDisk()
  const producer = { producerId: 7, producerEpoch: 0, baseSequence: 0 }
  const first = await openDirectory(disk, { clock })
  const partition = await first.createPartition('flights', 0)
  await partition.append(batchOf(['own'], producer)).durable
  await partition.roll()
  disk.kill()
  await disk.remove(fileAt(1, 'snapshot'))
  const second = await openDirectory(disk, { clock })
  await second.partition('flights', 0)!.deleteRecords(1)
  await second.partition('flights', 0)!.append(batchOf(['later'])).durable
  disk.kill()
  const third = await openDirectory(disk, { clock })
  equal(third.recovery.partitions[0]?.logStartOffset, 1)
  ok(third.partition('flights', 0)!.append(batchOf(['own'], producer)).duplicate)
})
