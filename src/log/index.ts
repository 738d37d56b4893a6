/**
 * log: the commit log. Partitions of record batches in Apache Kafka's files, made for one promise:
 * acknowledged records survive any crash, and readers never see records that might not.
 *
 * The way down: `log-directory` (ownership, folders; `checkpointer`) → `partition` (what it takes and what it
 * shows; `partition-appender`, `partition-reader`, `log-start`) → `group-commit` (who waits for which write
 * and which sync) → `partition-segments`, `segment` (files and indexes). The way back up after a crash:
 * `recovery`, and where that refuses, `repair`.
 *
 * `cleaner` compacts segments beside all of that; `housekeeping` runs in the background what no caller
 * waits for.
 */
export { LogDirectory } from './log-directory.ts'
export { type LogDirectoryOptions } from './log-directory-options.ts'
export { type AppendReceipt } from './partition/append-receipt.ts'
export { readChecked, withCheck } from './files/checked-text.ts'
export { diskError } from './files/disk-errors.ts'
export { parsePartitionFolder } from './files/file-names.ts'
export { settingsDefault, type PartitionSettings } from './partition/partition-settings.ts'
export { type Isolation, type ReadResult } from './partition/partition-reader.ts'
export { type Partition } from './partition/partition.ts'
export { type UnrecoveredPartition } from './unrecovered-partition.ts'
export { configsOfSizes, isTexts, type PartitionConfig } from './files/partition-config.ts'
export { type Marker } from './producers/producer-state.ts'
export { type PartitionRecovery } from './recovery/recovery.ts'
export { repairPartition } from './recovery/repair.ts'
export { readFile, replaceFile } from './files/small-file.ts'
