/** What a reader does with lent memory: the bound of all readers, and whom a partition wakes. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LentMemory, seededRandom } from '../base/index.ts'
import { batchOf, openDirectory } from '../log/log.test-support.ts'
import type { Partition } from '../log/index.ts'
import type { RecordBatch } from '../wire/index.ts'
import { SimulatedDisk } from '../testing/simulated-disk.ts'
import { virtualClock } from '../testing/virtual-clock.ts'
import { InProcessReader } from './reader.ts'

const kib = 1024
/** About 20 KiB: more than a fetch has while memory is scarce. */
const value = 'x'.repeat(5 * kib)

interface World {
  readonly partitions: readonly Partition[]
  readonly memory: LentMemory
  reader(fetchBytes: number, bufferBytes?: number): InProcessReader
  close(): Promise<void>
}

async function makeWorld(count: number, batches: number, lentBytesMax: number): Promise<World> {
  const log = await openDirectory(new SimulatedDisk({ random: seededRandom(1) }))
  const partitions: Partition[] = []
  for (let index = 0; index < count; index += 1) {
    const partition = await log.createPartition('t', index, {})
    for (let n = 0; n < batches; n += 1) partition.append(batchOf([`${n}`, value, value, value, value]))
    await partition.sync()
    partitions.push(partition)
  }
  const memory = new LentMemory({ lentBytesMax, keptBytesMax: lentBytesMax })
  return {
    partitions,
    memory,
    reader: (fetchBytes, bufferBytes = 1024 * kib) =>
      new InProcessReader(
        {
          clock: virtualClock(),
          memory,
          unrecovered: () => undefined,
          partition: (_topic, index) => partitions[index]!,
          closed: () => undefined,
        },
        { fetchBytes, bufferBytes },
      ),
    close: () => log.close(),
  }
}

const places = (count: number, offset = 0): { topic: string; partition: number; offset: number }[] =>
  Array.from({ length: count }, (_, partition) => ({ topic: 't', partition, offset }))

function firstValue(batch: RecordBatch): string {
  const cursor = batch.records()
  cursor.next()
  return cursor.bytes.utf8Slice(cursor.valueStart, cursor.valueEnd)
}

test('with little memory every partition is read to its end, in any order, and holds little', async () => {
  const world = await makeWorld(8, 6, 64 * kib)
  const { memory } = world
  const reader = world.reader(128 * kib)
  reader.assign(places(8))
  let lentMax = 0
  // One partition after the other: those in front do not keep it from being read.
  for (let partition = 7; partition >= 0; partition -= 1)
    for (let n = 0; n < 6;) {
      const fetched = reader.take('t', partition)
      lentMax = Math.max(lentMax, memory.lentBytes)
      if (!fetched) {
        await reader.wait()
        continue
      }
      assert.equal(firstValue(fetched.batch), `${n}`)
      n += 1
    }
  // The first ones read ahead before memory was scarce; each other holds one batch of 20 KiB, in 32.
  assert(lentMax <= 3 * 128 * kib + 8 * 32 * kib, `${lentMax} bytes were lent`)
  await reader.close()
  assert.equal(memory.lentBytes, 0)
  await world.close()
})

test('a reader gives back all of its memory: at the end, when it is told to, and when it is closed', async () => {
  const world = await makeWorld(1, 20, 1024 * kib)
  const { memory } = world
  const reader = world.reader(64 * kib)
  reader.assign(places(1))
  for (let n = 0; n < 20;) {
    if (reader.take('t', 0)) n += 1
    else await reader.wait()
  }
  assert(memory.lentBytes > 0)
  assert.equal(reader.take('t', 0), undefined)
  assert.equal(memory.lentBytes, 0)

  const other = world.reader(64 * kib)
  for (const end of ['assign', 'close'] as const) {
    other.assign(places(1))
    while (!other.take('t', 0)) await other.wait()
    assert(memory.lentBytes > 0)
    // With a fetch in flight, whose memory comes back later.
    if (end === 'assign') other.assign([])
    else await other.close()
    for (let turn = 0; turn < 20; turn += 1) await new Promise(resolve => setImmediate(resolve))
    assert.equal(memory.lentBytes, 0)
  }
  await reader.close()
  await world.close()
})

test('a partition that is opened again after an error keeps the batch that was taken last', async () => {
  const world = await makeWorld(2, 10, 1024 * kib)
  const { memory } = world
  const turns = async (): Promise<void> => {
    for (let turn = 0; turn < 20; turn += 1) await new Promise(resolve => setImmediate(resolve))
  }
  // A fetch has five batches, and nothing is fetched while these are buffered.
  const reader = world.reader(110 * kib, 90 * kib)
  reader.assign(places(1))
  await turns()
  await world.partitions[0]!.deleteRecords(40)
  const taken = reader.take('t', 0)!
  const bytes = Buffer.from(taken.batch.bytes)
  // The fetch after the five batches fails, while four of them are not taken.
  await turns()
  reader.assign([{ topic: 't', partition: 0, offset: 40 }, ...places(2).slice(1)])
  assert.equal(reader.position('t', 0), 40, 'it was opened again')
  while (!reader.take('t', 1)) await reader.wait()
  await turns()
  assert.deepEqual(Buffer.from(taken.batch.bytes), bytes)
  let next
  while (!(next = reader.take('t', 0))) await reader.wait()
  assert.equal(next.firstOffset, 40)
  await reader.close()
  await turns()
  assert.equal(memory.lentBytes, 0)
  await world.close()
})

test('a partition wakes only a reader that waits for it', async () => {
  const world = await makeWorld(2, 1, 1024 * kib)
  const [first, second] = world.partitions as [Partition, Partition]
  const reader = world.reader(1, 1)
  reader.assign(places(2))
  while (!reader.take('t', 0)) await reader.wait()
  assert.equal(reader.take('t', 0), undefined)
  // The buffer of the second is full, and the reader has seen that it has a batch.
  await reader.wait()
  second.append(batchOf(['more']))
  await second.sync()
  let isWoken = false
  const woken = reader.wait().then(() => (isWoken = true))
  for (let turn = 0; turn < 20; turn += 1) await new Promise(resolve => setImmediate(resolve))
  assert.equal(isWoken, false)
  first.append(batchOf(['news']))
  await woken
  while (!reader.take('t', 0)) await reader.wait()
  await reader.close()
  await world.close()
})
