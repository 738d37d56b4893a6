/**
 * Wakes a loop that waits for work. A signal before the wait is kept for the next one, so none is missed; a
 * wait may end once too often.
 */
export class WakeSignal {
  #isSet = false
  #resume: (() => void) | undefined

  wake(): void {
    this.#isSet = true
    this.#resume?.()
  }

  /**
   * Resolves at the next signal; at once if there was one since the last wait that resolved at once. One
   * caller at a time.
   */
  wait(): Promise<void> {
    if (this.#isSet) {
      this.#isSet = false
      return Promise.resolve()
    }
    return new Promise(resolve => {
      this.#resume = resolve
    })
  }
}
