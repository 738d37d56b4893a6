/**
 * A fetched batch in columns: one pass finds where keys and values lie, then each codec decodes all of them
 * together. The columns are reused for the next batch, so that only the codecs allocate for a record.
 */
import type { Codec, Malformed, Slices } from '../../schema/index.ts'
import { ownedHeader, type RecordHeader } from '../../wire/index.ts'
import type { FetchedBatch } from '../log-port.ts'

/** The reading half of a codec. */
export type Decoder<T> = Pick<Codec<T, unknown>, 'decode'>

const noHeaders: readonly RecordHeader[] = []

/**
 * Entry i of each column belongs to record i, up to {@link count}: a column may be longer. Valid until the
 * next {@link load} or {@link release}. Entries do not refer to the fetched batch: they may be kept longer
 * than it is valid.
 */
export class DecodedBatch<K, V> {
  readonly keys: (K | null | Malformed)[] = []
  readonly values: (V | null | Malformed)[] = []
  readonly timestamps: number[] = []
  readonly offsets: number[] = []
  /** Empty unless headers are requested. */
  readonly headers: (readonly RecordHeader[])[] = []
  count = 0

  readonly #keySlices: Slices = emptySlices()
  readonly #valueSlices: Slices = emptySlices()
  readonly #key: Decoder<K>
  readonly #value: Decoder<V>
  readonly #withHeaders: boolean

  constructor(key: Decoder<K>, value: Decoder<V>, withHeaders = true) {
    this.#key = key
    this.#value = value
    this.#withHeaders = withHeaders
  }

  /**
   * Loads the records from `firstOffset` on. An unreadable record is a Malformed among them.
   * @throws MillraceError CORRUPT_BATCH, UNSUPPORTED_FORMAT, LIMIT_EXCEEDED for a batch that cannot be read
   *   at all
   */
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
      if (this.#withHeaders)
        this.headers[count] = cursor.headerCount === 0 ? noHeaders : cursor.headers().map(ownedHeader)
      count += 1
    }
    keys.bytes = values.bytes = cursor.bytes
    keys.count = values.count = this.count = count
    this.#key.decode(keys, this.keys)
    this.#value.decode(values, this.values)
  }

  /**
   * Lets go of keys and values, which are invalid from now on. A reader of many partitions calls this after
   * each batch: otherwise every partition holds a decoded batch until its next one, and all records become
   * old garbage.
   */
  release(): void {
    this.keys.fill(null, 0, this.count)
    this.values.fill(null, 0, this.count)
  }

  /** Bytes of keys and values. */
  get bytes(): number {
    return bytesOf(this.#keySlices) + bytesOf(this.#valueSlices)
  }

  /** A record's own bytes, for a dead letter; valid as long as the fetched batch. */
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

function bytesOf({ count, starts, ends }: Slices): number {
  let bytes = 0
  for (let index = 0; index < count; index += 1) bytes += ends[index]! - starts[index]!
  return bytes
}
