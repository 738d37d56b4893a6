import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { utf8, type Disk } from '../../base/index.ts'
import { SimulatedDisk } from '../../testing/simulated-disk.ts'
import { withCheck } from '../files/checked-text.ts'
import { batchOf, dataPath, openDirectory } from '../log.test-support.ts'
import type { LogDirectory } from '../log-directory.ts'
import type { Partition } from '../partition/partition.ts'
import { LoadedIndexes, type IndexOwner } from './loaded-indexes.ts'

const indexBytesMax = 2000
/** Two batches a segment, with an index entry for each batch. */
const options = { segmentBytes: 200, indexIntervalBytes: 0, indexBytesMax }
const batches = 60

async function filled(log: LogDirectory, topic = 'flights'): Promise<Partition> {
  const partition = await log.createPartition(topic, 0)
  for (let n = 0; n < batches; n += 1)
    partition.append(batchOf([`a${n}`, `b${n}`, `c${n}`], { timestamp: n * 1000 }))
  await partition.sync()
  return partition
}

/** Looks up by offset and by time all over the partition, back and forth, and holds the bound meanwhile. */
async function lookAllOver(log: LogDirectory, partition: Partition, from = 0): Promise<void> {
  for (let n = from; n < batches; n += 1) {
    const at = from + ((n * 37) % (batches - from))
    const offset = at * 3 + 1
    const read = await partition.read(offset, { maxBytes: 1, isolation: 'read_uncommitted' })
    equal(read.nextOffset, at * 3 + 3)
    deepEqual(await partition.offsetForTimestamp(at * 1000 + 1), { offset, timestamp: at * 1000 + 1 })
    ok(log.indexBytes <= indexBytesMax, `${log.indexBytes} bytes of indexes are loaded`)
  }
  ok(log.indexBytes > indexBytesMax / 2, `only ${log.indexBytes} bytes of indexes are loaded`)
}

test('look-ups all over many segments find the same within the bound of loaded indexes', async () => {
  const disk = new SimulatedDisk()
  const log = await openDirectory(disk, options)
  const partition = await filled(log)
  await lookAllOver(log, partition)
  // Forgotten indexes are loaded again, and the active segment still grows.
  const { durable } = partition.append(batchOf(['late'], { timestamp: 1e9 }))
  await durable
  deepEqual(await partition.offsetForTimestamp(1e9), { offset: batches * 3, timestamp: 1e9 })
  await lookAllOver(log, partition)

  disk.crash()
  const again = await openDirectory(disk, options)
  await lookAllOver(again, again.partition('flights', 0)!)
  await again.close()
  equal(again.indexBytes, 0)

  // After a clean stop the indexes of the active segment are loaded as all others, until it grows.
  const third = await openDirectory(disk, options)
  const found = third.partition('flights', 0)!
  await lookAllOver(third, found)
  deepEqual(await found.offsetForTimestamp(1e9), { offset: batches * 3, timestamp: 1e9 })
  await found.append(batchOf(['later'], { timestamp: 2e9 })).durable
  await lookAllOver(third, found)
  deepEqual(await found.offsetForTimestamp(2e9), { offset: batches * 3 + 1, timestamp: 2e9 })
  await third.close()
})

test('segments that leave the log take their indexes along', async () => {
  const log = await openDirectory(new SimulatedDisk(), { ...options, indexBytesMax: 1 << 20 })
  const partition = await filled(log)
  const other = await filled(log, 'airports')
  await other.offsetForTimestamp(0)
  const ofOne = log.indexBytes
  ok(ofOne > 0)
  for (let n = 0; n < batches; n += 1) await partition.offsetForTimestamp(n * 1000)
  ok(log.indexBytes > 10 * ofOne)
  await partition.dropBefore(partition.logEndOffset)
  equal(log.indexBytes, ofOne)
  await log.deletePartition('airports', 0)
  equal(log.indexBytes, 0)
  await log.close()
})

test('an index that is still being loaded when its segment leaves is not kept', async () => {
  const log = await openDirectory(new SimulatedDisk(), options)
  const partition = await filled(log)
  const reading = partition.offsetForTimestamp(0).catch(() => undefined)
  await log.deletePartition('flights', 0)
  await reading
  equal(log.indexBytes, 0)
  await log.close()
})

test('segments whose digests have no times are asked for their largest timestamp once', async () => {
  const disk = new SimulatedDisk()
  const log = await openDirectory(disk, options)
  await filled(log)
  await log.close()
  const folder = `${dataPath}/flights-0`
  for (const name of (await disk.list(folder)).filter(each => each.endsWith('.digest'))) {
    // As earlier versions wrote them.
    const text = utf8(disk.contentOf(`${folder}/${name}`)!)
    disk.setContent(`${folder}/${name}`, withCheck(text.replace(/times .*\n|check .*\n/g, '')))
  }
  await disk.remove(`${dataPath}/clean-stop`)

  let reads = 0
  const session = disk.session()
  const open: Disk['open'] = (path, mode) => {
    if (path.endsWith('.timeindex')) reads += 1
    return session.open(path, mode)
  }
  const again = await openDirectory({ ...session, open }, options)
  const partition = again.partition('flights', 0)!
  const last = (batches - 1) * 1000
  const found = { offset: batches * 3 - 3, timestamp: last }
  deepEqual(await partition.offsetForTimestamp(last), found)
  ok(reads >= batches / 2, `${reads} time indexes were read`)
  reads = 0
  for (let n = 0; n < 10; n += 1) deepEqual(await partition.offsetForTimestamp(last), found)
  equal(reads, 0)
  await again.close()
})

test('the indexes of a segment that is asked again and again stay', async () => {
  const disk = new SimulatedDisk()
  const log = await openDirectory(disk, options)
  await filled(log)
  await log.close()
  let loads = 0
  const session = disk.session()
  const open: Disk['open'] = (path, mode) => {
    if (path.endsWith(`/${'0'.padStart(20, '0')}.timeindex`)) loads += 1
    return session.open(path, mode)
  }
  const again = await openDirectory({ ...session, open }, options)
  const partition = again.partition('flights', 0)!
  for (let n = 1; n < batches; n += 1) {
    await partition.offsetForTimestamp(1)
    await partition.offsetForTimestamp(n * 1000)
  }
  equal(loads, 1)
  await again.close()
})

test('what was used least recently is forgotten first', () => {
  const forgotten: string[] = []
  const owner = (name: string): IndexOwner => ({ forgetIndexes: () => forgotten.push(name) })
  const [a, b, c] = [owner('a'), owner('b'), owner('c')]
  const loaded = new LoadedIndexes(2 * 612)
  loaded.add(a, 100)
  loaded.add(b, 100)
  equal(loaded.bytes, 2 * 612)
  loaded.used(a)
  loaded.add(c, 100)
  deepEqual(forgotten, ['b'])
  // One that exceeds the bound alone is not kept either.
  loaded.add(b, 2000)
  deepEqual(forgotten, ['b', 'a', 'c', 'b'])
  equal(loaded.bytes, 0)
  equal(loaded.count, 0)
})
