/**
 * The entries of an index, back to back, in the form of its file, so that saving it is one write.
 *
 * An index is derived data. The entries of a file count up to the first invalid one, which also ends the
 * index before the zeros that Apache Kafka preallocates for an active segment. Missing entries are found by
 * reading the log.
 */
import { firstWhere } from '../../base/index.ts'

/** The initial room, in entries. */
const entriesAtFirst = 16

export class IndexEntries {
  readonly #entryBytes: number
  #buffer: Buffer
  #count = 0

  constructor(entryBytes: number, file: Buffer) {
    this.#entryBytes = entryBytes
    this.#buffer = file
  }

  get count(): number {
    return this.#count
  }

  /** The file's content, and room for more after it. */
  get buffer(): Buffer {
    return this.#buffer
  }

  /** The file's content. */
  get bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.#count * this.#entryBytes)
  }

  /** Adds the file's entries, as long as each fits those before it. */
  load(goesOn: (n: number) => boolean): void {
    const held = Math.floor(this.#buffer.length / this.#entryBytes)
    while (this.#count < held && goesOn(this.#count)) this.#count += 1
  }

  /** Adds an entry for the caller to write; returns its position in the buffer. */
  add(): number {
    const at = this.#count * this.#entryBytes
    if (at + this.#entryBytes > this.#buffer.length) {
      const grown = Buffer.allocUnsafeSlow(
        Math.max(entriesAtFirst * this.#entryBytes, this.#buffer.length * 2),
      )
      this.#buffer.copy(grown)
      this.#buffer = grown
    }
    this.#count += 1
    return at
  }

  /** The last entry before the first one for which `isReached` holds; -1 if that is the first of all. */
  lastBefore(isReached: (n: number) => boolean): number {
    return firstWhere(this.#count, isReached) - 1
  }
}
