/** The options of the methods of streams and tables. */
import type { Duration } from '../../base/index.ts'
import type { WindowOptions } from './windows.ts'

/**
 * Options of every operator. The name identifies the operator's state across changes of the program. Default:
 * the operator's kind and a number.
 */
export interface Named {
  readonly name?: string
}

/** Options of an operator that keeps state. */
export interface Versioned extends Named {
  /**
   * The version of the state's values: a whole number, raised when a changed function makes the old values
   * wrong. State of another version is refused when the app starts. If the version is given, and is the same,
   * the shape of the values may change.
   */
  readonly version?: number
}

/** Options of `split`. */
export interface SplitOptions<R extends string = never> extends Named {
  /**
   * The name of the stream of records that no branch takes. Default: they are dropped, and counted as
   * `unmatched`.
   */
  readonly rest?: R
}

/** Options of `deduplicate`. */
export interface DeduplicateOptions extends Named, WindowOptions {
  /**
   * A record takes part until the watermark has passed it by more than this. Later records are dropped, and
   * counted as `late`. Default 0.
   */
  readonly allowedLateness?: Duration
}

/** Options of `sessionize`. */
export interface SessionizeOptions extends Versioned, WindowOptions {}

/** Options of `repartition`. */
export interface RepartitionOptions extends Named {
  /**
   * How many partitions and tasks there are behind it. It is permanent, as state is partitioned by it.
   * Default: as many as before it.
   */
  readonly partitions?: number
}

/**
 * Which records of two streams a join brings together: those whose times are near each other.
 * @example { within: '5m' }  // five minutes before to five minutes after, both included
 * @example { before: 0, after: '1h' }  // the other record comes at the same time or up to an hour later
 */
export type JoinOptions = Versioned & JoinTimes & MoreJoinOptions

/** From when to when the other stream's records match, as seen from a record of this one. */
type JoinTimes =
  | {
      /** How far before and after it. */
      readonly within: Duration
      /** How far before it; default: `within`. Negative: only records after it match. */
      readonly before?: Duration
      /** How far after it; default: `within`. Negative: only records before it match. */
      readonly after?: Duration
    }
  | { readonly within?: undefined; readonly before: Duration; readonly after: Duration }

interface MoreJoinOptions {
  /** Which of these bounds do not match themselves. Default: both do. */
  readonly exclusive?: 'before' | 'after' | 'both'
  /**
   * A record takes part until the watermark of its partition has passed it by more than this. Later ones are
   * late. A record without a match waits as long before it goes out. Default 0.
   */
  readonly allowedLateness?: Duration
}

/** Options of `mapAsync`. */
export interface MapAsyncOptions extends Named {
  /**
   * Whether results have the order of the records in their task. Default true. False: each comes once it is
   * there; a watermark still does not overtake it.
   */
  readonly ordered?: boolean
  /**
   * How many calls of a task are in flight at most. While more records wait, no others are read. Default 100.
   */
  readonly capacity?: number
  /** A call that takes longer has failed. Default: it may take as long as it does. */
  readonly timeout?: Duration
  /** How often a call is made again that has failed. Default 0. */
  readonly retries?: number
  /** The time before the first of these, which doubles with each. Default 100 ms. */
  readonly backoff?: Duration
}
