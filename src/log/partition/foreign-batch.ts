/**
 * Checks a batch from outside beyond its header and checksum: every record can be walked to its end, and the
 * header tells the truth of them. Otherwise readers would fail later, and time look-ups and duplicates be
 * wrong. Batches of millrace's own builder are not checked again: it costs as much as reading.
 */
import { MillraceError } from '../../base/index.ts'
import type { RecordBatch } from '../../wire/index.ts'

/** The latest time that a `Date` can hold, in ms since the epoch. */
const timestampMax = 8_640_000_000_000_000
const none = -1

/**
 * @throws MillraceError CORRUPT_BATCH, INVALID_ARGUMENT, UNSUPPORTED_FORMAT, LIMIT_EXCEEDED (it decompresses
 * to too much)
 */
export function checkForeign(batch: RecordBatch, where: string): void {
  checkProducer(batch, where)
  const { maxTimestamp, count, baseOffset, baseTimestamp } = batch
  checkTimestamp(baseTimestamp, where)
  checkTimestamp(maxTimestamp, where)
  let largest = none
  const cursor = batch.records()
  for (let n = 0; n < count; n += 1) {
    cursor.next()
    if (cursor.offset !== baseOffset + n)
      throw refused(`record ${n} has the relative offset ${cursor.offset - baseOffset}`, where)
    checkTimestamp(cursor.timestamp, where)
    largest = Math.max(largest, cursor.timestamp)
    cursor.headers()
    if (cursor.position !== cursor.end) throw refused(`record ${n} has bytes after its headers`, where)
  }
  if (cursor.end !== cursor.bytes.length) throw refused('bytes follow its last record', where)
  if (largest !== maxTimestamp)
    throw refused(`its largest timestamp is ${largest}, but its header says ${maxTimestamp}`, where)
}

function checkProducer(batch: RecordBatch, where: string): void {
  const { producerId, producerEpoch, baseSequence } = batch
  const isPlain = producerId === none && producerEpoch === none && baseSequence === none
  const isIdempotent =
    Number.isSafeInteger(producerId) && producerId >= 0 && producerEpoch >= 0 && baseSequence >= 0
  if (!isPlain && !isIdempotent)
    throw refused(
      `producer id ${producerId}, epoch ${producerEpoch} and sequence ${baseSequence} do not go together: either all are -1, or none is negative`,
      where,
    )
}

function checkTimestamp(timestamp: number, where: string): void {
  if (timestamp < none || timestamp > timestampMax)
    throw refused(`${timestamp} is not a time: timestamps are milliseconds from 0 to ${timestampMax}`, where)
}

function refused(why: string, where: string): MillraceError {
  return new MillraceError('INVALID_ARGUMENT', `${where}: a batch cannot be appended: ${why}.`)
}
