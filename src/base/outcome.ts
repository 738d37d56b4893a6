/**
 * The outcome of started work that its starter may or may not watch.
 *
 * A failure that nobody watches is loud: Node reports it as an unhandled rejection and ends the process. A
 * caller that has taken the outcome must await it, now or later.
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
    // No handler may be attached to the outcome itself: it would make each failure silent.
    this.#outcome = (async () => {
      try {
        return await work()
      } finally {
        resolve()
      }
    })()
  }

  /** The result of the work. From now on the caller watches it. */
  take(): Promise<T> {
    if (!this.#taken) {
      this.#taken = true
      this.#outcome.catch(() => {})
    }
    return this.#outcome
  }
}
