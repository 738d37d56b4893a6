/** Operations that must not overlap. */

/**
 * Runs operations one after the other, in the order in which they are given. A failed one does not stop the
 * next.
 */
export class SerialQueue {
  #last: Promise<unknown> = Promise.resolve()

  /** Ends as `operation` does. */
  run<T>(operation: () => Promise<T>): Promise<T> {
    const result = this.#last.then(operation)
    this.#last = result.catch(() => undefined)
    return result
  }

  /** Resolves when everything given so far has ended, however it did. */
  async idle(): Promise<void> {
    await this.#last
  }
}
