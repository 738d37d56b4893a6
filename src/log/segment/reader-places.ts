/** Where readers of a segment are: one that continues finds its batch without the index. */

/** So many are remembered. */
const placesMax = 64

export class ReaderPlaces {
  /** Positions of batches by their first offset. */
  readonly #positions = new Map<number, number>()

  positionOf(offset: number): number | undefined {
    return this.#positions.get(offset)
  }

  remember(offset: number, position: number): void {
    if (this.#positions.size >= placesMax) {
      const [oldest] = this.#positions.keys()
      this.#positions.delete(oldest!)
    }
    this.#positions.set(offset, position)
  }
}
