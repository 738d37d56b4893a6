/** Fetched batches, decoded a batch at a time into parallel arrays that are used again for the next one. */
import type { FetchedBatch } from '../port/index.ts'
import type { Malformed, Slices } from '../schema/index.ts'
import type { RecordHeader } from '../wire/index.ts'
import type { SinkTopic } from './sink.ts'

/** A record as it stands on the log. */
export interface RawRecord {
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly headers: readonly RecordHeader[]
  readonly timestamp: number
}

export class BatchDecoder<K, V> {
  /** Records in the current batch; the arrays may be longer. */
  count = 0
  /** Bytes of keys and values in the current batch. */
  bytes = 0
  readonly offsets: number[] = []
  readonly timestamps: number[] = []
  readonly keys: (K | null | Malformed)[] = []
  readonly values: (V | null | Malformed)[] = []
  readonly #topic: SinkTopic<K, V>
  #keySlices = slicesFor(0)
  #valueSlices = slicesFor(0)

  constructor(topic: SinkTopic<K, V>) {
    this.#topic = topic
  }

  decode({ batch, firstOffset }: FetchedBatch): void {
    const records = batch.records()
    if (this.#keySlices.starts.length < batch.count) {
      this.#keySlices = slicesFor(batch.count)
      this.#valueSlices = slicesFor(batch.count)
    }
    const keys = this.#keySlices
    const values = this.#valueSlices
    keys.bytes = values.bytes = records.bytes
    let count = 0
    let bytes = 0
    while (records.next()) {
      if (records.offset < firstOffset) continue
      this.offsets[count] = records.offset
      this.timestamps[count] = records.timestamp
      keys.starts[count] = records.keyStart
      keys.ends[count] = records.keyEnd
      values.starts[count] = records.valueStart
      values.ends[count] = records.valueEnd
      bytes += records.keyEnd - records.keyStart + (records.valueEnd - records.valueStart)
      count++
    }
    keys.count = values.count = this.count = count
    this.bytes = bytes
    this.#topic.key.decode(keys, this.keys)
    this.#topic.value.decode(values, this.values)
  }
}

/** The record at `offset`, for the rare case that its original bytes are wanted. */
export function rawRecordAt({ batch }: FetchedBatch, offset: number): RawRecord {
  const records = batch.records()
  while (records.next())
    if (records.offset === offset)
      return {
        key: records.key(),
        value: records.value(),
        headers: records.headers(),
        timestamp: records.timestamp,
      }
  throw new RangeError(`no record at offset ${offset} in the batch at ${batch.baseOffset}`)
}

function slicesFor(count: number): Slices {
  return { bytes: new Uint8Array(), count: 0, starts: new Int32Array(count), ends: new Int32Array(count) }
}
