/**
 * The bytes themselves. Decoded values are views of the batch. Copy a value that is kept for long: otherwise
 * it holds the whole batch in memory.
 */
import type { Serde } from './serde.ts'

/** Encoding throws TypeError unless the value is a Uint8Array. */
export const bytesSerde: Serde<Uint8Array> = {
  name: 'bytes',
  encode(value) {
    if (!(value instanceof Uint8Array)) throw new TypeError(`expected a Uint8Array, got ${typeof value}`)
    return value
  },
  decode(slices, into) {
    const { bytes, count, starts, ends } = slices
    for (let i = 0; i < count; i++) {
      const start = starts[i]!
      into[i] = start < 0 ? null : bytes.subarray(start, ends[i])
    }
  },
}
