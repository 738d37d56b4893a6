/** A bell: it wakes what waits for something to do. One that rang before is heard by the next who waits, so none is missed; some are heard twice. */
export class Bell {
  #rung = false
  #wake: (() => void) | undefined

  ring(): void {
    this.#rung = true
    this.#wake?.()
  }

  /** Resolves when it rings; at once if it has rung since the last answer that came at once. One caller at a time. */
  heard(): Promise<void> {
    if (this.#rung) {
      this.#rung = false
      return Promise.resolve()
    }
    return new Promise(resolve => {
      this.#wake = resolve
    })
  }
}
