/** Admission: what the configs of a topic ask of a batch, wherever it comes from. */
import { MillraceError, type Compression } from '../../base/index.ts'
import type { PartitionSettings } from '../../log/index.ts'

/** The partition that a batch goes to. */
export interface AdmittingPartition {
  /** For messages. */
  readonly name: string
  readonly settings: PartitionSettings
}

export function keyMissing(name: string): MillraceError {
  return new MillraceError(
    'INVALID_RECORD',
    `${name}: a record has no key, which a compacted topic needs to tell records apart. Send it with a key, or take 'compact' out of the topic's cleanup.policy.`,
  )
}

/** @throws MillraceError {@link timestampFault} */
export function checkTimestamp(
  timestamp: number,
  settings: PartitionSettings,
  now: number,
  name: string,
): void {
  const fault = timestampFault(timestamp, settings, now, name)
  if (fault) throw fault
}

/** What is wrong with the timestamp of a record. -1 is Kafka's "no timestamp", and passes. */
export function timestampFault(
  timestamp: number,
  { messageTimestampBeforeMaxMs: before, messageTimestampAfterMaxMs: after }: PartitionSettings,
  now: number,
  name: string,
): MillraceError | undefined {
  if (timestamp === -1 || (now - timestamp <= before && timestamp - now <= after)) return undefined
  const [config, limit] = timestamp < now ? (['before', before] as const) : (['after', after] as const)
  return new MillraceError(
    'INVALID_TIMESTAMP',
    `${name}: a record has the timestamp ${timestamp}, more than ${limit} ms ${config} the clock (${now}). Correct the time, or raise the topic's message.timestamp.${config}.max.ms.`,
  )
}

/** Both limits of a batch: Kafka checks them in this order. */
export function checkSize(sizeBytes: number, { name, settings }: AdmittingPartition): void {
  const { maxMessageBytes, segmentBytes } = settings
  if (sizeBytes <= Math.min(maxMessageBytes, segmentBytes)) return
  const [config, limit] =
    sizeBytes > maxMessageBytes
      ? (['max.message.bytes', maxMessageBytes] as const)
      : (['segment.bytes', segmentBytes] as const)
  throw new MillraceError(
    'RECORD_TOO_LARGE',
    `${name}: a batch of ${sizeBytes} bytes is larger than the ${limit} bytes that the topic takes (${config}). Send smaller batches, or raise the topic's ${config}.`,
  )
}

/** The time that the log gives to a batch. Undefined: records keep their own. */
export function appendTimeOf({ messageTimestampType }: PartitionSettings, now: number): number | undefined {
  return messageTimestampType === 'LogAppendTime' ? now : undefined
}

/** The codec in which a topic stores batches. Undefined: the producer's choice is kept. */
export function codecOf({ compressionType }: PartitionSettings): Compression | undefined {
  if (compressionType === 'producer') return undefined
  return compressionType === 'uncompressed' ? 'none' : compressionType
}
