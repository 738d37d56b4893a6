/** The original bytes of a record, for dead letters. */
import type { FetchedBatch } from '../port/index.ts'
import { RecordBatch, type RecordHeader } from '../wire/index.ts'

/** A record's bytes, as they are on the log. */
export interface RawRecord {
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly headers: readonly RecordHeader[]
  readonly timestamp: number
}

/** A copy of a batch, valid for as long as it is kept: the log lends the batch for a short time only. */
export function keptBatch(fetched: FetchedBatch): FetchedBatch {
  return { ...fetched, batch: new RecordBatch(Buffer.from(fetched.batch.bytes)) }
}

/**
 * Finds the records of bad offsets in their batches. Each batch is read from its start, since bad records are
 * few. Ascending offsets of one batch are found in one pass.
 */
export class RawRecords {
  #batch: FetchedBatch['batch'] | undefined
  #records: ReturnType<FetchedBatch['batch']['records']> | undefined

  at({ batch }: FetchedBatch, offset: number): RawRecord {
    if (batch !== this.#batch || !this.#records || this.#records.offset >= offset) {
      this.#batch = batch
      this.#records = batch.records()
    }
    const records = this.#records
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
}
