/**
 * Something that happens once, and its listeners. It costs less than an `AbortSignal`, to which a server
 * would add a listener for each request.
 */
export class Latch {
  #isOpen = false
  readonly #listeners = new Set<() => void>()

  get isOpen(): boolean {
    return this.#isOpen
  }

  /** Calls all listeners, the first time. */
  open(): void {
    if (this.#isOpen) return
    this.#isOpen = true
    const listeners = [...this.#listeners]
    this.#listeners.clear()
    for (const listener of listeners) listener()
  }

  /** Calls `listener` once it opens; at once if it is open. Returns a function that withdraws it. */
  whenOpen(listener: () => void): () => void {
    if (this.#isOpen) {
      listener()
      return () => {}
    }
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }
}
