/** Alignment: chooses the partition that is read next. */
import type { FetchedBatch, Reader } from '../../port/index.ts'
import type { InputPartition } from '../task/input-partition.ts'

export interface ChosenBatch {
  readonly input: InputPartition
  readonly batch: FetchedBatch
}

/**
 * The next batch to process.
 *
 * Tables without event time come first, until all their rows are read: joins need the rows. Then comes the
 * partition whose watermark is lowest. A partition that is ahead of it by more than `alignmentMs` waits,
 * unless the partitions with lower watermarks are at their end. So a replay does not open every window at
 * once. The bound is checked between batches: a partition exceeds it by at most the span of one batch.
 */
export function chooseBatch(
  inputs: Iterable<InputPartition>,
  reader: Reader,
  alignmentMs: number,
  isAtEnd: (input: InputPartition) => boolean,
): ChosenBatch | undefined {
  let lowest = Number.POSITIVE_INFINITY
  let tables = false
  const streams: InputPartition[] = []
  for (const input of inputs) {
    if (isAtEnd(input)) {
      input.skipTo(reader.position(input.topic, input.partition))
      continue
    }
    if (input.isTable) {
      tables = true
      const batch = takeFrom(input, reader)
      if (batch) return { input, batch }
    } else {
      lowest = Math.min(lowest, input.watermark)
      streams.push(input)
    }
  }
  if (tables) return undefined
  streams.sort((a, b) => a.watermark - b.watermark)
  for (const input of streams) {
    if (input.watermark > lowest + alignmentMs) return undefined
    const batch = takeFrom(input, reader)
    if (batch) return { input, batch }
  }
  return undefined
}

function takeFrom(input: InputPartition, reader: Reader): FetchedBatch | undefined {
  const batch = reader.take(input.topic, input.partition)
  // Filtered records after the last batch, markers and aborted records, come without a batch.
  if (!batch) input.skipTo(reader.position(input.topic, input.partition))
  return batch
}
