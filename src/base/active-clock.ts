/**
 * Time in which this process could act. Time-outs of transactions, rebalances and idle partitions are
 * measured by it: a process may be stopped (SIGSTOP, a laptop asleep), or its event loop blocked. Time in
 * which nothing could be done must not count against anyone.
 *
 * The clock ticks every `stepMs`. A tick adds the time since the last one, but at most {@link lateStepsMax}
 * steps, however long the stall was. Between ticks time advances up to the same bound. It never goes
 * backwards.
 *
 * It ticks only while a timer is set or a caller {@link ActiveClock.hold holds} it. Its ticks do not keep the
 * process alive.
 */
import type { Clock, Timer } from './clock.ts'

/**
 * What one stall counts as, in steps. Two, not one: timers of a healthy loop come a little late, and that
 * time is real.
 */
export const lateStepsMax = 2

const stepMsDefault = 250

interface Waiting {
  readonly dueMs: number
  readonly callback: () => void
}

export class ActiveClock {
  readonly #clock: Pick<Clock, 'monotonic' | 'schedule'>
  readonly #stepMs: number
  readonly #waiting = new Set<Waiting>()
  #holders = 0
  #activeMs = 0
  #lastTickMs: number
  #tick: Timer | undefined
  /** When the tick that is set comes, by the clock underneath. */
  #tickAtMs = 0

  /**
   * `stepMs`: about how much of a stall counts. Default 250 ms, which is small beside the time-outs that it
   * measures.
   */
  constructor(clock: Pick<Clock, 'monotonic' | 'schedule'>, stepMs: number = stepMsDefault) {
    this.#clock = clock
    this.#stepMs = stepMs
    this.#lastTickMs = clock.monotonic()
  }

  /**
   * Active milliseconds, from an arbitrary start. While no caller holds the clock and no timer is set, it
   * stops after two steps.
   */
  monotonic(): number {
    const elapsedMs = this.#clock.monotonic() - this.#lastTickMs
    return this.#activeMs + Math.min(elapsedMs, lateStepsMax * this.#stepMs)
  }

  /** Calls `callback` once, after `delayMs` of active time. Does not keep the process alive. */
  schedule(delayMs: number, callback: () => void): Timer {
    const waiting = { dueMs: this.monotonic() + Math.max(0, delayMs), callback }
    this.#waiting.add(waiting)
    this.#setTick(delayMs)
    return { cancel: () => void this.#waiting.delete(waiting) }
  }

  /**
   * Keeps the clock ticking, so that {@link monotonic} can be compared over long waits. Ends with the timer's
   * `cancel`.
   */
  hold(): Timer {
    this.#holders += 1
    this.#setTick(this.#stepMs)
    let held = true
    return {
      cancel: () => {
        if (held) this.#holders -= 1
        held = false
      },
    }
  }

  /** A tick within `delayMs`, and within a step. One that is set and comes earlier is enough. */
  #setTick(delayMs: number): void {
    const nowMs = this.#clock.monotonic()
    const atMs = nowMs + Math.min(Math.max(delayMs, 0), this.#stepMs)
    if (this.#tick) {
      if (this.#tickAtMs <= atMs) return
      this.#tick.cancel()
    } else {
      // The clock had stopped: the time since the last tick counts only as far as it was shown.
      this.#activeMs = this.monotonic()
      this.#lastTickMs = nowMs
    }
    this.#tickAtMs = atMs
    this.#tick = this.#clock.schedule(atMs - nowMs, () => this.#onTick())
  }

  #onTick(): void {
    this.#tick = undefined
    this.#activeMs = this.monotonic()
    this.#lastTickMs = this.#clock.monotonic()
    let firstDueMs = Infinity
    const due: Waiting[] = []
    for (const waiting of this.#waiting)
      if (waiting.dueMs <= this.#activeMs) due.push(waiting)
      else firstDueMs = Math.min(firstDueMs, waiting.dueMs)
    for (const waiting of due.sort((a, b) => a.dueMs - b.dueMs))
      // An earlier timer may have cancelled it.
      if (this.#waiting.delete(waiting)) waiting.callback()
    if (this.#waiting.size > 0) this.#setTick(Math.ceil(firstDueMs - this.#activeMs))
    else if (this.#holders > 0) this.#setTick(this.#stepMs)
  }
}
