/**
 * Transactions that a producer snapshot has as open, and whose marker compaction has removed.
 *
 * Compaction never passes the last stable offset: a transaction that began below a cleaned offset had ended.
 * Its marker goes once none of its batches is left (cleaner/transaction-fates.ts). A snapshot between both is
 * older than that. So after a replay from there the transaction seems open, and later batches of its producer
 * seem to belong to it.
 */
import type { ProducerState } from '../producers/producer-state.ts'
import { scanSegment } from '../segment/segment-scan.ts'
import type { Segment, SegmentContext } from '../segment/segment.ts'

/**
 * Ends them. `cleanedBelow`: where compaction has been. Reads the log only if there may be any; `pause` is
 * called between bounded pieces of that work.
 */
export async function endCompactedTransactions(
  { files }: SegmentContext,
  segments: readonly Segment[],
  producers: ProducerState,
  cleanedBelow: number,
  pause?: () => Promise<void>,
): Promise<void> {
  const open = new Map(
    producers
      .openTransactions()
      .filter(({ firstOffset }) => firstOffset < cleanedBelow)
      .map(({ producerId, firstOffset }) => [producerId, firstOffset]),
  )
  if (open.size === 0) return
  const from = Math.min(...open.values())
  /** The first batch of each that is left. */
  const left = new Map<number, number>()
  for (const { path, baseOffset, nextOffset, sizeBytes } of segments) {
    if (nextOffset <= from) continue
    await files.use(path, 'read', file =>
      scanSegment(file, sizeBytes, { position: 0, offset: baseOffset }, { gapless: false, pause }, batch => {
        const { producerId } = batch
        const since = open.get(producerId)
        if (since === undefined || left.has(producerId)) return
        if (batch.isTransactional && !batch.isControl && batch.baseOffset >= since)
          left.set(producerId, batch.baseOffset)
      }),
    )
  }
  for (const producerId of open.keys()) {
    const first = left.get(producerId)
    if (first === undefined || first >= cleanedBelow) producers.openSince(producerId, first)
  }
}
