import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { freshMemory, type DiskFile } from '../../base/index.ts'
import { SimulatedDisk } from '../../testing/simulated-disk.ts'
import { batchOf, dataPath, openDirectory, valuesOf } from '../log.test-support.ts'
import { readBatchesAt } from './segment-read.ts'
import { scanSegment } from './segment-scan.ts'

const path = `${dataPath}/flights-0/${'0'.padStart(20, '0')}.log`

/** Three batches of a value each. */
async function written(): Promise<SimulatedDisk> {
  const disk = new SimulatedDisk()
  const log = await openDirectory(disk)
  const partition = await log.createPartition('flights', 0)
  for (const value of ['a', 'b', 'c']) await partition.append(batchOf([value])).durable
  await log.close()
  return disk
}

test('a file that was cut since its size was asked for ends there, at every byte', async () => {
  const whole = (await written()).contentOf(path)!
  const disk = new SimulatedDisk()
  for (let left = 0; left < whole.length; left += 1) {
    disk.setContent(path, whole.subarray(0, left))
    const opened = await disk.open(path, 'read')
    let reads = 0
    const read: DiskFile['read'] = async (buffer, position) => {
      ok((reads += 1) < 20, 'it reads on without end')
      return opened.read(buffer, position)
    }
    const file = { ...opened, read }
    const nextOffset = Math.floor((left / whole.length) * 3)
    const from = { position: 0, offset: 0 }
    const end = await scanSegment(file, whole.length, from, { gapless: true }, () => undefined)
    equal(end.offset, nextOffset, `${left} bytes`)
    equal(typeof end.problem, 'string')
    for (const maxBytes of [1, 4096]) {
      const limits = { sizeBytes: whole.length, offset: 0, endOffset: 3, maxBytes, gapless: true }
      const place = { position: 0, baseOffset: 0 }
      const found = await readBatchesAt(file, place, { ...limits, memory: freshMemory, checksums: true })
      equal(
        found?.nextOffset,
        nextOffset === 0 ? undefined : maxBytes === 1 ? 1 : nextOffset,
        `${left} bytes`,
      )
    }
  }
})

test('a place of the index of another file is damage, also in a log with gaps', async () => {
  const whole = (await written()).contentOf(path)!
  const disk = new SimulatedDisk()
  const batchBytes = whole.length / 3
  const readFrom = async (batches: number, lastOffset: number): Promise<string | undefined> => {
    disk.setContent(path, whole.subarray(0, batches * batchBytes))
    const limits = { sizeBytes: whole.length, offset: 1, endOffset: 3, maxBytes: 4096, gapless: false }
    const options = { ...limits, memory: freshMemory, checksums: true }
    const place = { position: 2 * batchBytes, lastOffset }
    const reading = readBatchesAt(await disk.open(path, 'read'), place, options)
    return reading.then(
      found => found && `to ${found.nextOffset}`,
      (error: unknown) => (error as Error).constructor.name,
    )
  }
  deepEqual(
    [await readFrom(3, 2), await readFrom(3, 1), await readFrom(2, 1)],
    ['to 3', 'DamagedBatch', 'DamagedBatch'],
  )
})

test('a log that is only read ends where its owner has cut it meanwhile', async () => {
  const disk = await written()
  const log = await openDirectory(disk, { readOnly: true })
  const partition = log.partition('flights', 0)!
  equal(partition.highWatermark, 3)
  const file = await disk.open(path, 'write')
  await file.truncate((await file.size()) - 1)
  const { nextOffset } = await partition.read(2, { maxBytes: 1, isolation: 'read_uncommitted' })
  equal(nextOffset, 2)
  equal(partition.highWatermark, 2)
  equal((await valuesOf(partition)).join(' '), 'a b')
  await log.close()
})
