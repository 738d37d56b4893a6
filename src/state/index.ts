/** state: what a task keeps between records. Stores, typed state in front of them, and their changelogs. */
export {
  type ChangelogPlace,
  changelogTopic,
  restore,
  type Restored,
  writeChangesInSteps,
} from './changelog.ts'
export { frozen, given, storable } from './frozen.ts'
export { KeyedState, type StateChange } from './keyed-state.ts'
export { memoryStore } from './memory-store.ts'
export { UndoLog } from './undo-log.ts'
export { valueCodec } from './value-codec.ts'
