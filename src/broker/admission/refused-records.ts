/**
 * Admission: the records for which a batch was refused. A batch is walked a second time for that, so that
 * admission itself, which nearly always succeeds, keeps no notes.
 */
import { isMillraceError } from '../../base/index.ts'
import { decompressedBytesMax, RecordBatch } from '../../wire/index.ts'
import { keyMissing, timestampFault, type AdmittingPartition } from './rules.ts'

/** As `recordErrors` of Produce has it. */
export interface RefusedRecord {
  /** Its position in the batch. */
  readonly batchIndex: number
  /** Null after the first few: a batch may have hundreds of thousands. */
  readonly batchIndexErrorMessage: string | null
}

const messagesMax = 10

/** Records without the key that a compacted topic needs, or of a time that the topic does not take. */
export function refusedRecords(
  bytes: Uint8Array,
  { name, settings }: AdmittingPartition,
  now: number,
): readonly RefusedRecord[] {
  const found: RefusedRecord[] = []
  const checksTime = settings.messageTimestampType === 'CreateTime'
  const refuse = (batchIndex: number, { message }: Error): void => {
    found.push({ batchIndex, batchIndexErrorMessage: found.length < messagesMax ? message : null })
  }
  try {
    const batch = new RecordBatch(bytes)
    const cursor = batch.records({ maxDecompressedBytes: decompressedBytesMax })
    for (let index = 0; index < batch.count; index += 1) {
      cursor.next()
      cursor.skipHeaders()
      if (settings.compact && cursor.keyStart < 0) refuse(index, keyMissing(name))
      else if (checksTime) {
        const fault = timestampFault(cursor.timestamp, settings, now, name)
        if (fault) refuse(index, fault)
      }
    }
  } catch (error) {
    // The batch as a whole is damaged: no record is the reason.
    if (isMillraceError(error)) return []
    throw error
  }
  return found
}
