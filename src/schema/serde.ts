/**
 * Serdes turn keys and values into bytes and back.
 *
 * Decoding takes a whole batch of records at a time, so that a compiled decoder can replace a generic one. A
 * malformed entry does not stop the batch: it becomes a {@link Malformed} in the result, and the reader
 * applies the topic's policy to it.
 */

/** Where the keys, or the values, of a batch of records lie in its bytes. Reused from batch to batch. */
export interface Slices {
  bytes: Uint8Array
  count: number
  /** Start of each entry; -1 for null. */
  starts: Int32Array
  /** End (exclusive) of each entry. */
  ends: Int32Array
}

/** The result of an entry that a serde could not read. */
export class Malformed {
  readonly reason: string

  constructor(reason: string) {
    this.reason = reason
  }
}

export interface Serde<T> {
  /** A short name for messages and descriptions, as `json` or `string`. */
  readonly name: string
  /** The bytes as text (written as UTF-8) or as bytes. Null is never passed: it is the record's own null. */
  encode(value: T): string | Uint8Array
  /**
   * Decodes entries 0 to count - 1 into `into`. Null stays null; an unreadable entry becomes a {@link
   * Malformed}. The bytes are lent for this call: what is decoded must not be a view of them.
   */
  decode(slices: Slices, into: (T | null | Malformed)[]): void
}
