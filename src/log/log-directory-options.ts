/** How a data directory is opened: the options, their defaults and their limits. */
import { MillraceError, type Clock, type Disk } from '../base/index.ts'
import { cleanerLimitsDefault, type CleanerLimits } from './cleaner/segment-walk.ts'
import { settingsDefault, type PartitionSettings } from './partition/partition-settings.ts'

/** With the settings of partitions until these are configured. Default {@link settingsDefault}. */
export interface LogDirectoryOptions extends Partial<PartitionSettings> {
  readonly disk: Disk
  readonly clock: Clock
  /**
   * When a record counts as safe: `sync` (default), on the disk; `os`, with the operating system, as in Kafka
   * on one node.
   */
  readonly durability?: 'sync' | 'os'
  /** How long synced records may be without a checkpoint. Default 5000 ms. */
  readonly checkpointIntervalMs?: number
  /** … and how many bytes. Default 64 MiB. */
  readonly checkpointBytes?: number
  /** How often retention and the expiry of producers look at all partitions. Default 300,000 ms: Kafka's. */
  readonly retentionCheckIntervalMs?: number
  /** Segment files open at a time. Default 256, or half of the process's limit if that is less. */
  readonly maxOpenFiles?: number
  /**
   * Bytes of loaded indexes of segments, beside those of segments that are written. Others are read from
   * their files when they are needed. Default 64 MiB.
   */
  readonly indexBytesMax?: number
  /**
   * How long a producer is remembered after its last write (Kafka's `producer.id.expiration.ms`): until then
   * a batch that it sends again is recognised, also after a restart. Default one day, which is Kafka's.
   */
  readonly producerIdExpirationMs?: number
  /**
   * Bytes of one partition's appends on their way to the disk: not synced yet, or with `durability: 'os'` not
   * written yet. Past them appends of writers wait, in the order of their calls, until there is room. Default
   * 32 MiB, what one writer may have in flight.
   */
  readonly pendingBytesMax?: number
  /** Limits of compaction; tests take tiny ones. Default {@link cleanerLimitsDefault}. */
  readonly cleaner?: Partial<CleanerLimits>
  /** Opens without writing anything; works for a log directory of Apache Kafka's too. Default false. */
  readonly readOnly?: boolean
  /** Selects the partitions to open. Only together with `readOnly`: a writer opens all. */
  readonly only?: (topic: string, index: number) => boolean
  /**
   * Selects the topics whose partitions are recovered before the directory is open. The others wait for
   * `LogDirectory.recoverOthers`, unless the last stop was a clean one or the checkpoints cannot be trusted.
   * Default: all.
   */
  readonly first?: (topic: string) => boolean
  /** Called when a partition is poisoned: its disk failed. The process should report it and end. */
  readonly onFatal?: (error: MillraceError) => void
}

/** The options with their defaults. */
export type LogDirectoryConfig = Required<
  Omit<LogDirectoryOptions, keyof PartitionSettings | 'cleaner' | 'onFatal' | 'only'>
> & {
  readonly settings: PartitionSettings
  readonly cleaner: CleanerLimits
  readonly only: LogDirectoryOptions['only']
  readonly onFatal: ((error: MillraceError) => void) | undefined
}

/** Kafka's smallest segment before 4.0 (KIP-1030); its largest is what an int32 position reaches. */
export const segmentBytesMin = 14
export const segmentBytesMax = 0x7fff_ffff
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
    settings: settingsOf(options),
    checkpointIntervalMs: options.checkpointIntervalMs ?? 5000,
    checkpointBytes: options.checkpointBytes ?? 64 << 20,
    retentionCheckIntervalMs: options.retentionCheckIntervalMs ?? 300_000,
    maxOpenFiles: options.maxOpenFiles ?? Math.min(openFilesDefault, Math.floor(processFilesMax / 2)),
    indexBytesMax: options.indexBytesMax ?? 64 << 20,
    producerIdExpirationMs: options.producerIdExpirationMs ?? 24 * 60 * 60 * 1000,
    pendingBytesMax: options.pendingBytesMax ?? 32 << 20,
    cleaner: { ...cleanerLimitsDefault, ...options.cleaner },
    readOnly: options.readOnly ?? false,
    only: options.readOnly ? options.only : undefined,
    first: options.first ?? (() => true),
    onFatal: options.onFatal,
  }
  checkSegmentBytes(config.settings.segmentBytes)
  return config
}

function settingsOf(options: Partial<PartitionSettings>): PartitionSettings {
  const names = Object.keys(settingsDefault) as (keyof PartitionSettings)[]
  const given = names.filter(name => options[name] !== undefined).map(name => [name, options[name]] as const)
  return { ...settingsDefault, ...Object.fromEntries(given) }
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
