/**
 * What a benchmark is: one piece of work, done by several sides over the same input, in one process and in
 * turns, so that a machine that drifts drifts for all of them. What they bring out is compared before any
 * time counts.
 */

/** One way of doing the work. */
export interface Side {
  /** What it does, with its durability. */
  readonly name: string
  /** Does the work once: this is what is timed. */
  run(): Promise<void>
  /** What the last run brought out, which has to equal that of every other side. Not timed. */
  result(): Promise<unknown>
}

/** A row of the table: one side against another. */
export interface Comparison {
  readonly name: string
  readonly ours: Side
  readonly theirs: Side
  /**
   * What the ratio is of: records per second, or records per CPU second, which tells a cost apart from
   * waiting.
   */
  readonly by: 'seconds' | 'cpu'
  /** The ratio that we want to reach. */
  readonly reach: number
}

/** The sides of all comparisons do the same work on `records` records. */
export interface Workload {
  readonly records: number
  readonly comparisons: readonly Comparison[]
}

export interface Benchmark {
  readonly name: string
  /** Makes the input in `folder`, which is removed afterwards. */
  readonly prepare: (
    folder: string,
  ) => Promise<{ readonly workloads: readonly Workload[]; readonly dispose: () => Promise<void> }>
}
