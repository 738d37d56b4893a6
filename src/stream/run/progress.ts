/** The progress of a run, and its state. */
import type { TopicPartition } from '../../port/index.ts'
import type { RecordAhead } from './record-ahead.ts'
import { Metrics } from '../task/metrics.ts'

/**
 * - `starting`: takes locks, looks topics up, rebuilds state; no record has been processed.
 * - `running`: processes records, or waits for them.
 * - `stopping`: commits and leaves, because of `stop()`, its signal, or a log that is being closed.
 * - `stopped`: has left; the next run continues from there. A run until `'now'` ends in this state, too.
 * - `finished`: has reached the end of time, by `until: 'end'` or `finish()`; the next run refuses.
 * - `failed`: has ended with `error`; nothing after its last commit counts.
 */
export type RunState = 'starting' | 'running' | 'stopping' | 'stopped' | 'finished' | 'failed'

/** How far a run has come. */
export interface Progress {
  /** The state of the run. A run that waits for data is `running`. */
  readonly state: RunState
  /** The error of a run that has failed; only in the state `failed`. */
  readonly error?: unknown
  /**
   * Records of its sources that this run has processed. Records that went through exchanges are not counted
   * again.
   */
  readonly records: number
  /**
   * The least watermark of the inputs, in ms since the epoch: -Infinity at the beginning, Infinity at the
   * end.
   */
  readonly watermark: number
  /**
   * Records that can be read and have not been processed; also 0 before the run has been given its inputs.
   */
  readonly lag: number
  /**
   * Operators of earlier programs whose state is kept and used by none. Left out if there are none. The run
   * option `forget` drops the state.
   */
  readonly unclaimed?: readonly string[]
  /**
   * The partitions that windows wait for. They are at their end, and their topic does not say when a
   * partition without data is idle (`watermark: { idleAfter }`). Left out while there are none.
   */
  readonly waitsFor?: readonly TopicPartition[]
  /**
   * The record that has pulled time ahead: its partition is past another one by more than the run option
   * `alignment`. Windows wait for the other partitions. Once those are idle, their records are late. Left out
   * while there is no such record.
   */
  readonly ahead?: RecordAhead
  /** The counts of the run: commits, results, and dropped records by reason. */
  readonly metrics: Metrics
}

/** The progress of a run that has not begun. */
export function notBegun(): Progress {
  return {
    state: 'starting',
    records: 0,
    watermark: Number.NEGATIVE_INFINITY,
    lag: 0,
    metrics: new Metrics(),
  }
}
