/** Admission: the frame and the header of a batch from outside. */
import { isMillraceError, MillraceError } from '../../base/index.ts'
import { RecordBatch } from '../../wire/index.ts'

const none = -1

/**
 * The batch of an append: exactly one, of version 2, whole, at base offset 0.
 * @throws MillraceError INVALID_RECORD; CORRUPT_BATCH for a size that no batch has
 */
export function onlyBatch(bytes: Uint8Array, name: string): RecordBatch {
  if (bytes.length === 0) throw invalid('there is no batch', name)
  let batch
  try {
    batch = new RecordBatch(bytes)
  } catch (error) {
    if (isMillraceError(error)) throw invalid('there is no whole batch of version 2', name, error)
    throw error
  }
  if (batch.sizeBytes < bytes.length)
    throw invalid(`${bytes.length - batch.sizeBytes} bytes follow the batch; an append has one`, name)
  if (batch.baseOffset !== 0) throw invalid(`its base offset is ${batch.baseOffset}, not 0`, name)
  return batch
}

/** @throws MillraceError CORRUPT_BATCH, INVALID_RECORD */
export function checkHeader(batch: RecordBatch, name: string): void {
  if (!batch.isValid())
    throw new MillraceError(
      'CORRUPT_BATCH',
      `${name}: the checksum of a batch does not match its content, which was changed on its way. Send it again.`,
    )
  const { count, producerId, producerEpoch, baseSequence } = batch
  if (count < 1 || batch.lastOffset !== count - 1)
    throw invalid(`it counts ${count} records, and its offsets end at ${batch.lastOffset}`, name)
  if (batch.isControl) throw invalid('it is a control batch, which only the log itself writes', name)
  if (batch.unknownAttributes !== 0)
    throw invalid(`it has attributes that are not defined (${batch.unknownAttributes})`, name)
  if (batch.timestampType === 'append')
    throw new MillraceError(
      'INVALID_TIMESTAMP',
      `${name}: a batch says that its time is that of the append, which only the log sets. Send it as CreateTime.`,
    )
  // Without a producer id, some clients leave 0 in the fields beside it.
  if (producerId === none) {
    if (batch.isTransactional) throw invalid('it is transactional, but has no producer id', name)
  } else if (!Number.isSafeInteger(producerId) || producerId < 0 || producerEpoch < 0 || baseSequence < 0)
    throw invalid(
      `producer id ${producerId}, epoch ${producerEpoch} and sequence ${baseSequence} do not go together`,
      name,
    )
}

export function invalid(why: string, name: string, cause?: unknown): MillraceError {
  return new MillraceError(
    'INVALID_RECORD',
    `${name}: a batch was refused: ${why}. Nothing was appended; correct the program that built it.`,
    cause === undefined ? {} : { cause },
  )
}
