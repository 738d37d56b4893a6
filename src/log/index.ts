/**
 * log: the commit log. Partitions of record batches in Apache Kafka's files, made for one promise:
 * acknowledged records survive any crash, and readers never see records that might not.
 *
 * The way down: `log-directory` (ownership, clean marker; `checkpointer`) → `partition` (its state and
 * visibility; `partition-appender`, `partition-reader`) → `group-commit` (which append waits for which write
 * and sync) → `partition-segments`, `segment` (files and indexes). After a crash: `recovery`, and if that
 * refuses, `repair`.
 *
 * Not here yet, each with its place: retention by time and compaction beside `retention.ts`
 * (`Partition.retain` asks which segments may go), delete-records beside `Partition.dropBefore`, which so far
 * drops whole segments.
 */
export { LogDirectory } from './log-directory.ts'
export {
  type LogDirectoryOptions,
  segmentBytesDefault,
  segmentBytesMax,
  segmentBytesMin,
} from './log-directory-options.ts'
export { type BatchOrigin } from './partition/append-check.ts'
export { type AppendReceipt } from './partition/append-receipt.ts'
export { readChecked, withCheck, type CheckedText } from './files/checked-text.ts'
export { diskError } from './files/disk-errors.ts'
export { parsePartitionFolder } from './files/file-names.ts'
export { type Isolation, type ReadResult } from './partition/partition-reader.ts'
export { type Partition } from './partition/partition.ts'
export { type PartitionConfig } from './files/partition-config.ts'
export { type Marker } from './producers/producer-state.ts'
export { type PartitionRecovery } from './recovery/recovery.ts'
export { repairPartition } from './recovery/repair.ts'
export { readFile, replaceFile } from './files/small-file.ts'
