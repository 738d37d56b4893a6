/** state: what a task keeps between records. Stores, typed state in front of them, and their changelogs. */
export {
  changelogBatchBytesMax,
  changelogTopic,
  restore,
  writeChanges,
  type AppendBatch,
  type ChangelogPlace,
  type RestoreOptions,
} from './changelog.ts'
export { KeyedState, type KeyedStateOptions, type StateChange, type StateEntry } from './keyed-state.ts'
export { memoryStore } from './memory-store.ts'
export type { StateStore, StateStoreFactory } from './state-store.ts'
export { valueCodec, type ValueCodec } from './value-codec.ts'
