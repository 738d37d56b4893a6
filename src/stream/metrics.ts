/** What an app counts while it runs. Nothing that goes no further is left uncounted. */
import type { DropReason } from './operator.ts'
import type { Pane } from './record.ts'

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
    'null-key': 0,
    'null-value': 0,
    malformed: 0,
    failed: 0,
  }
  /** Window results, by when they came. */
  readonly results: Record<Pane, number> = { early: 0, 'on-time': 0, late: 0 }
  /** Records put aside as dead letters. */
  deadLetters = 0
}
