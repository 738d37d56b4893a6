/** stream: the processor. The DSL, the plan, tasks and operators, time, and exactly-once. */
export { App } from './dsl/app.ts'
export { isApp, listApps, resetApp, type AppDescription } from './run/apps.ts'
export { CoGroupedStreams } from './dsl/windowed-co-group.ts'
export { CogroupedStream, SessionWindowedCogroupedStream, WindowedCogroupedStream } from './dsl/cogrouped.ts'
export { GroupedStream, type SessionizeOptions } from './dsl/grouped.ts'
export { GroupedTable } from './dsl/grouped-table.ts'
export { type JoinedStream, type JoinOptions } from './dsl/stream-joins.ts'
export { SessionWindowedStream, WindowedStream } from './dsl/windowed.ts'
export { WindowedTable } from './dsl/windowed-table.ts'
export { failsAlways, policyOf, settleFailedResult } from './task/error-policies.ts'
export { Instance } from './run/instance.ts'
export { Metrics } from './task/metrics.ts'
export {
  type DiscardingPolicy,
  type EarlyPolicy,
  type EmitPolicy,
  type RecordsPolicy,
} from './operators/emit-policy.ts'
export { type RecordAhead } from './run/record-ahead.ts'
export { notBegun, type Progress, type RunState } from './run/progress.ts'
export { type Pane, type RecordContext } from './operators/record.ts'
export { type Sides } from './operators/window-pairs.ts'
export { type SessionRecord } from './operators/session-records.ts'
export { GlobalTableRows } from './task/global-table-rows.ts'
export { SourcePartition } from './task/source-partition.ts'
export { TaskGroup } from './task/task-group.ts'
export { settingsOf, type RunOptions } from './run/run-options.ts'
export { GlobalTable } from './dsl/global-table.ts'
export { type HistoryOptions, type TableOptions, type TableWithHistory } from './dsl/history.ts'
export { type SuppressOptions } from './dsl/suppress.ts'
export { type DeduplicateOptions } from './dsl/deduplicate.ts'
export { type SplitOptions } from './dsl/split.ts'
export { type StreamWithLate } from './dsl/side-outputs.ts'
export { type RepartitionOptions, Stream } from './dsl/stream.ts'
export {
  type Broadcast,
  type ProcessDefinition,
  type ProcessInput,
  type RowsOf,
  type TimerFunction,
} from './dsl/process.ts'
export {
  listState,
  mapState,
  Output,
  output,
  StateDeclaration,
  type StateOptions,
  valueState,
} from './dsl/process-declarations.ts'
export { type BroadcastRows } from './operators/broadcast-rows.ts'
export { type Timer } from './operators/key-timers.ts'
export { type ListState, type MapState, type ValueState } from './operators/kept-values.ts'
export { type ProcessContext } from './operators/process.ts'
export { type TimeDomain } from './operators/process-states.ts'
export { type MapAsyncOptions } from './dsl/map-async.ts'
export { Matches, type MatchOptions } from './dsl/match.ts'
export {
  type EarlierEvents,
  Pattern,
  pattern,
  type PatternCondition,
  type PatternOf,
  PatternStart,
} from './dsl/pattern.ts'
export { Table } from './dsl/table.ts'
export {
  cumulative,
  type CumulativeOptions,
  global,
  hopping,
  session,
  sliding,
  type TimedWindowOptions,
  tumbling,
  type WindowOptions,
} from './dsl/windows.ts'
export {
  type AlignedWindows,
  type DynamicSessionWindows,
  type SessionWindows,
  type SlidingWindows,
  type Windows,
  type WindowTime,
} from './operators/windows.ts'
