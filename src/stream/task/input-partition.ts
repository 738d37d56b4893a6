/**
 * A partition that an instance reads: of a source topic (source-partition.ts), or of the topic of an exchange
 * (exchange-partition.ts).
 */
import type { FetchedBatch } from '../../port/index.ts'
import type { SourceTime } from './source-time.ts'

/** Where an input continues, by the last commit of its app; without one, where it begins. */
export interface StartOfInput {
  readonly offset: number
  readonly leaderEpoch?: number | undefined
  readonly metadata?: string | undefined
}

export interface InputPartition {
  readonly topic: string
  readonly partition: number
  /** The partition's watermark. The reader chooses the next partition by it. */
  readonly watermark: number
  /** The next offset to read: everything below has been processed. */
  readonly position: number
  /** The leader epoch of the batch that was read last (KIP-320): committed with the position. -1: none. */
  readonly leaderEpoch: number
  /** Records that were processed so far. */
  readonly processed: number
  /** Whether a record made more results due than one turn should take: {@link run} continues with them. */
  readonly isFiring: boolean
  /** Whether no more records come: it was ended, or all tasks upstream have announced that they were. */
  readonly isOver: boolean
  /** Whether it is read before everything else: it is a table without event time. */
  readonly isTable: boolean
  /**
   * What moves its watermark. Undefined for a table without a watermark, and if tasks upstream announce it.
   */
  readonly time: SourceTime | undefined
  /** Set for a topic that the app reads; undefined between two stages. */
  readonly source: SourceInput | undefined
  /**
   * Whether something that is due in the instance has not fired yet. It is committed with the offset, so that
   * the app does not count as finished.
   */
  unfired: boolean
  /** Takes a batch to run. The previous batch must be done. */
  load(batch: FetchedBatch): void
  /**
   * Processes at most `turn` records of the batch, and moves {@link position} with them. Returns true when
   * the batch is done.
   */
  run(turn: number): boolean
  /** The log has no records before `offset`: moves the position there. */
  skipTo(offset: number): void
  /** The metadata to commit with the offset (committed-metadata.ts). */
  metadata(): string
}

/** An input of records from outside the app. A bounded run says when no more of them come. */
export interface SourceInput {
  /** No more records come: event time is over. */
  end(): void
}
