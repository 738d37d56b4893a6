/**
 * Whether a batch can be appended as it is. The log never looks into it again before it is read. Its records
 * and its checksum are its builder's, or were checked by `broker/admission/admission.ts`: they are not
 * checked twice.
 */
import { MillraceError } from '../../base/index.ts'
import type { RecordBatch } from '../../wire/index.ts'

/**
 * `bytes`: those of the append; `where`: the partition's name, for the message.
 * @throws MillraceError RECORD_TOO_LARGE, INVALID_ARGUMENT
 */
export function checkAppend(
  batch: RecordBatch,
  bytes: Uint8Array,
  segmentBytes: number,
  where: string,
): void {
  const { sizeBytes, count } = batch
  if (sizeBytes !== bytes.length)
    throw new MillraceError(
      'INVALID_ARGUMENT',
      `${where}: an append has one batch; ${bytes.length - sizeBytes} bytes follow it.`,
    )
  if (sizeBytes > segmentBytes)
    throw new MillraceError(
      'RECORD_TOO_LARGE',
      `${where}: a batch of ${sizeBytes} bytes does not fit into a segment of ${segmentBytes}: append smaller batches, or raise the topic's segment.bytes.`,
    )
  if (batch.isControl || count < 1 || batch.lastOffset - batch.baseOffset !== count - 1)
    throw new MillraceError(
      'INVALID_ARGUMENT',
      `${where}: a batch to append must hold records, numbered without gaps, and must not be a control batch.`,
    )
  if (batch.isTransactional && batch.producerId === -1)
    throw new MillraceError('INVALID_ARGUMENT', `${where}: a transactional batch has a producer id.`)
}
