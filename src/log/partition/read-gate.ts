/** Lets reads of a partition through, except while files change places under them. */
export class ReadGate {
  #reads = 0
  #opened: Promise<void> | undefined
  #drained: (() => void) | undefined

  async read<T>(action: () => Promise<T>): Promise<T> {
    while (this.#opened) await this.#opened
    this.#reads += 1
    try {
      return await action()
    } finally {
      this.#reads -= 1
      if (this.#reads === 0) this.#drained?.()
    }
  }

  /** Runs `action` when the present reads have ended, and holds new ones back until it has. */
  async exclusively<T>(action: () => Promise<T>): Promise<T> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#opened = promise
    try {
      if (this.#reads > 0)
        await new Promise<void>(drained => {
          this.#drained = drained
        })
      return await action()
    } finally {
      this.#drained = undefined
      this.#opened = undefined
      resolve()
    }
  }
}
