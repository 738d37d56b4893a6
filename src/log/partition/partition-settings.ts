/**
 * The settings of a partition: Kafka's topic configs as plain numbers and flags. The broker makes them of
 * names and texts (`broker/configs/configs.ts`). They may change at run time (`Partition.configure`). The
 * comment of each setting names its config.
 */

export interface PartitionSettings {
  /** `flush.messages`: so many records are not acknowledged before they are synced; 1: none is. */
  readonly flushMessages: number
  /** `flush.ms`: how long a record that is written may stay unsynced. */
  readonly flushMs: number
  /** `retention.bytes`: older segments beyond this are dropped; -1 keeps all. */
  readonly retentionBytes: number
  /** `retention.ms`: segments whose records are all older are dropped; -1 keeps all. */
  readonly retentionMs: number
  /** `segment.bytes`: a segment is rolled before it grows beyond this. */
  readonly segmentBytes: number
  /** `segment.ms`: a segment is rolled when its first record is older than this. */
  readonly segmentMs: number
  /** `segment.index.bytes`: a segment is rolled when its offset index has grown to this. */
  readonly segmentIndexBytes: number
  /** `index.interval.bytes`: bytes of log per index entry. */
  readonly indexIntervalBytes: number
  /** `cleanup.policy` has `compact`. */
  readonly compact: boolean
  /** `cleanup.policy` has `delete`: only then retention drops segments. */
  readonly delete: boolean
  /** `delete.retention.ms`: how long compaction keeps tombstones. */
  readonly deleteRetentionMs: number
  /** `min.compaction.lag.ms`: how long a record stays uncompacted at least. */
  readonly minCompactionLagMs: number
  /** `max.compaction.lag.ms`: how long a record stays uncompacted at most. */
  readonly maxCompactionLagMs: number
  /** `min.cleanable.dirty.ratio`: the share of uncompacted bytes from which on the log is compacted. */
  readonly minCleanableDirtyRatio: number
  /** `max.message.bytes`: a larger batch is refused. */
  readonly maxMessageBytes: number
  /** `message.timestamp.type`: records keep their producer's time, or get that of their append. */
  readonly messageTimestampType: 'CreateTime' | 'LogAppendTime'
  /** `message.timestamp.before.max.ms`: how far a record may be behind the clock. */
  readonly messageTimestampBeforeMaxMs: number
  /** `message.timestamp.after.max.ms`: how far a record may be ahead of the clock. */
  readonly messageTimestampAfterMaxMs: number
  /** `compression.type`: the codec in which batches are stored; `producer` keeps theirs. */
  readonly compressionType: 'producer' | 'uncompressed' | 'gzip' | 'snappy' | 'lz4' | 'zstd'
}

/** The present settings of a partition, for its parts. */
export interface SettingsSource {
  readonly settings: PartitionSettings
}

const dayMs = 24 * 60 * 60 * 1000
/** Kafka's largest long, and more than any time here: no limit. */
const unlimited = Number.MAX_SAFE_INTEGER

/**
 * The settings of a partition that nobody configures: Kafka's defaults, except that nothing is dropped and no
 * record is refused for its size or time.
 */
export const settingsDefault: PartitionSettings = {
  flushMessages: unlimited,
  flushMs: unlimited,
  retentionBytes: -1,
  retentionMs: -1,
  segmentBytes: 1 << 30,
  segmentMs: 7 * dayMs,
  segmentIndexBytes: 10 << 20,
  indexIntervalBytes: 4096,
  compact: false,
  delete: true,
  deleteRetentionMs: dayMs,
  minCompactionLagMs: 0,
  maxCompactionLagMs: unlimited,
  minCleanableDirtyRatio: 0.5,
  maxMessageBytes: 0x7fff_ffff,
  messageTimestampType: 'CreateTime',
  messageTimestampBeforeMaxMs: unlimited,
  messageTimestampAfterMaxMs: unlimited,
  compressionType: 'producer',
}
