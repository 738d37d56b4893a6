/**
 * What a benchmark is: the same work done twice, by millrace and by something to compare it to, in one process and in turns, so that a machine that
 * drifts drifts for both. Its result is checked before its time counts.
 */

export interface Side {
  readonly name: string
  /** Does the work once. The result has to equal the other side's. */
  run(): Promise<unknown>
}

export interface Comparison {
  /** What is compared, with the durability of each side. */
  readonly name: string
  readonly records: number
  readonly ours: Side
  readonly theirs: Side
  /** The ratio of records/s that we want to reach. */
  readonly reach: number
}

export interface Benchmark {
  readonly name: string
  /** Makes the input; `dispose` removes it. */
  readonly prepare: (
    folder: string,
  ) => Promise<{ readonly comparisons: readonly Comparison[]; readonly dispose?: () => Promise<void> }>
}
