/**
 * A partition that an instance reads: of a source topic (source-partition.ts), or of the topic behind an
 * exchange (exchange-partition.ts).
 */
import type { FetchedBatch } from '../../port/index.ts'

export interface InputPartition {
  readonly topic: string
  readonly partition: number
  /** Where the partition stands in event time; what the reader chooses by. */
  readonly watermark: number
  /** The next offset to read: everything below has been processed. */
  readonly position: number
  /** Records that were processed so far. */
  readonly processed: number
  /** Whether a record made more results due than one turn should take: {@link run} continues with them. */
  readonly isFiring: boolean
  /**
   * Whether something that is due in the instance has not fired yet: said with the offset, so that the app
   * does not count as finished.
   */
  unfired: boolean
  /** Takes a batch to run. The one before must be through. */
  load(batch: FetchedBatch): void
  /**
   * Runs records of the batch, `turn` at the most. True when the batch is through. {@link position} moves
   * with them.
   */
  run(turn: number): boolean
  /** The log has nothing to show before `offset`: the position goes there. */
  skipTo(offset: number): void
  /** What has to come back with the offset: event time. */
  metadata(): string
  /** Nothing comes any more: event time is over. */
  end(): void
}
