/**
 * A clock that moves only when told to. Timers run in time order, ties in the order in which they were set.
 */
import type { Clock, Timer } from '../base/index.ts'

/** A clock that a test moves. */
export interface VirtualClock extends Clock {
  /**
   * Lets `ms` pass: every timer due meanwhile runs, at its time, and the tasks that it wakes get their turn.
   */
  advance(ms: number): Promise<void>
  /** Time passes while the event loop is blocked, as in a long function: timers due meanwhile run later. */
  block(ms: number): void
  /** Timers that are set. */
  readonly pending: number
}

interface Scheduled {
  readonly at: number
  readonly order: number
  readonly callback: () => void
}

/** Turns of the event loop that a moment gets to settle: promises, and the I/O of a simulated disk. */
const turnsPerMoment = 6

/**
 * A clock that moves only when told to, from `startMs` on: for `startBroker`, `virtualClock(Date.now())`,
 * since Kafka's clients stamp their records with the time of the machine.
 */
export function virtualClock(startMs = 0): VirtualClock {
  let elapsed = 0
  let order = 0
  const scheduled = new Set<Scheduled>()
  const turn = (): Promise<void> => new Promise(resolve => setImmediate(resolve))
  const schedule = (delayMs: number, callback: () => void): Timer => {
    const entry: Scheduled = { at: elapsed + Math.max(0, delayMs), order: order++, callback }
    scheduled.add(entry)
    return { cancel: () => void scheduled.delete(entry) }
  }
  return {
    // Whole, as Date.now: a simulated network lets parts of milliseconds pass.
    now: () => Math.floor(startMs + elapsed),
    monotonic: () => elapsed,
    schedule,
    sleep: (delayMs, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason as Error)
        const onAbort = (): void => {
          timer.cancel()
          reject(signal?.reason as Error)
        }
        const timer = schedule(delayMs, () => {
          signal?.removeEventListener('abort', onAbort)
          resolve()
        })
        signal?.addEventListener('abort', onAbort, { once: true })
      }),
    // Yielding to others takes no time.
    yield: turn,
    async advance(ms) {
      const until = elapsed + ms
      for (;;) {
        for (let n = 0; n < turnsPerMoment; n += 1) await turn()
        let next: Scheduled | undefined
        for (const entry of scheduled)
          if (
            entry.at <= until &&
            (!next || entry.at < next.at || (entry.at === next.at && entry.order < next.order))
          )
            next = entry
        if (!next) break
        scheduled.delete(next)
        elapsed = Math.max(elapsed, next.at)
        next.callback()
      }
      elapsed = Math.max(elapsed, until)
    },
    block(ms) {
      elapsed += ms
    },
    get pending() {
      return scheduled.size
    },
  }
}
