/** The callers that wait for the next change of a partition, each for one. */
export class AdvanceListeners {
  #waiting = new Set<() => void>()

  /** Calls `listener` at the next change, once. Returns a function that withdraws it. */
  add(listener: () => void): () => void {
    this.#waiting.add(listener)
    return () => this.#waiting.delete(listener)
  }

  notify(): void {
    if (this.#waiting.size === 0) return
    const woken = this.#waiting
    // A listener may wait again.
    this.#waiting = new Set()
    for (const listener of woken) listener()
  }
}
