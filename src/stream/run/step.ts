/**
 * How many records, or rows, are processed between two reads of the clock: fitted to the time that they take.
 */
export class Step {
  readonly #sizeMax: number
  readonly #ms: number
  size = 1

  constructor(sizeMax: number, ms: number) {
    this.#sizeMax = sizeMax
    this.#ms = ms
  }

  /** `count` records or rows took `tookMs`. */
  took(count: number, tookMs: number): void {
    const fitting = tookMs > 0 ? Math.floor((count * this.#ms) / tookMs) : this.#sizeMax
    // Grows step by step: a cheap step says little about the next one.
    this.size = Math.max(1, Math.min(fitting, this.size * 2, this.#sizeMax))
  }
}
