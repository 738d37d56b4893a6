/**
 * The appends of a writer that are not answered yet: its end waits for them, and in a transaction its commit.
 */
export class OpenAppends {
  #count = 0
  #ended: PromiseWithResolvers<void> | undefined

  began(): void {
    this.#count += 1
  }

  /** One has resolved or failed. */
  ended(): void {
    this.#count -= 1
    if (this.#count > 0 || !this.#ended) return
    this.#ended.resolve()
    this.#ended = undefined
  }

  /** Resolves when all have ended; undefined: none is open. */
  allEnded(): Promise<void> | undefined {
    return this.#count === 0 ? undefined : (this.#ended ??= Promise.withResolvers()).promise
  }
}
