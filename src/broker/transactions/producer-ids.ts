/**
 * Gives out producer ids. The metadata file marks a block of them as used before the first one is given out:
 * no id is given twice, whatever happens in between.
 */
import type { MetadataFile } from '../internal/metadata.ts'

const blockSize = 1000

export class ProducerIds {
  readonly #metadata: MetadataFile
  #next = 0
  #blockEnd = 0
  #claiming: Promise<void> | undefined

  constructor(metadata: MetadataFile) {
    this.#metadata = metadata
  }

  /** No producer has this id or a greater one, as far as the metadata file tells. */
  get unused(): number {
    return this.#metadata.current.nextProducerId
  }

  async next(): Promise<number> {
    while (this.#next === this.#blockEnd) await (this.#claiming ??= this.#claim())
    return this.#next++
  }

  /**
   * Never gives out `producerId` or a smaller one: the log uses it, and the metadata file may be an older
   * copy.
   */
  async skipPast(producerId: number): Promise<void> {
    if (producerId < this.#metadata.current.nextProducerId) return
    await this.#metadata.update(metadata => ({ ...metadata, nextProducerId: producerId + 1 }))
  }

  async #claim(): Promise<void> {
    try {
      let start = 0
      await this.#metadata.update(metadata => {
        start = metadata.nextProducerId
        return { ...metadata, nextProducerId: start + blockSize }
      })
      this.#next = start
      this.#blockEnd = start + blockSize
    } finally {
      this.#claiming = undefined
    }
  }
}
