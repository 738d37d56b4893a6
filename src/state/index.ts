/** state: what a task keeps between records: typed state over a table of bytes, and its changelogs. */
export {
  type ChangelogPlace,
  changelogTopic,
  restore,
  type Restored,
  writeChangesInSteps,
} from './changelog.ts'
export { frozen, given, storable } from './frozen.ts'
export {
  KeyedState,
  type KeyedStateOptions,
  type StateChange,
  type StateEntry,
  type StateUse,
} from './keyed-state.ts'
export { UndoLog } from './undo-log.ts'
export { valueCodec } from './value-codec.ts'
