/**
 * millrace: a streaming data platform in a library. The composition root: the only place that knows which log
 * a port belongs to.
 */
export { durationMs, isMillraceError, MillraceError, type Duration, type ErrorCode } from './base/index.ts'
export { createApp, RunnableApp, type AppRunOptions, type RunningApp } from './create-app.ts'
export { openLog, type OpenLogOptions } from './open-log.ts'
export {
  type ConsumedBatch,
  type ConsumedRecord,
  type Consumer,
  type ConsumerOptions,
  type Isolation,
  type Log,
  type LogPort,
  type OffsetSpec,
  type OutgoingHeader,
  type OutgoingRecord,
  type Producer,
  type ProducerOptions,
  type TopicConfig,
  type TopicDescription,
} from './port/index.ts'
export {
  bytes,
  json,
  text,
  topic,
  windowed,
  type ErrorPolicy,
  type Numbers,
  type Topic,
  type TopicOptions,
  type WatermarkOptions,
  type Windowed,
} from './schema/index.ts'
export {
  hopping,
  session,
  tumbling,
  type AlignedWindows,
  type DeduplicateOptions,
  type EmitPolicy,
  type GroupedStream,
  type Metrics,
  type Pane,
  type Progress,
  type RecordAhead,
  type RunOptions,
  type RunState,
  type SessionWindowedStream,
  type SessionWindows,
  type SplitOptions,
  type Stream,
  type Table,
  type WindowedStream,
  type WindowedTable,
  type WindowOptions,
  type Windows,
} from './stream/index.ts'
