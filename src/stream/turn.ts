/**
 * A turn of the event loop: how much an instance does before timers, sockets and heartbeats get theirs, and before a commit can happen.
 *
 * A turn is bounded by records and by time. The clock is read once per step, and a step has as many records as
 * take about a millisecond: 64 where records are cheap, one where each takes longer than that.
 */

/** Records of one turn. */
const turnRecordsMax = 2048
/** Milliseconds of one turn; the last record may take it past them. */
const turnMsMax = 10
/** Records between two looks at the clock. */
const stepRecordsMax = 64
/** What a step is made to take. */
const stepMs = 1

export class Turn {
  #records = 0
  #startedAt = 0
  #step = 1

  /** How many records to run before {@link ran} is called. */
  get step(): number {
    return this.#step
  }

  /** A turn begins. `now`: monotonic, in ms, here and below. */
  begin(now: number): void {
    this.#records = 0
    this.#startedAt = now
  }

  /** A step of `records` took from `since` to `now`. */
  ran(records: number, since: number, now: number): void {
    this.#records += records
    const tookMs = now - since
    const fitting = tookMs > 0 ? Math.floor((records * stepMs) / tookMs) : stepRecordsMax
    // Grows step by step: one cheap record says little of the next.
    this.#step = Math.max(1, Math.min(fitting, this.#step * 2, stepRecordsMax))
  }

  /** Whether the event loop is to turn. */
  isOver(now: number): boolean {
    return this.#records >= turnRecordsMax || now - this.#startedAt >= turnMsMax
  }
}
