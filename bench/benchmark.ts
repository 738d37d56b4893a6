/**
 * A benchmark: one piece of work, done by several sides over the same input, in one process and in turns, so
 * that a drifting machine affects all of them. The results are compared before any time counts.
 */

/** One way of doing the work. */
export interface Side {
  /** A description of the work, with its durability. */
  readonly name: string
  /** Does the work once. This is timed. */
  run(): Promise<void>
  /** The result of the last run, which must equal that of every other side. Not timed. */
  result(): Promise<unknown>
  /** Lets go of the result, whose memory would otherwise burden the garbage collection of the next side. */
  release?(): void
  /** What a person should know of the runs, beside their time. */
  note?(): string
}

/** A row of the table: one side against another. */
export interface Comparison {
  readonly name: string
  readonly ours: Side
  readonly theirs: Side
  /** The target of the ratio, of records per CPU second: that separates cost from waiting. */
  readonly reach: number
}

/** The sides of all comparisons do the same work on `records` records. */
export interface Workload {
  readonly records: number
  readonly comparisons: readonly Comparison[]
}

/** Work that must hold the same memory however often it is repeated. */
export type Flat = Pick<Side, 'name' | 'run'>

export interface Benchmark {
  readonly name: string
  /** Makes the input in `folder`, which is removed afterwards. */
  readonly prepare: (folder: string) => Promise<{
    readonly workloads: readonly Workload[]
    readonly flat?: readonly Flat[]
    readonly dispose: () => Promise<void>
  }>
}
