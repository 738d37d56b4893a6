/** How far a run has come, and in which state it is. */
import type { TopicPartition } from '../../port/index.ts'
import type { RecordAhead } from './record-ahead.ts'
import { Metrics } from '../task/metrics.ts'

/**
 * - `starting`: takes locks, looks topics up, rebuilds state; no record has been processed.
 * - `running`: processes what comes, or waits for it.
 * - `stopping`: commits and leaves, because of `stop()`, its signal, or a log that is being closed.
 * - `stopped`: has left; the next run continues from there. A run until `'now'` ends so, too.
 * - `finished`: has come to the end of time, by `until: 'end'` or `finish()`; the next run refuses.
 * - `failed`: has ended with `error`; nothing after its last commit counts.
 */
export type RunState = 'starting' | 'running' | 'stopping' | 'stopped' | 'finished' | 'failed'

/** How far a run has come. */
export interface Progress {
  /** What the run does: a quiet one is `running`, one that has failed is `failed`. */
  readonly state: RunState
  /** What the run has failed with; only in the state `failed`. */
  readonly error?: unknown
  /** Records of its sources that this run has processed; what went through exchanges is not counted again. */
  readonly records: number
  /**
   * The least watermark among the inputs, in ms since the epoch: -Infinity at the beginning, Infinity at the
   * end.
   */
  readonly watermark: number
  /**
   * Records between what was processed and what can be read; 0 as well before the run has been given its
   * inputs.
   */
  readonly lag: number
  /**
   * Operators of earlier programs whose state is kept and used by none; only where there are any. The run
   * option `forget` drops it.
   */
  readonly unclaimed?: readonly string[]
  /**
   * The partitions that windows wait for: they are at their end, and their topic does not say when a
   * partition without data is idle (`watermark: { idleAfter }`). Left out while there are none.
   */
  readonly waitsFor?: readonly TopicPartition[]
  /**
   * The record that has pulled time ahead: its partition is past another one by more than the run option
   * `alignment`. What is behind it waits, or is late once those are idle. Left out while there is none.
   */
  readonly ahead?: RecordAhead
  /** What it has counted: commits, results, and what was dropped and why. */
  readonly metrics: Metrics
}

/** The progress of a run that has nothing to say yet. */
export function notBegun(): Progress {
  return {
    state: 'starting',
    records: 0,
    watermark: Number.NEGATIVE_INFINITY,
    lag: 0,
    metrics: new Metrics(),
  }
}
