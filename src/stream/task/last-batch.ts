/**
 * Identifies the records before an offset by the batch that the offset is in or after: its last offset and
 * its checksum.
 *
 * An offset alone is not enough. A partition that was cut off, by a repair or a restored copy, takes new
 * records at offsets that were processed already. An app that compares only offsets would skip those records.
 * Kafka's clients detect this by the leader epoch (KIP-320).
 */
import type { RecordBatch } from '../../wire/index.ts'
import { batchesUpTo, type LogPort, type TopicPartition } from '../../port/index.ts'

/** Only one batch is needed. */
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
 * The first committed batch with a record at or after `offset`, and before `before`; undefined if there is
 * none.
 * @param before default: the end of the partition
 */
export async function nextBatch(
  port: LogPort,
  { topic, partition }: TopicPartition,
  offset: number,
  before?: number,
): Promise<LastBatch | undefined> {
  const end = before ?? (await port.offsets(topic, partition, 'latest', 'read_committed'))
  for await (const { batch } of batchesUpTo(port, { topic, partition, offset }, { end, fetchBytes }))
    return lastBatchOf(batch)
  return undefined
}
