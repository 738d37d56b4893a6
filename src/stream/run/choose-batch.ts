/** Alignment: which partition is read next. */
import type { FetchedBatch, Reader } from '../../port/index.ts'
import type { InputPartition } from '../task/input-partition.ts'

export interface ChosenBatch {
  readonly input: InputPartition
  readonly batch: FetchedBatch
}

/**
 * The next batch to process.
 *
 * Tables without event time come first, all that there is of them: their rows must be there for the joins.
 * Then the partition whose watermark is lowest. One that is ahead of that by more than `alignmentMs` waits,
 * unless those behind it are at their end, so that a replay does not open every window at once. The bound is
 * looked at between batches: a partition passes it by what one batch spans at the most.
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
  // What was filtered behind the last batch, markers and aborted records, comes without a batch.
  if (!batch) input.skipTo(reader.position(input.topic, input.partition))
  return batch
}
