/**
 * Decodes fetched batches into typed records, a batch at a time: one pass finds where keys and values lie, then each codec decodes all of
 * them together.
 */
import type { Codec, Malformed, Slices } from '../schema/index.ts'
import type { RecordHeader } from '../wire/index.ts'
import type { FetchedBatch } from './log-port.ts'

/** The reading half of a codec. */
export type Decoder<T> = Pick<Codec<T, unknown>, 'where' | 'decode'>

const noHeaders: readonly RecordHeader[] = []

/** The records of one batch, column by column. Reused: valid until the next {@link BatchDecoder.decode}. */
export class BatchDecoder<K, V> {
  readonly keys: (K | null | Malformed)[] = []
  readonly values: (V | null | Malformed)[] = []
  readonly headers: (readonly RecordHeader[])[] = []
  offsets: Float64Array = new Float64Array(0)
  timestamps: Float64Array = new Float64Array(0)
  readonly #key: Decoder<K>
  readonly #value: Decoder<V>
  #keySlices = slices(0)
  #valueSlices = slices(0)

  constructor(key: Decoder<K>, value: Decoder<V>) {
    this.#key = key
    this.#value = value
  }

  /**
   * Decodes the records that are wanted: those from `firstOffset` on. Returns how many; what cannot be read stands among them as a Malformed.
   * CORRUPT_BATCH, UNSUPPORTED_FORMAT, LIMIT_EXCEEDED for a batch that cannot be read at all.
   */
  decode({ batch, firstOffset }: FetchedBatch): number {
    this.#reserve(batch.count)
    const { offsets, timestamps, headers } = this
    const keys = this.#keySlices
    const values = this.#valueSlices
    const cursor = batch.records()
    let count = 0
    while (cursor.next()) {
      if (cursor.offset < firstOffset) continue
      offsets[count] = cursor.offset
      timestamps[count] = cursor.timestamp
      keys.starts[count] = cursor.keyStart
      keys.ends[count] = cursor.keyEnd
      values.starts[count] = cursor.valueStart
      values.ends[count] = cursor.valueEnd
      headers[count] = cursor.headerCount === 0 ? noHeaders : cursor.headers()
      count += 1
    }
    keys.bytes = values.bytes = cursor.bytes
    keys.count = values.count = count
    this.#key.decode(keys, this.keys)
    this.#value.decode(values, this.values)
    return count
  }

  #reserve(count: number): void {
    if (count <= this.offsets.length) return
    this.offsets = new Float64Array(count)
    this.timestamps = new Float64Array(count)
    this.#keySlices = slices(count)
    this.#valueSlices = slices(count)
  }
}

function slices(count: number): Slices {
  return { bytes: new Uint8Array(0), count: 0, starts: new Int32Array(count), ends: new Int32Array(count) }
}
