/** Reads of a simulated log: by fetches of the partition, or by the reader that consumers have. */
import assert from 'node:assert/strict'
import { LentMemory, utf8, type Random } from '../../../src/base/index.ts'
import { InProcessReader } from '../../../src/broker/reader.ts'
import type { Isolation, Partition } from '../../../src/log/index.ts'
import { AbortedFilter } from '../../../src/port/index.ts'
import { virtualClock } from '../../../src/testing/virtual-clock.ts'
import { readBatches, type RecordBatch } from '../../../src/wire/index.ts'
import type { ModelRecord } from './log-model.ts'

const fetchBytesMax = 2000

/** Everything from `from` to the readable end, which may move meanwhile. */
export async function readRecords(
  partition: Partition,
  isolation: Isolation,
  from: number,
  random: Random,
): Promise<ModelRecord[]> {
  const found: ModelRecord[] = []
  const read = random.int(2) === 0 ? fetchAll : consumeAll
  await read(partition, isolation, from, random, (batch, firstOffset) => {
    for (const cursor = batch.records(); cursor.next();) {
      const { offset, timestamp } = cursor
      if (offset < firstOffset) continue
      assert(offset > (found.at(-1)?.offset ?? -1), 'offsets grow')
      const [key, value] = [cursor.key(), cursor.value()]
      found.push({ offset, key: key && utf8(key), value: value && utf8(value), timestamp })
    }
  })
  return found
}

type Show = (batch: RecordBatch, firstOffset: number) => void

async function fetchAll(
  partition: Partition,
  isolation: Isolation,
  from: number,
  random: Random,
  show: Show,
): Promise<void> {
  for (let offset = from; offset < partition.readableEnd(isolation);) {
    const maxBytes = 1 + random.int(fetchBytesMax)
    const fetched = await partition.read(offset, { maxBytes, isolation })
    const filter = new AbortedFilter(fetched.abortedTransactions)
    for (const batch of readBatches(fetched.batches)) if (filter.admits(batch)) show(batch, offset)
    assert(fetched.nextOffset > offset, 'a read gets further')
    offset = fetched.nextOffset
  }
}

async function consumeAll(
  partition: Partition,
  isolation: Isolation,
  from: number,
  random: Random,
  show: Show,
): Promise<void> {
  const { topic, index } = partition
  const fetchBytes = 1 + random.int(fetchBytesMax)
  const memory = new LentMemory({ lentBytesMax: fetchBytes, keptBytesMax: fetchBytes })
  const context = {
    clock: virtualClock(),
    memory,
    unrecovered: () => undefined,
    partition: () => partition,
    closed: () => undefined,
  }
  const reader = new InProcessReader(context, { isolation, fetchBytes })
  reader.assign([{ topic, partition: index, offset: from }])
  try {
    for (;;) {
      const fetched = reader.take(topic, index)
      if (fetched) {
        assert(fetched.nextOffset >= fetched.batch.nextOffset, 'nextOffset is after the batch')
        assert(reader.position(topic, index) >= fetched.nextOffset, 'the position is after taken batches')
        show(fetched.batch, fetched.firstOffset)
      } else if (reader.atEnd(topic, index)) return
      else await reader.wait(10_000)
    }
  } finally {
    await reader.close()
  }
}
