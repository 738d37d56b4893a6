/** States that are restored without a changelog. */
import { KeyedState, type KeyedStateOptions } from './keyed-state.ts'

/** Restores an entry from a stored key and its value; undefined: its tombstone. */
export function restoreEntry(
  state: KeyedState<unknown>,
  key: Uint8Array,
  value: Uint8Array | undefined,
): void {
  const bytes = Buffer.concat([key, value ?? new Uint8Array()])
  state.restore(bytes, 0, key.length, value ? key.length : -1, bytes.length)
}

/** A state like this one after a restart: it has only what is stored. */
export function restoredFrom<V>(state: KeyedState<V>, options?: KeyedStateOptions): KeyedState<V> {
  const again = new KeyedState<V>(state.name, options)
  for (const [key, value] of state.stored()) restoreEntry(again, key, value)
  again.restored(state.position)
  return again
}
