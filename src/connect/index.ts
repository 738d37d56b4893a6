/**
 * connect, which moves data into the log and out of it: the contracts Source and Sink, their runners, and the
 * connectors.
 */
export { type ColumnKind, type ColumnSpec, type ColumnSpecs, type RowOf } from './columns.ts'
export { csv, type CsvOptions } from './connectors/csv.ts'
export { duckdb, type DuckDBOptions } from './connectors/duckdb.ts'
export { type ColumnChoice, type ColumnPath } from './connectors/duckdb-columns.ts'
export { type OpenDuckDB } from './connectors/duckdb-options.ts'
export { parquet, type ParquetOptions } from './connectors/parquet.ts'
export { deliver, type Delivery } from './deliver.ts'
export { type DeliverOptions } from './deliver-options.ts'
export { type DeliveryProgress } from './delivery-run.ts'
export { type DeliverStats } from './sink-loader.ts'
export { type BadRecord, type ConnectObserver, type ConnectPhase, type ConnectProgress } from './observer.ts'
export { publish } from './publish.ts'
export { type PublishOptions, type PublishTopic } from './publish-options.ts'
export { type PublishStats } from './publisher.ts'
export { retrying, type RetryOptions } from './retrying.ts'
export {
  RowsRefused,
  type Offsets,
  type Sink,
  type SinkContext,
  type SinkRow,
  type SinkTopic,
  type SinkWriter,
} from './sink.ts'
export {
  BadRow,
  type ResumeState,
  type Source,
  type SourceBatch,
  type SourceContext,
  type SourceReader,
} from './source.ts'
export {
  TransactionalOffsets,
  type OffsetOwner,
  type OffsetStore,
  type StoredOffset,
} from './transactional-offsets.ts'
