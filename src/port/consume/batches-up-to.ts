/**
 * Reads a committed partition from an offset up to an end that is known: what a start looks through before it
 * processes anything.
 */
import type { FetchedBatch, LogPort, TopicPartition } from '../log-port.ts'

/** How long to wait for the next batch before looking again. */
const lookWaitMs = 1000

export interface UpTo {
  /** The first offset that is not read; a batch may reach past it. */
  readonly end: number
  /** What the reader fetches at a time. Default: that of {@link LogPort.openReader}. */
  readonly fetchBytes?: number
  readonly signal?: AbortSignal | undefined
}

/**
 * The committed batches of a partition, from `offset` on. Each is valid until the next one is asked for.
 *
 * @throws what the log's reader throws; the reason of the signal
 */
export async function* batchesUpTo(
  port: LogPort,
  { topic, partition, offset }: TopicPartition & { readonly offset: number },
  { end, fetchBytes, signal }: UpTo,
): AsyncGenerator<FetchedBatch> {
  if (offset >= end) return
  const reader = await port.openReader({
    isolation: 'read_committed',
    ...(fetchBytes !== undefined && { fetchBytes }),
  })
  try {
    reader.assign([{ topic, partition, offset }])
    while (reader.position(topic, partition) < end) {
      signal?.throwIfAborted()
      const fetched = reader.take(topic, partition)
      if (fetched) yield fetched
      else await reader.wait(lookWaitMs, signal)
    }
  } finally {
    await reader.close()
  }
}
