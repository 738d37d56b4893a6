/**
 * What tells the records before an offset from others: the batch that the offset is in or behind, by its last
 * offset and its checksum.
 *
 * An offset alone does not. A partition that was cut off, by a repair or a restored copy, takes new records
 * at offsets that were processed already, and an app that goes by the number would pass them over. Clients of
 * Kafka notice that by the leader's epoch (KIP-320).
 */
import type { RecordBatch } from '../../wire/index.ts'
import { batchesUpTo, type LogPort, type TopicPartition } from '../../port/index.ts'

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

/**
 * The first committed batch with a record at `offset` or behind it; undefined where the partition has none.
 */
export async function nextBatch(
  port: LogPort,
  { topic, partition }: TopicPartition,
  offset: number,
): Promise<LastBatch | undefined> {
  const end = await port.offsets(topic, partition, 'latest', 'read_committed')
  for await (const { batch } of batchesUpTo(port, { topic, partition, offset }, { end, fetchBytes }))
    return lastBatchOf(batch)
  return undefined
}
