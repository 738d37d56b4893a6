/**
 * Admission: what a batch must be before it may be appended, and the form in which its topic stores it.
 *
 * A batch **from outside**, of another program or another builder, is checked whole: its frame, its header,
 * and each of its records. A batch of millrace's own builder is sound, so that only the topic's rules are
 * left to check; the builder knows the answers. Both are refused with the code that Kafka has for it, named
 * in `base/errors.ts`, before anything is appended. The order of the checks is Kafka's (LogValidator,
 * UnifiedLog).
 *
 * The topic may change a batch: `compression.type` compresses it again, `message.timestamp.type` sets its
 * time. As Kafka does, a largest timestamp that is not that of the records is corrected, not refused.
 */
import { isMillraceError } from '../../base/index.ts'
import type { BatchToAppend } from '../../port/index.ts'
import {
  BatchBuilder,
  decompressedBytesMax,
  recompress,
  setTimes,
  type BatchStamp,
} from '../../wire/index.ts'
import { checkHeader, onlyBatch } from './header.ts'
import { walkRecords } from './records.ts'
import {
  appendTimeOf,
  checkSize,
  checkTimestamp,
  codecOf,
  keyMissing,
  type AdmittingPartition,
} from './rules.ts'

export interface AdmissionOptions {
  /** The present time, in ms since the epoch. */
  readonly now: number
  /** What a batch may decompress to. Default 128 MiB. */
  readonly decompressedBytesMax?: number
}

/**
 * Checks the bytes of one partition in a request, and returns those to append. They belong to the log from
 * then on: fields of the header may be changed in place.
 * @throws MillraceError INVALID_RECORD, INVALID_TIMESTAMP, RECORD_TOO_LARGE, CORRUPT_BATCH,
 *   UNSUPPORTED_FORMAT (an unknown codec), MISSING_DRIVER
 */
export function admit(
  bytes: Uint8Array,
  partition: AdmittingPartition,
  { now, decompressedBytesMax: limit = decompressedBytesMax }: AdmissionOptions,
): Uint8Array {
  const { name, settings } = partition
  const batch = onlyBatch(bytes, name)
  checkSize(batch.sizeBytes, partition)
  checkHeader(batch, name)
  const { records, maxTimestamp } = walkRecords(batch, partition, { now, decompressedBytesMax: limit })
  const appendTime = appendTimeOf(settings, now)
  if (appendTime !== undefined) setTimes(batch, 'append', appendTime)
  else if (maxTimestamp !== batch.maxTimestamp) setTimes(batch, 'create', maxTimestamp)
  const codec = codecOf(settings)
  if (codec === undefined || codec === batch.compression) return batch.bytes
  const stored = recompress(batch, records, codec)
  checkSize(stored.length, partition)
  return stored
}

/**
 * Builds a batch for its partition. What another builder made is admitted as from outside.
 * @throws MillraceError as {@link admit}
 */
export function buildAdmitted(
  batch: BatchToAppend,
  stamp: BatchStamp,
  partition: AdmittingPartition,
  now: number,
): Uint8Array {
  if (!(batch instanceof BatchBuilder)) return admit(batch.build(stamp), partition, { now })
  const { settings, name } = partition
  if (settings.compact && batch.hasNullKey) throw keyMissing(name)
  const appendTime = appendTimeOf(settings, now)
  if (appendTime === undefined) {
    checkTimestamp(batch.minTimestamp, settings, now, name)
    checkTimestamp(batch.maxTimestamp, settings, now, name)
  }
  const compression = codecOf(settings)
  const bytes =
    appendTime === undefined && compression === undefined
      ? batch.build(stamp)
      : batch.build({
          ...stamp,
          ...(appendTime === undefined ? {} : { appendTime }),
          ...(compression === undefined ? {} : { compression }),
        })
  checkSize(bytes.length, partition)
  return bytes
}

/** Whether admission refused a batch: nothing was appended, and the producer's next batch may follow. */
export function isRefused(error: unknown): boolean {
  return isMillraceError(error, 'INVALID_RECORD', 'INVALID_TIMESTAMP', 'RECORD_TOO_LARGE')
}
