/** The counts of a running app. Every record that goes no further is counted. */
import type { DropReason } from '../operators/operator.ts'
import type { Pane } from '../operators/record.ts'

/** Counts since a run began. */
export class Metrics {
  /** Records read from source topics. */
  records = 0
  /** Transactions committed. */
  commits = 0
  /** Records that went no further, by reason. */
  readonly dropped: Record<DropReason, number> = {
    late: 0,
    idle: 0,
    'not-sampled': 0,
    unmatched: 0,
    duplicate: 0,
    'null-key': 0,
    'null-value': 0,
    malformed: 0,
    failed: 0,
  }
  /**
   * Late records that went to a side output (`late()`), by the reason for which they would have been dropped.
   * They are not in `dropped`.
   */
  readonly sideOutput: Record<'late' | 'idle', number> = { late: 0, idle: 0 }
  /** Window results under `'final'` and `{ early }`, by when they came, and those under `'changes'`. */
  readonly results: Record<Pane | 'changes', number> = { early: 0, 'on-time': 0, late: 0, changes: 0 }
  /** Records put aside as dead letters. */
  deadLetters = 0
}
