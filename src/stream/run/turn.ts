/**
 * A turn of the event loop: how much an instance does before timers, sockets and heartbeats get theirs, and
 * before a commit can happen.
 *
 * A turn is bounded by records and by time. The clock is read once per step. A step takes a few milliseconds:
 * many records if they are cheap, one record if each takes longer than that.
 */
import { Step } from './step.ts'

/** The most records, or rows that fire, of one turn. */
const turnRecordsMax = 2048
/** The most milliseconds of one turn; the last step may exceed them. */
const turnMsMax = 10

export class Turn {
  #records = 0
  #startedAt = 0
  readonly #step = new Step(64, 1)
  readonly #firing = new Step(256, 5)

  /** How many records to run before {@link ran} is called. */
  get records(): number {
    return this.#step.size
  }

  /** How many rows a task may fire before {@link fired} is called. */
  get rows(): number {
    return this.#firing.size
  }

  /** A turn begins. `now`: monotonic, in ms, here and below. */
  begin(now: number): void {
    this.#records = 0
    this.#startedAt = now
  }

  /** A step of `records` took from `since` to `now`. */
  ran(records: number, since: number, now: number): void {
    this.#records += records
    this.#step.took(records, now - since)
  }

  /** The number of rows that {@link rows} gave took from `since` to `now`. */
  fired(since: number, now: number): void {
    this.#records += this.#firing.size
    this.#firing.took(this.#firing.size, now - since)
  }

  /** Whether the event loop should turn. */
  isOver(now: number): boolean {
    return this.#records >= turnRecordsMax || now - this.#startedAt >= turnMsMax
  }
}
