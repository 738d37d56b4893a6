/**
 * The seam for time: everything that waits or asks for the time gets a {@link Clock}, so that a simulated one
 * (`testing/virtual-clock`) can drive a whole run.
 */

/** A pending call of {@link Clock.schedule}; cancelling one that ran or was cancelled does nothing. */
export interface Timer {
  cancel(): void
}

export interface Clock {
  /** Wall time in milliseconds since the epoch. May go backwards. */
  now(): number
  /** Milliseconds from an arbitrary start; never goes backwards. For intervals and timeouts. */
  monotonic(): number
  /**
   * Calls `callback` once, `delayMs` from now, however long that is; Infinity: never. Does not keep the
   * process alive on its own.
   */
  schedule(delayMs: number, callback: () => void): Timer
  /**
   * Resolves after `delayMs`, however long that is, or rejects with the signal's reason. Keeps the process
   * alive.
   */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>
  /** Lets timers, sockets and other tasks run: resolves in the next turn of the event loop. */
  yield(): Promise<void>
}

/** The longest delay of a timer of Node's; a longer one would come after a millisecond. */
const timerMsMax = 2 ** 31 - 1

/** A timer with any delay: a long one is set again and again. */
function after(delayMs: number, callback: () => void, keepsAlive: boolean): Timer {
  let timer: NodeJS.Timeout
  const set = (leftMs: number): void => {
    const stepMs = Math.min(leftMs, timerMsMax)
    timer = setTimeout(() => (stepMs < leftMs ? set(leftMs - stepMs) : callback()), stepMs)
    if (!keepsAlive) timer.unref()
  }
  // What is due already: Node warns of a negative delay.
  set(Math.max(0, delayMs))
  return { cancel: () => clearTimeout(timer) }
}

/** The machine's clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  schedule: (delayMs, callback) => after(delayMs, callback, false),
  sleep(delayMs, signal) {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const onAbort = (): void => {
        timer.cancel()
        reject(signal?.reason)
      }
      const elapsed = (): void => {
        signal?.removeEventListener('abort', onAbort)
        resolve()
      }
      const timer = after(delayMs, elapsed, true)
      signal?.addEventListener('abort', onAbort, { once: true })
    })
  },
  yield: () => new Promise(resolve => setImmediate(resolve)),
}
