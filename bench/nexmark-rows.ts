/** What equal results of a query have in common, in whatever order their rows come. */
import { crc32c } from '../src/base/index.ts'
import type { Row } from '../test/nexmark/topics.ts'

export interface RowsDigest {
  readonly rows: number
  readonly sum: number
}

/** Of all rows, or of the last one of each key. */
export class RowsDigester {
  readonly #keyOf: ((row: Row) => string | number) | undefined
  readonly #last = new Map<string | number, number>()
  #count = 0
  #sum = 0

  constructor(keyOf?: (row: Row) => string | number) {
    this.#keyOf = keyOf
  }

  add(row: Row): void {
    const sum = crc32c(Buffer.from(JSON.stringify(row)))
    if (this.#keyOf) {
      const key = this.#keyOf(row)
      this.#sum -= this.#last.get(key) ?? 0
      this.#last.set(key, sum)
    }
    this.#count += 1
    this.#sum += sum
  }

  result(): RowsDigest {
    return { rows: this.#keyOf ? this.#last.size : this.#count, sum: this.#sum }
  }
}
