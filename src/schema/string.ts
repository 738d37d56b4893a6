/** Plain UTF-8 text, as every Kafka client writes a string. So other languages choose the same partitions. */
import { bufferOf } from '../base/index.ts'
import { Interner } from './intern.ts'
import type { Serde } from './serde.ts'

const interner = new Interner()

/**
 * Encoding throws TypeError unless the value is a string that UTF-8 can hold (without half a surrogate pair).
 */
export const stringSerde: Serde<string> = {
  name: 'string',
  encode(value) {
    if (typeof value !== 'string') throw new TypeError(`expected a string, got ${typeof value}`)
    if (!value.isWellFormed()) throw new TypeError('half a surrogate pair cannot be written as UTF-8')
    return value
  },
  decode(slices, into) {
    const { count, starts, ends } = slices
    const buffer = bufferOf(slices.bytes)
    const view = new DataView(buffer.buffer, buffer.byteOffset, buffer.length)
    for (let i = 0; i < count; i++) {
      const start = starts[i]!
      into[i] = start < 0 ? null : interner.text(buffer, view, start, ends[i]!)
    }
  },
}
