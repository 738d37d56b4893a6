/**
 * The bytes themselves. Decoded values are the caller's own: the bytes of a batch are lent, and overwritten
 * by a later one. The values of a batch share one copy, so a value that is kept for long keeps the others.
 */
import { bufferOf } from '../base/index.ts'
import type { Serde } from './serde.ts'

/** Encoding throws TypeError unless the value is a Uint8Array. */
export const bytesSerde: Serde<Uint8Array> = {
  name: 'bytes',
  encode(value) {
    if (!(value instanceof Uint8Array)) throw new TypeError(`expected a Uint8Array, got ${typeof value}`)
    return value
  },
  decode(slices, into) {
    const { count, starts, ends } = slices
    const bytes = bufferOf(slices.bytes)
    let total = 0
    for (let i = 0; i < count; i++) if (starts[i]! >= 0) total += ends[i]! - starts[i]!
    const own = Buffer.allocUnsafeSlow(total)
    let at = 0
    for (let i = 0; i < count; i++) {
      const start = starts[i]!
      if (start < 0) {
        into[i] = null
        continue
      }
      const end = at + bytes.copy(own, at, start, ends[i])
      into[i] = own.subarray(at, end)
      at = end
    }
  },
}
