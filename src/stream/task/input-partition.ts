/**
 * A partition that an instance reads: of a source topic (source-partition.ts), or of the topic behind an
 * exchange (exchange-partition.ts).
 */
import type { FetchedBatch } from '../../port/index.ts'
import type { SourceTime } from './source-time.ts'

export interface InputPartition {
  readonly topic: string
  readonly partition: number
  /** How far the partition is in event time; what the reader chooses by. */
  readonly watermark: number
  /** The next offset to read: everything below has been processed. */
  readonly position: number
  /** Records that were processed so far. */
  readonly processed: number
  /** Whether a record made more results due than one turn should take: {@link run} continues with them. */
  readonly isFiring: boolean
  /** Whether it is read ahead of everything else: it is a table without event time. */
  readonly isTable: boolean
  /** What moves its watermark; undefined for a table without one, and where tasks upstream announce it. */
  readonly time: SourceTime | undefined
  /** Of a topic that the app reads; undefined between two stages. */
  readonly source: SourceInput | undefined
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
  /** What has to come back with the offset (committed-metadata.ts). */
  metadata(): string
}

/** An input whose end is the app's: records come in from outside, and a bounded run says when no more do. */
export interface SourceInput {
  /** Whether a run until `'end'` has ended it: nothing behind its position is read any more. */
  readonly ended: boolean
  /** Nothing comes any more: event time is over. */
  end(): void
}
