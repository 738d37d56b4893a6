/** How a data directory is opened: the options, their defaults and their limits. */
import { MillraceError, type Clock, type Disk } from '../base/index.ts'
import { indexIntervalBytesDefault } from './segment/segment.ts'

export interface LogDirectoryOptions {
  readonly disk: Disk
  readonly clock: Clock
  /**
   * When a record counts as safe: `sync` (default), on the disk; `os`, with the operating system, as in Kafka
   * on one node.
   */
  readonly durability?: 'sync' | 'os'
  /** A segment is rolled before it grows beyond this. Default 1 GiB, which is Kafka's. */
  readonly segmentBytes?: number
  /** Bytes of log per index entry. Default 4096, which is Kafka's. */
  readonly indexIntervalBytes?: number
  /** Per partition: older segments beyond this are dropped. Default -1, which keeps everything. */
  readonly retentionBytes?: number
  /** How long synced records may be without a checkpoint. Default 5000 ms. */
  readonly checkpointIntervalMs?: number
  /** … and how many bytes. Default 64 MiB. */
  readonly checkpointBytes?: number
  /** Segment files open at a time. Default 256, or half of the process's limit if that is less. */
  readonly maxOpenFiles?: number
  /** How long a silent producer is remembered. Default one day, which is Kafka's. */
  readonly producerIdExpirationMs?: number
  /** Opens without writing anything; works for a log directory of Apache Kafka's too. Default false. */
  readonly readOnly?: boolean
  /** Selects the partitions to open. Only together with `readOnly`: a writer opens all. */
  readonly only?: (topic: string, index: number) => boolean
  /** Called when a partition is poisoned: its disk failed. The process should report it and end. */
  readonly onFatal?: (error: MillraceError) => void
}

/** The options with their defaults. */
export type LogDirectoryConfig = Required<Omit<LogDirectoryOptions, 'onFatal' | 'only'>> & {
  readonly only: LogDirectoryOptions['only']
  readonly onFatal: ((error: MillraceError) => void) | undefined
}

/** Kafka's smallest segment before 4.0 (KIP-1030); its largest is what an int32 position reaches. */
export const segmentBytesMin = 14
export const segmentBytesMax = 0x7fff_ffff
export const segmentBytesDefault: number = 1 << 30
const openFilesDefault = 256

/** @throws MillraceError INVALID_ARGUMENT */
export function withDefaults(
  options: LogDirectoryOptions,
  processFilesMax: number = Infinity,
): LogDirectoryConfig {
  const config: LogDirectoryConfig = {
    disk: options.disk,
    clock: options.clock,
    durability: options.durability ?? 'sync',
    segmentBytes: options.segmentBytes ?? segmentBytesDefault,
    indexIntervalBytes: options.indexIntervalBytes ?? indexIntervalBytesDefault,
    retentionBytes: options.retentionBytes ?? -1,
    checkpointIntervalMs: options.checkpointIntervalMs ?? 5000,
    checkpointBytes: options.checkpointBytes ?? 64 << 20,
    maxOpenFiles: options.maxOpenFiles ?? Math.min(openFilesDefault, Math.floor(processFilesMax / 2)),
    producerIdExpirationMs: options.producerIdExpirationMs ?? 24 * 60 * 60 * 1000,
    readOnly: options.readOnly ?? false,
    only: options.readOnly ? options.only : undefined,
    onFatal: options.onFatal,
  }
  checkSegmentBytes(config.segmentBytes)
  return config
}

/** @throws MillraceError INVALID_ARGUMENT */
export function checkSegmentBytes(segmentBytes: number): void {
  if (Number.isInteger(segmentBytes) && segmentBytes >= segmentBytesMin && segmentBytes <= segmentBytesMax)
    return
  throw new MillraceError(
    'INVALID_ARGUMENT',
    `segmentBytes must be a whole number from ${segmentBytesMin} to ${segmentBytesMax}, not ${segmentBytes}.`,
  )
}
