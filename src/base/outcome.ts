/**
 * The outcome of work that was started and that its starter may or may not watch.
 *
 * A failure that nobody watches is loud: Node reports it as an unhandled rejection and ends the process. Once
 * somebody has taken the outcome, it is theirs to await, now or later.
 */
export class Outcome<T> {
  /** Resolves when the work has ended, whichever way. */
  readonly ended: Promise<void>
  readonly #outcome: Promise<T>
  #taken = false

  /** Starts the work. */
  constructor(work: () => Promise<T>) {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.ended = promise
    // Nothing may be attached to the outcome itself: a handler of our own would make each failure silent.
    this.#outcome = (async () => {
      try {
        return await work()
      } finally {
        resolve()
      }
    })()
  }

  /** What the work comes to; from now on the caller watches it. */
  take(): Promise<T> {
    if (!this.#taken) {
      this.#taken = true
      this.#outcome.catch(() => {})
    }
    return this.#outcome
  }
}
