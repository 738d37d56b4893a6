/**
 * What tells the records before an offset from others: the batch that the offset is in or behind, by its last offset and its checksum.
 *
 * An offset alone does not. A partition that was cut off, by a repair or a restored copy, takes new records at offsets that were processed already, and an
 * app that goes by the number would pass them over. Clients of Kafka notice that by the leader's epoch (KIP-320).
 */
import type { RecordBatch } from '../wire/index.ts'
import type { LogPort, TopicPartition } from '../port/index.ts'

/** How long to wait for the batch before looking again. */
const lookWaitMs = 1000
/** One batch is wanted. */
const fetchBytes = 64 * 1024

export interface LastBatch {
  readonly lastOffset: number
  readonly crc: number
}

export function lastBatchOf({ lastOffset, crc }: RecordBatch): LastBatch {
  return { lastOffset, crc }
}

/** Whether a partition still holds the batch. */
export async function holdsBatch(
  port: LogPort,
  at: TopicPartition,
  { lastOffset, crc }: LastBatch,
): Promise<boolean> {
  const found = await nextBatch(port, at, lastOffset)
  return found !== undefined && found.lastOffset === lastOffset && found.crc === crc
}

/** The first committed batch with a record at `offset` or behind it; undefined where the partition has none. */
export async function nextBatch(
  port: LogPort,
  { topic, partition }: TopicPartition,
  offset: number,
): Promise<LastBatch | undefined> {
  const end = await port.offsets(topic, partition, 'latest', 'read_committed')
  if (offset >= end) return undefined
  const reader = await port.openReader({ isolation: 'read_committed', fetchBytes })
  try {
    reader.assign([{ topic, partition, offset }])
    while (reader.position(topic, partition) < end) {
      const fetched = reader.take(topic, partition)
      if (fetched) return lastBatchOf(fetched.batch)
      await reader.wait(lookWaitMs)
    }
    return undefined
  } finally {
    await reader.close()
  }
}
