import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { SimulatedDisk } from '../../testing/simulated-disk.ts'
import { batchOf, openDirectory } from '../log.test-support.ts'
import type { Partition } from '../partition/partition.ts'

/**
 * A log of a few segments; the n-th batch holds three records, at its timestamp and the two milliseconds
 * after it.
 */
async function logOf(timestamps: readonly number[]): Promise<Partition> {
  const log = await openDirectory(new SimulatedDisk(), { segmentBytes: 300, indexIntervalBytes: 0 })
  const partition = await log.createPartition('flights', 0)
  for (const timestamp of timestamps) partition.append(batchOf(['a', 'b', 'c'], { timestamp }))
  await partition.sync()
  return partition
}

async function check(
  partition: Partition,
  timestamp: number,
  offset: number | undefined,
  at: number = timestamp,
): Promise<void> {
  const found = offset === undefined ? undefined : { offset, timestamp: at }
  deepEqual(await partition.offsetForTimestamp(timestamp), found, `${timestamp}`)
}

test('the first record with a timestamp, or the first later one', async () => {
  const partition = await logOf([1000, 2000, 3000, 4000, 5000, 6000, 7000, 8000, 9000])
  await check(partition, 0, 0, 1000)
  await check(partition, 1000, 0)
  await check(partition, 1002, 2)
  await check(partition, 1003, 3, 2000)
  await check(partition, 5001, 13)
  await check(partition, 9002, 26)
  await check(partition, 9003, undefined)
})

test('by offset where timestamps are out of order: nothing before the answer is as late', async () => {
  const partition = await logOf([5000, 1000, 9000, 2000, 2000, 3000, 9000, 100])
  await check(partition, 1, 0, 5000)
  await check(partition, 5001, 1)
  await check(partition, 5003, 6, 9000)
  await check(partition, 9002, 8)
  await check(partition, 9003, undefined)
})

test('a marker is not an answer, and what is not yet safe is none either', async () => {
  const partition = await logOf([10])
  const producer = { producerId: 1, producerEpoch: 0 }
  partition.append(batchOf(['t'], { ...producer, baseSequence: 0, transactional: true, timestamp: 20 }))
  await partition.appendMarker({ type: 'abort', ...producer, coordinatorEpoch: 0 }).durable
  // What was aborted is found: who asks by time may read uncommitted.
  await check(partition, 13, 3, 20)
  await check(partition, 21, undefined)
  const { durable } = partition.append(batchOf(['late'], { timestamp: 50 }))
  await check(partition, 50, undefined)
  await durable
  await check(partition, 50, 5)
})

test('the first record with the largest timestamp, in whichever segment, and below the readable end', async () => {
  const largest = async (timestamps: readonly number[], offset: number, timestamp: number): Promise<void> =>
    deepEqual(await (await logOf(timestamps)).offsetOfLargestTimestamp('read_committed'), {
      offset,
      timestamp,
    })
  await largest([1000], 2, 1002)
  await largest([1000, 2000, 3000, 4000], 11, 4002)
  await largest([4000, 1000, 2000, 3000], 2, 4002)
  await largest([1000, 9000, 2000, 9000, 3000], 5, 9002)

  const partition = await logOf([])
  deepEqual(await partition.offsetOfLargestTimestamp('read_committed'), undefined)
  const producer = { producerId: 1, producerEpoch: 0, transactional: true }
  partition.append(batchOf(['a', 'b'], { timestamp: 10 }))
  partition.append(batchOf(['c'], { timestamp: 500 }))
  partition.append(batchOf(['t'], { ...producer, baseSequence: 0, timestamp: 900 }))
  partition.append(batchOf(['d'], { timestamp: 700 }))
  await partition.sync()
  // The open transaction ends what is readable within the segment: its index says 900.
  deepEqual(await partition.offsetOfLargestTimestamp('read_committed'), { offset: 2, timestamp: 500 })
  deepEqual(await partition.offsetOfLargestTimestamp('read_uncommitted'), { offset: 3, timestamp: 900 })
  // A marker has the machine's time, which is later than all of these.
  await partition.appendMarker({ type: 'abort', producerId: 1, producerEpoch: 0, coordinatorEpoch: 0 })
    .durable
  deepEqual(await partition.offsetOfLargestTimestamp('read_committed'), { offset: 3, timestamp: 900 })
})

test('nothing is found where what is readable is empty, also inside a batch', async () => {
  const partition = await logOf([])
  const producer = { producerId: 1, producerEpoch: 0, transactional: true }
  partition.append(batchOf(['a', 'b'], { ...producer, baseSequence: 0, timestamp: 10 }))
  await partition.sync()
  await partition.deleteRecords(1)
  deepEqual(await partition.offsetOfLargestTimestamp('read_committed'), undefined)
  deepEqual(await partition.offsetOfLargestTimestamp('read_uncommitted'), { offset: 1, timestamp: 11 })
})
