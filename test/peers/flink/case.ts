/** An operator with its input, as data, so that it runs in millrace and in Apache Flink. */

export type Case = (WindowsCase | TimersCase | IntervalJoinCase) & {
  /** How far a timestamp may be behind the largest one before it. */
  readonly outOfOrderness: number
  readonly inputs: readonly Input[]
}

/** Sums by key in windows of event time. */
export interface WindowsCase {
  readonly operator: 'windows'
  readonly kind: 'tumbling' | 'hopping' | 'session' | 'dynamic session'
  /** Of a session: the gap. In a dynamic session it is twice that after an odd value. */
  readonly size: number
  /** Of hopping windows. */
  readonly advance: number
  readonly offset: number
  readonly lateness: number
  readonly emit: 'final' | { readonly early: number } | { readonly everyRecords: number }
}

/**
 * A function that sums the values of a key. Each record moves the key's timer to its value in ms after its
 * time; when it fires, the sum goes out, and is 0 again.
 */
export interface TimersCase {
  readonly operator: 'timers'
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

export interface Input {
  /** The stream; operators with one input take all records. */
  readonly side: 'left' | 'right'
  readonly key: string
  readonly value: number
  readonly timestamp: number
}

/** What an input, and the watermark of all streams after it, give. */
export interface Answer {
  /** `key [start,end] sum @timestamp`, in order; without a window for timers. `end` is the last instant. */
  readonly results: readonly string[]
  /** The late records, as `key value @timestamp`. */
  readonly late: readonly string[]
}
