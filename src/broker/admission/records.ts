/**
 * Admission: the records of a batch from outside, each of them. Otherwise readers would fail later, and time
 * look-ups and compaction be wrong.
 */
import { isMillraceError, MillraceError } from '../../base/index.ts'
import { isTimestamp, timestampMax } from '../../port/index.ts'
import type { RecordBatch, RecordCursor } from '../../wire/index.ts'
import { invalid } from './header.ts'
import { checkTimestamp, keyMissing, type AdmittingPartition } from './rules.ts'

const noTimestamp = -1

export interface WalkedRecords {
  /** All of them, decompressed. */
  readonly records: Uint8Array
  /** The largest timestamp of a record. */
  readonly maxTimestamp: number
}

/**
 * Walks over the records: their number, their offsets, their keys and times.
 * @throws MillraceError INVALID_RECORD, INVALID_TIMESTAMP, UNSUPPORTED_FORMAT, MISSING_DRIVER;
 *   RECORD_TOO_LARGE for a batch that decompresses to more than the limit: a producer then splits it
 */
export function walkRecords(
  batch: RecordBatch,
  { name, settings }: AdmittingPartition,
  options: { readonly now: number; readonly decompressedBytesMax: number },
): WalkedRecords {
  const { count } = batch
  const { compact } = settings
  const checksTime = settings.messageTimestampType === 'CreateTime'
  const cursor = open(batch, name, options.decompressedBytesMax)
  const start = cursor.end
  let minTimestamp = Infinity
  let maxTimestamp = noTimestamp
  const checkTime = (timestamp: number, n: number): void => {
    if (!isTimestamp(timestamp))
      throw new MillraceError(
        'INVALID_TIMESTAMP',
        `${name}: record ${n} has the timestamp ${timestamp}; times are milliseconds from 0 to ${timestampMax}. Correct the time.`,
      )
    if (checksTime) checkTimestamp(timestamp, settings, options.now, name)
  }
  try {
    for (let n = 0; n < count; n += 1) {
      cursor.next()
      if (cursor.offset !== n) throw invalid(`record ${n} has the offset ${cursor.offset}`, name)
      if (compact && cursor.keyStart < 0) throw keyMissing(name)
      const { timestamp } = cursor
      // Between two times that are right each one is: most records are of the same moment.
      if ((timestamp > maxTimestamp || timestamp < minTimestamp) && timestamp !== noTimestamp) {
        checkTime(timestamp, n)
        minTimestamp = Math.min(minTimestamp, timestamp)
        maxTimestamp = Math.max(maxTimestamp, timestamp)
      }
      if (cursor.headerCount > 0) cursor.skipHeaders()
      if (cursor.position !== cursor.end) throw invalid(`record ${n} has bytes after its headers`, name)
    }
  } catch (error) {
    if (isMillraceError(error, 'CORRUPT_BATCH')) throw invalid(error.message, name, error)
    throw error
  }
  if (cursor.end !== cursor.bytes.length) throw invalid('bytes follow its last record', name)
  return { records: cursor.bytes.subarray(start), maxTimestamp }
}

function open(batch: RecordBatch, name: string, limit: number): RecordCursor {
  try {
    return batch.records({ maxDecompressedBytes: limit })
  } catch (error) {
    if (isMillraceError(error, 'LIMIT_EXCEEDED'))
      throw new MillraceError(
        'RECORD_TOO_LARGE',
        `${name}: a batch decompresses to more than ${limit} bytes. Send smaller batches.`,
        { cause: error },
      )
    if (isMillraceError(error, 'UNSUPPORTED_FORMAT', 'MISSING_DRIVER'))
      throw new MillraceError(error.code, `${name}: ${error.message}`, { cause: error })
    // Its checksum is right, so that sending it again would not help.
    if (isMillraceError(error, 'CORRUPT_BATCH')) throw invalid(error.message, name, error)
    throw error
  }
}
