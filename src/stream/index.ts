/** stream: the processor. The DSL, the plan, tasks and operators, time, and exactly-once. */
export { App } from './app.ts'
export { isApp, listApps, resetApp, type AppDescription } from './apps.ts'
export { GroupedStream, SessionWindowedStream, WindowedStream, WindowedTable } from './grouped.ts'
export { failsAlways, policyOf, settleFailedResult } from './error-policies.ts'
export { Instance } from './instance.ts'
export { Metrics } from './metrics.ts'
export { type EmitPolicy } from './operators/emission.ts'
export { type RecordAhead } from './ahead.ts'
export { notBegun, type Progress, type RunState } from './progress.ts'
export { type Pane } from './record.ts'
export { SourcePartition } from './source-partition.ts'
export { TaskGroup } from './task-group.ts'
export { settingsOf, type RunOptions } from './run-options.ts'
export { Stream } from './stream.ts'
export { Table } from './table.ts'
export {
  hopping,
  session,
  tumbling,
  type AlignedWindows,
  type SessionWindows,
  type WindowOptions,
  type Windows,
} from './windows.ts'
