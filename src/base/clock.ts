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
  /** Calls `callback` once, `delayMs` from now. Does not keep the process alive on its own. */
  schedule(delayMs: number, callback: () => void): Timer
  /** Resolves after `delayMs`, or rejects with the signal's reason. Keeps the process alive. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>
  /** Lets timers, sockets and other tasks run: resolves in the next turn of the event loop. */
  yield(): Promise<void>
}

/** The machine's clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  schedule(delayMs, callback) {
    const timer = setTimeout(callback, delayMs)
    timer.unref()
    return { cancel: () => clearTimeout(timer) }
  },
  sleep(delayMs, signal) {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const onAbort = (): void => {
        clearTimeout(timer)
        reject(signal?.reason)
      }
      const timer = setTimeout(() => {
        signal?.removeEventListener('abort', onAbort)
        resolve()
      }, delayMs)
      signal?.addEventListener('abort', onAbort, { once: true })
    })
  },
  yield: () => new Promise(resolve => setImmediate(resolve)),
}
