/**
 * Reads the committed records of a partition from an offset up to a known end, as a start does before it
 * processes anything.
 */
import type { FetchedBatch, LogPort, TopicPartition } from '../log-port.ts'

/** How long to wait for the next batch before looking again. */
const lookWaitMs = 1000

export interface UpTo {
  /** The first offset that is not read; a batch may reach past it. */
  readonly end: number
  /** Bytes of one fetch. Default: that of {@link LogPort.openReader}. */
  readonly fetchBytes?: number
  readonly signal?: AbortSignal | undefined
}

/**
 * The committed batches of a partition, from `offset` on. Each is valid until the next one is asked for: the
 * reader lends it.
 *
 * @throws the errors of the log's reader; the reason of the signal
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
