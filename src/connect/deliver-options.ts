/** The options of `deliver`: their types, and the check of their names and kinds. */
import type { Clock, Duration } from '../base/index.ts'
import type { ErrorPolicy } from '../schema/index.ts'
import type { ConnectObserver } from './observer.ts'

/**
 * How far a delivery goes, how much it writes at a time, and what becomes of records that the sink refuses.
 */
export interface DeliverOptions {
  /**
   * `end`: deliver up to the end as it is at the start, then leave. Default: run until
   * `Delivery.finish` or `Delivery.stop`.
   */
  readonly until?: 'end'
  /**
   * What to do with a record that cannot be decoded or that the sink refuses. Default `fail`: delivery ends
   * with an error that names it, and nothing past it is delivered. Dead letters are the original bytes,
   * written exactly once.
   */
  readonly onError?: ErrorPolicy
  /** A transaction is written when it has this many rows. Default 50,000. */
  readonly transactionRows?: number
  /** … or this many bytes, as on the log. Default 16 MiB. */
  readonly transactionBytes?: number
  /** … or is this old. Default 1 s. */
  readonly commitInterval?: Duration
  /** Ends the run as `Delivery.stop` does. */
  readonly signal?: AbortSignal
  /** Told of the run's steps. */
  readonly observer?: ConnectObserver
  /** Default: the machine's. A test gives its own. */
  readonly clock?: Clock
}

/** The kinds of the options, by name. */
export const deliverOptionKinds = {
  until: ['end'],
  onError: 'any',
  transactionRows: 'count',
  transactionBytes: 'count',
  commitInterval: 'duration',
  signal: 'signal',
  observer: 'object',
  clock: 'object',
} as const
