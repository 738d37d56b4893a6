/** Decodes the keys and values of a batch at a time into arrays that are used again for the next one. */
import type { FetchedBatch } from '../port/index.ts'
import type { Codec, Malformed, Slices } from '../schema/index.ts'
import type { RecordHeader } from '../wire/index.ts'
import { noHeaders } from './record.ts'

/** A batch in columns: entry i of each array belongs to record i. */
export class DecodedBatch<K, V> {
  readonly keys: (K | null | Malformed)[] = []
  readonly values: (V | null | Malformed)[] = []
  readonly timestamps: number[] = []
  readonly offsets: number[] = []
  readonly headers: (readonly RecordHeader[])[] = []
  count = 0

  readonly #keySlices: Slices = emptySlices()
  readonly #valueSlices: Slices = emptySlices()
  readonly #key: Pick<Codec<K>, 'decode'>
  readonly #value: Pick<Codec<V>, 'decode'>

  constructor(key: Pick<Codec<K>, 'decode'>, value: Pick<Codec<V>, 'decode'>) {
    this.#key = key
    this.#value = value
  }

  load({ batch, firstOffset }: FetchedBatch): void {
    const keys = this.#keySlices
    const values = this.#valueSlices
    const cursor = batch.records()
    reserve(keys, batch.count)
    reserve(values, batch.count)
    let count = 0
    while (cursor.next()) {
      if (cursor.offset < firstOffset) continue
      keys.starts[count] = cursor.keyStart
      keys.ends[count] = cursor.keyEnd
      values.starts[count] = cursor.valueStart
      values.ends[count] = cursor.valueEnd
      this.timestamps[count] = cursor.timestamp
      this.offsets[count] = cursor.offset
      this.headers[count] = cursor.headerCount === 0 ? noHeaders : cursor.headers()
      count += 1
    }
    keys.bytes = values.bytes = cursor.bytes
    keys.count = values.count = this.count = count
    this.#key.decode(keys, this.keys)
    this.#value.decode(values, this.values)
  }

  /** The record's own bytes, for a dead letter. */
  rawKey(index: number): Uint8Array | null {
    return slice(this.#keySlices, index)
  }

  rawValue(index: number): Uint8Array | null {
    return slice(this.#valueSlices, index)
  }
}

function emptySlices(): Slices {
  return { bytes: new Uint8Array(0), count: 0, starts: new Int32Array(0), ends: new Int32Array(0) }
}

function reserve(slices: Slices, count: number): void {
  if (slices.starts.length >= count) return
  slices.starts = new Int32Array(count)
  slices.ends = new Int32Array(count)
}

function slice({ bytes, starts, ends }: Slices, index: number): Uint8Array | null {
  const start = starts[index] as number
  return start < 0 ? null : bytes.subarray(start, ends[index])
}
