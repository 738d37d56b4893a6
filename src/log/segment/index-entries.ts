/**
 * Entries of one size back to back: what an index holds, in the form of its file, so that saving it is
 * writing it.
 *
 * An index is derived data. Of a file's entries those count that make sense, up to the first that does not:
 * that also ends the index before the zeros that Apache Kafka preallocates in the file of an active segment.
 * What is missing then is found by reading the log.
 */
import { firstWhere } from '../../base/index.ts'

/** Room for so many entries is made first. */
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

  /** What the file holds, and behind it room for more. */
  get buffer(): Buffer {
    return this.#buffer
  }

  /** What the file holds. */
  get bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.#count * this.#entryBytes)
  }

  /** Counts the file's entries in, as long as each goes with those before it. */
  load(goesOn: (n: number) => boolean): void {
    const held = Math.floor(this.#buffer.length / this.#entryBytes)
    while (this.#count < held && goesOn(this.#count)) this.#count += 1
  }

  /** Counts one more entry, for the caller to write: gives its position in the buffer. */
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

  /** The last entry before the one at which `isReached` holds first; -1 where that is the first of all. */
  lastBefore(isReached: (n: number) => boolean): number {
    return firstWhere(this.#count, isReached) - 1
  }
}
