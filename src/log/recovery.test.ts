import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '../base/index.ts'
import { SimulatedDisk } from '../testing/simulated-disk.ts'
import { virtualClock } from '../testing/virtual-clock.ts'
import { batchOf, dataPath, failsWith, openDirectory, valuesOf } from './log.test-support.ts'
import { repairPartition } from './repair.ts'

const folder = `${dataPath}/flights-0`
const clock = virtualClock()

function fileAt(offset: number, extension = 'log'): string {
  return `${folder}/${`${offset}`.padStart(20, '0')}.${extension}`
}

/** Six batches of one record, two in a segment, all of them below the recovery point. */
async function sixBatches(end: 'clean' | 'killed'): Promise<SimulatedDisk> {
  const disk = new SimulatedDisk()
  const log = await openDirectory(disk, { clock, segmentBytes: 300 })
  const partition = await log.createPartition('flights', 0)
  for (let n = 0; n < 6; n += 1) await partition.append(batchOf([`${n}`.padEnd(70, '.')])).durable
  await clock.advance(5000)
  if (end === 'clean') await log.close()
  else disk.kill()
  return disk
}

test('a missing file is damage, wherever it was; a repair goes on with what is left in front of it', async () => {
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

test('above the recovery point a log ends in front of a missing file, and goes on from there', async () => {
  const disk = await sixBatches('killed')
  await disk.remove(`${dataPath}/recovery-point-offset-checkpoint`)
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

test('what stands before a damaged batch is handed out, and the message says what to run', async () => {
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

test('what a failed sync left in memory only is on the disk once it was shown', async () => {
  let shown = 0
  for (let seed = 0; seed < 30; seed += 1) {
    const disk = new SimulatedDisk({ random: seededRandom(seed) })
    const log = await openDirectory(disk)
    const partition = await log.createPartition('flights', 0)
    await partition.append(batchOf(['safe'])).durable
    // The write succeeds, its sync does not.
    disk.failCall({ call: 2, kind: 'EIO', times: 'once' })
    await failsWith('PARTITION_POISONED', partition.append(batchOf(['in doubt'.repeat(200)])).durable)
    disk.kill()
    const next = (await openDirectory(disk)).partition('flights', 0)!
    const values = await valuesOf(next)
    shown += values.length - 1
    disk.crash()
    deepEqual(await valuesOf((await openDirectory(disk)).partition('flights', 0)!), values)
  }
  equal(shown, 30, 'the system shows what it was given')
})

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
  for (let call = 1; ; call += 1) {
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
  ok(interrupted > 30, `${interrupted}`)
})
