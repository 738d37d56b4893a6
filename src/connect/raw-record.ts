/** A record's own bytes, as a dead letter keeps them. */
import type { FetchedBatch } from '../port/index.ts'
import type { RecordHeader } from '../wire/index.ts'

/** A record as it stands on the log. */
export interface RawRecord {
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly headers: readonly RecordHeader[]
  readonly timestamp: number
}

/** The record at `offset`: looked for in its batch, since it is wanted only of bad ones. */
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
