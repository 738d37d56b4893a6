/** stream: the processor. The DSL, the plan, tasks and operators, time, and exactly-once. */
export { App } from './dsl/app.ts'
export { isApp, listApps, resetApp, type AppDescription } from './run/apps.ts'
export { GroupedStream, SessionWindowedStream, WindowedStream, WindowedTable } from './dsl/grouped.ts'
export { failsAlways, policyOf, settleFailedResult } from './task/error-policies.ts'
export { Instance } from './run/instance.ts'
export { Metrics } from './task/metrics.ts'
export { type EmitPolicy } from './operators/emission.ts'
export { type RecordAhead } from './run/record-ahead.ts'
export { notBegun, type Progress, type RunState } from './run/progress.ts'
export { type Pane } from './operators/record.ts'
export { SourcePartition } from './task/source-partition.ts'
export { TaskGroup } from './task/task-group.ts'
export { settingsOf, type RunOptions } from './run/run-options.ts'
export { Stream } from './dsl/stream.ts'
export { Table } from './dsl/table.ts'
export {
  hopping,
  session,
  tumbling,
  type AlignedWindows,
  type SessionWindows,
  type WindowOptions,
  type Windows,
} from './operators/windows.ts'
