/** What happened in a simulation. One in which nothing happens proves nothing. */
export interface Progress {
  /** Records that were safe, and were checked after a process ended. */
  safe: number
  /** … and that were not safe, and were lost. */
  lost: number
  duplicates: number
  refused: number
  aborted: number
  deleted: number
  /** Records that retention has taken. */
  expired: number
  /** Records that were read … */
  shown: number
  /** … and those that were not there any more: compaction has removed them. */
  removed: number
  passes: number
  cutShort: number
}

export const nothingYet: Progress = {
  safe: 0,
  lost: 0,
  duplicates: 0,
  refused: 0,
  aborted: 0,
  deleted: 0,
  expired: 0,
  shown: 0,
  removed: 0,
  passes: 0,
  cutShort: 0,
}
