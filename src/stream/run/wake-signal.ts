/**
 * Wakes a loop that waits for work. A signal before a wait is kept for the next wait, so no signal is missed.
 * A wait may end once too often.
 */
export class WakeSignal {
  #isSet = false
  #resume: (() => void) | undefined

  wake(): void {
    this.#isSet = true
    this.#resume?.()
  }

  /**
   * Resolves at the next signal. Resolves at once if there was a signal since the last wait that resolved at
   * once. Only one caller may wait at a time.
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
