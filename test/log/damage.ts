/**
 * The effects of a damaged file: a log of 64 KiB is cut at every byte, and zeroed and garbled in every
 * sector. The log keeps exactly the whole batches before the damage, and quarantines every byte that it cuts
 * off. Below the recovery point it cuts nothing until a repair is requested. No read shows anything but what
 * was appended.
 */
import assert from 'node:assert/strict'
import { isMillraceError, type Random } from '../../src/base/index.ts'
import { repairPartition, type Partition, type PartitionRecovery } from '../../src/log/index.ts'
import { batchOf, dataPath, failsWith, openDirectory, shownOf } from '../../src/log/log.test-support.ts'
import { SimulatedDisk } from '../../src/testing/simulated-disk.ts'
import { virtualClock } from '../../src/testing/virtual-clock.ts'
import { forSeeds } from '../for-seeds.ts'
import { soak } from '../scale.ts'
import { writeLog, type WrittenLog, type WrittenSegment } from './written-log.ts'

const sectorBytes = 512
const clock = virtualClock(1_000_000)

/** One segment's file with other content. */
interface Damage {
  readonly log: WrittenLog
  readonly segment: WrittenSegment
  readonly bytes: Uint8Array
}

/** Where the sound part ends: before the first batch that differs from what was written. */
function soundEnd({ segment, bytes }: Damage): { readonly offset: number; readonly position: number } {
  const { batches } = segment
  const broken = batches.find(
    ({ start, end }) =>
      end > bytes.length ||
      Buffer.compare(bytes.subarray(start, end), segment.bytes.subarray(start, end)) !== 0,
  )
  const last = batches.at(-1)!
  return broken
    ? { offset: broken.baseOffset, position: broken.start }
    : { offset: last.nextOffset, position: last.end }
}

function diskWith({ log, segment, bytes }: Damage): SimulatedDisk {
  const disk = new SimulatedDisk()
  for (const [path, content] of log.files) disk.setContent(path, path === segment.path ? bytes : content)
  return disk
}

/** The sound part is left in the file, and everything after it is in the quarantined files. */
function checkCut(damage: Damage, disk: SimulatedDisk, { cut, logEndOffset }: PartitionRecovery): void {
  const { log, segment, bytes } = damage
  const { offset, position } = soundEnd(damage)
  const later = log.segments.slice(log.segments.indexOf(segment) + 1)
  const tail = bytes.subarray(position)
  const cutOff = [...(tail.length > 0 ? [tail] : []), ...later.map(each => each.bytes)]
  assert.equal(logEndOffset, offset)
  sameBytes(disk.contentOf(segment.path)!, segment.bytes.subarray(0, position))
  assert.equal(cut?.offset, cutOff.length > 0 ? offset : undefined)
  assert.equal(cut?.keptAside.length ?? 0, cutOff.length)
  for (const [n, kept] of cutOff.entries()) sameBytes(disk.contentOf(cut!.keptAside[n]!)!, kept)
}

function sameBytes(actual: Uint8Array, expected: Uint8Array): void {
  assert.equal(Buffer.compare(actual, expected), 0, 'the bytes are the same')
}

/** Opens the damaged log; returns what happened to it. */
async function check(damage: Damage): Promise<'cut' | 'refused' | 'found by reading'> {
  const { log, segment, bytes } = damage
  const { offset } = soundEnd(damage)
  const disk = diskWith(damage)
  const directory = await openDirectory(disk)
  const report = directory.recovery.partitions[0]!
  const partition = directory.partition('flights', 0)!
  if (offset >= log.recoveryPoint) {
    assert.equal(report.damage, undefined)
    checkCut(damage, disk, report)
    await directory.close()
    return 'cut'
  }
  if (report.damage) await failsWith('PARTITION_DAMAGED', partition.sync())
  else assert.equal(await readWhatIsSound(partition, log), offset)
  await directory.close()
  // Nothing is cut, and nothing is dropped.
  for (const each of log.segments)
    sameBytes(disk.contentOf(each.path)!, each === segment ? bytes : each.bytes)
  return report.damage ? 'refused' : 'found by reading'
}

/** Reads from the start to the damage; returns its offset. Every record before it is what was written. */
async function readWhatIsSound(partition: Partition, log: WrittenLog): Promise<number> {
  const original = Buffer.concat(log.segments.map(({ bytes }) => bytes))
  let position = 0
  for (let offset = 0; ;) {
    try {
      const read = await partition.read(offset, { maxBytes: 4096, isolation: 'read_uncommitted' })
      assert(read.nextOffset > offset, 'a read up to the end would have passed over the damage')
      sameBytes(read.batches, original.subarray(position, position + read.batches.length))
      position += read.batches.length
      offset = read.nextOffset
    } catch (error) {
      if (isMillraceError(error, 'PARTITION_DAMAGED')) return offset
      throw error
    }
  }
}

/** The repair that the message advises cuts at the damage, and the partition works again. */
async function checkRepair(damage: Damage): Promise<void> {
  const disk = diskWith(damage)
  // Opening the log twice before the repair removes nothing.
  for (let n = 0; n < 2; n += 1) await (await openDirectory(disk)).close()
  const report = await repairPartition(dataPath, 'flights', 0, { disk, clock })
  checkCut(damage, disk, report)
  const { offset } = soundEnd(damage)
  const directory = await openDirectory(disk)
  const partition = directory.partition('flights', 0)!
  assert.equal(partition.failure, undefined)
  assert.equal(partition.logEndOffset, offset)
  await partition.append(batchOf(['after the repair'])).durable
  assert.deepEqual((await shownOf(partition)).at(-1), { offset, value: 'after the repair' })
  await directory.close()
}

/** Checks all of them, and that each of these outcomes occurs. */
async function checkAll(
  damages: Iterable<Damage>,
  repairEvery: number,
  ends: readonly string[],
): Promise<void> {
  const seen = new Set<string>()
  let n = 0
  for (const damage of damages) {
    seen.add(await check(damage))
    if (n++ % repairEvery === 0 && soundEnd(damage).offset < damage.log.recoveryPoint)
      await checkRepair(damage)
  }
  assert.deepEqual([...seen].sort(), [...ends].sort())
}

/** Every sector, zeroed and garbled. */
function* sectorDamages(log: WrittenLog, random: Random): Iterable<Damage> {
  for (const segment of log.segments)
    for (let start = 0; start < segment.bytes.length; start += sectorBytes) {
      const size = Math.min(sectorBytes, segment.bytes.length - start)
      for (const content of [new Uint8Array(size), random.bytes(size)]) {
        const bytes = Uint8Array.from(segment.bytes)
        bytes.set(content, start)
        yield { log, segment, bytes }
      }
    }
}

/** Each segment, cut after every nth byte, and between all its batches. */
function* cuts(log: WrittenLog, every: number): Iterable<Damage> {
  for (const segment of log.segments) {
    const ends = new Set(segment.batches.map(({ end }) => end))
    for (let size = 0; size < segment.bytes.length; size += 1)
      if (size % every === 0 || ends.has(size)) yield { log, segment, bytes: segment.bytes.subarray(0, size) }
  }
}

/** Cut at any byte, a segment recovers to its last whole batch. */
export function cutAnywhere(): Promise<void> {
  return forSeeds(1, async random => {
    const log = await writeLog(1 << 20, random, 'killed')
    assert.equal(log.segments.length, 1)
    await checkAll(cuts(log, soak ? 1 : 10), 100, ['cut', 'refused'])
  })
}

/** With any sector zeroed or garbled, a segment recovers to the last batch before it. */
export function sectors(): Promise<void> {
  return forSeeds(1, async random => {
    const log = await writeLog(1 << 20, random, 'killed')
    await checkAll(sectorDamages(log, random), 10, ['cut', 'refused'])
  })
}

/** Damage in older segments is found at the latest when they are read. */
export function olderSegments(): Promise<void> {
  return forSeeds(1, async random => {
    const log = await writeLog(12 << 10, random, 'killed')
    assert(log.segments.length > 4)
    await checkAll(sectorDamages(log, random), 10, ['cut', 'found by reading', 'refused'])
  })
}

/**
 * Segments that were cut after a clean stop are found at the start too: their lengths differ from those in
 * their digests.
 */
export function sealedSegments(): Promise<void> {
  return forSeeds(1, async random => {
    const log = await writeLog(12 << 10, random, 'clean')
    await checkAll(cuts(log, soak ? 1 : 100), 20, ['refused'])
  })
}

/** The message of a damaged partition names the repair, and the repair names what it kept. */
export function nameTheRepair(): Promise<void> {
  return forSeeds(1, async random => {
    const log = await writeLog(1 << 20, random, 'killed')
    const segment = log.segments[0]!
    const damage: Damage = { log, segment, bytes: segment.bytes.subarray(0, 100) }
    const disk = diskWith(damage)
    const directory = await openDirectory(disk)
    const report = directory.recovery.partitions[0]!
    assert.match(report.damage?.message ?? '', /'millrace repair flights 0 --data \/data'/)
    await failsWith('PARTITION_DAMAGED', () => directory.partition('flights', 0)!.append(batchOf(['x'])))
    // The repair is refused while the log is open.
    await failsWith('DATA_DIR_IN_USE', repairPartition(dataPath, 'flights', 0, { disk, clock }))
    await failsWith('UNKNOWN_PARTITION', repairPartition(dataPath, 'flights', 1, { disk, clock }))
    await directory.close()
    const { cut } = await repairPartition(dataPath, 'flights', 0, { disk, clock })
    assert.deepEqual(cut?.keptAside, [`${segment.path}.cut-${soundEnd(damage).offset}`])
    // A second repair finds nothing.
    assert.equal((await repairPartition(dataPath, 'flights', 0, { disk, clock })).cut, undefined)
  })
}
