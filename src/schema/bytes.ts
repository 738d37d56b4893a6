/**
 * The bytes themselves. What decoding gives are views of the batch: copy what is kept for long, so that it
 * does not hold the whole batch.
 */
import type { Serde } from './serde.ts'

/** Encoding throws TypeError for what is not a Uint8Array. */
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
