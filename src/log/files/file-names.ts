/**
 * Names in a data directory, which are Apache Kafka's.
 *
 * ```
 * <dir>/millrace.json                        marks the directory as millrace's
 * <dir>/metadata.json                        the topics, which the broker keeps
 * <dir>/recovery-point-offset-checkpoint     per partition: an offset known to be synced
 * <dir>/log-start-offset-checkpoint          per partition: where the log begins
 * <dir>/clean-stop                           what a clean stop leaves for the next start
 * <dir>/leader-epoch                         raised by each start after an unclean stop
 * <dir>/.kafka_cleanshutdown                 there only after a clean stop; has the checksum of clean-stop
 * <dir>/<topic>-<partition>/00000000000000000042.log        batches from offset 42
 *                           00000000000000000042.index      offset index
 *                           00000000000000000042.timeindex  time index
 *                           00000000000000000042.txnindex   aborted transactions
 *                           00000000000000000042.digest     proof of the segment and the three indexes
 *                           00000000000000000042.snapshot   producer state as of offset 42
 *                           00000000000000000042.log.cut-57 bytes that recovery cut off at offset 57
 *                           00000000000000000042.log.cleaned a segment that compaction is writing
 *                           cleaner-checkpoint              how far compaction has come
 *                           leader-epoch-checkpoint         at which offset each leader epoch begins
 *                           config.json                     the configuration of the partition
 * ```
 *
 * A folder that is being made or removed has a mark that no topic name can hold. So a crash in the middle
 * leaves no folder that looks like a partition. A topic's name becomes part of a path only after {@link
 * checkTopicName}.
 */
import { checkTopicName, isTopicName, MillraceError } from '../../base/index.ts'

/** A folder's name is cut to this before it gets a mark. */
const markedNameMax = 200
const newMark = '~new'
const deletedMark = '~deleted'

export const cleanStopName = 'clean-stop'
export const cleanMarkerName = '.kafka_cleanshutdown'
export const directoryMarkName = 'millrace.json'
/** The broker's: its topics. */
export const recoveryPointsName = 'recovery-point-offset-checkpoint'
export const logStartsName = 'log-start-offset-checkpoint'
export const metadataName = 'metadata.json'
export const directoryEpochName = 'leader-epoch'
export const leaderEpochsName = 'leader-epoch-checkpoint'
export const kafkaMarkName = 'meta.properties'
export const lockName = '.lock'
export const partitionConfigName = 'config.json'
export const cleanerCheckpointName = 'cleaner-checkpoint'
export const cleanerRefusalName = 'cleaner-refusal'
/** After the name of a log file: compaction is writing it. */
export const cleanedSuffix = '.cleaned'

/** The name of a partition's folder. INVALID_ARGUMENT. */
export function partitionFolder(topic: string, index: number): string {
  checkTopicName(topic)
  if (!Number.isInteger(index) || index < 0 || index > 0x7fff_ffff)
    throw new MillraceError(
      'INVALID_ARGUMENT',
      `${index} is not a partition's number: partitions count from 0.`,
    )
  return `${topic}-${index}`
}

/** The partition of a folder's name; undefined for any other name. */
export function parsePartitionFolder(name: string): { topic: string; index: number } | undefined {
  const found = /^(.+)-(0|[1-9]\d{0,9})$/.exec(name)
  if (!found) return undefined
  const topic = found[1]!
  const index = Number(found[2])
  return isTopicName(topic) && index <= 0x7fff_ffff ? { topic, index } : undefined
}

/**
 * Where a partition's folder is made before it gets its name. `n` tells it from others whose names begin
 * alike.
 */
export function newFolder(folder: string, n: number): string {
  return `${folder.slice(0, markedNameMax)}.${n}${newMark}`
}

/** The name of a partition's folder while its files are removed. */
export function deletedFolder(folder: string, n: number): string {
  return `${folder.slice(0, markedNameMax)}.${n}${deletedMark}`
}

/** Whether the folder was left by an interrupted creation or deletion. */
export function isLeftOver(name: string): boolean {
  return name.endsWith(newMark) || name.endsWith(deletedMark)
}

export type SegmentExtension = 'log' | 'digest' | 'index' | 'timeindex' | 'txnindex' | 'snapshot'

export function segmentFile(offset: number, extension: SegmentExtension): string {
  return `${String(offset).padStart(20, '0')}.${extension}`
}

/** The offset and kind of a segment's file; undefined for any other name. */
export function parseSegmentFile(name: string): { offset: number; extension: SegmentExtension } | undefined {
  const found = /^(\d{20})\.(log|digest|index|timeindex|txnindex|snapshot)$/.exec(name)
  return found ? { offset: Number(found[1]), extension: found[2] as SegmentExtension } : undefined
}
