/** How many records, or rows, are done between two looks at the clock: fitted to what they take. */
export class Step {
  readonly #sizeMax: number
  readonly #ms: number
  size = 1

  constructor(sizeMax: number, ms: number) {
    this.#sizeMax = sizeMax
    this.#ms = ms
  }

  /** `count` were done in `tookMs`. */
  took(count: number, tookMs: number): void {
    const fitting = tookMs > 0 ? Math.floor((count * this.#ms) / tookMs) : this.#sizeMax
    // Grows step by step: one that was cheap says little of the next.
    this.size = Math.max(1, Math.min(fitting, this.size * 2, this.#sizeMax))
  }
}
