/** An operator with its input, as data, so that it runs in millrace and in Apache Flink. */

export type Case = OperatorCase & {
  /** How far a timestamp may be behind the largest one before it. */
  readonly outOfOrderness: number
  readonly inputs: readonly Input[]
  /** The wall clock moves by so many ms after the last input: all that waits for it is over. */
  readonly pauseAtEnd: number
}

export type OperatorCase =
  | WindowsCase
  | CoGroupCase
  | IntervalJoinCase
  | TimersCase
  | ExpiringCase
  | ConnectedCase
  | BroadcastCase

/** Windows of keys. */
export interface InWindows {
  readonly kind: 'tumbling' | 'hopping' | 'session' | 'dynamic session' | 'global'
  readonly time: 'event' | 'processing'
  /** Of a session: the gap. In a dynamic session it is twice that after an odd value. */
  readonly size: number
  /** Of hopping windows. */
  readonly advance: number
  readonly offset: number
  readonly lateness: number
}

/** Sums by key and window. */
export interface WindowsCase extends InWindows {
  readonly operator: 'windows'
  readonly emit:
    | 'final'
    | { readonly early: number; readonly time: 'event' | 'processing' }
    | { readonly everyRecords: number }
  readonly panes: 'accumulating' | 'discarding'
}

/** The values of both sides in a window, as lists, or each of the left ones with each of the right ones. */
export interface CoGroupCase extends InWindows {
  readonly operator: 'co-group'
  readonly gives: 'lists' | 'pairs'
  readonly emit: 'final'
}

/**
 * A function that sums the values of a key. Each record moves the key's timer to its value in ms after its
 * time, or after the wall clock; when it fires, the sum goes out, and is 0 again.
 */
export interface TimersCase {
  readonly operator: 'timers'
  readonly time: 'event' | 'processing'
}

/**
 * A function that counts the records of a key, and those of a kind, and lists their values, in states that
 * live so many ms of the wall clock after each write.
 */
export interface ExpiringCase {
  readonly operator: 'expiring'
  readonly ttl: number
}

/** Pairs of a left and a right record of a key, which is so long before it or after it at most. */
export interface IntervalJoinCase {
  readonly operator: 'interval join'
  readonly bounds: {
    /** Less than 0: the pair is later. */
    readonly before: number
    readonly after: number
    /** The bound that does not count itself. */
    readonly exclusive?: 'before' | 'after' | 'both'
  }
}

/**
 * A function with two inputs, and states of each kind. The left records of a key are priced by its last right
 * one. Those without a price wait for one until the time of the last of them is over.
 */
export interface ConnectedCase {
  readonly operator: 'connected'
}

/**
 * A function that has the right records as rules in every task; a multiple of 5 takes the rule of its key
 * back. A left record names the rules that it is above.
 */
export interface BroadcastCase {
  readonly operator: 'broadcast'
}

export interface Input {
  /** The stream; operators with one input take all records. */
  readonly side: 'left' | 'right'
  readonly key: string
  readonly value: number
  readonly timestamp: number
  /** The wall clock moves by so many ms before the record. */
  readonly pause: number
}

/** What an input, and the watermark of all streams after it, give. */
export interface Answer {
  /** `key: [start,end] sum @timestamp`, in order; functions have no window. `end` is the last instant. */
  readonly results: readonly string[]
  /** The late records, as `key: value @timestamp`. */
  readonly late: readonly string[]
}
