/**
 * The rows of a table that every task has: its changes come to all tasks, each of which keeps the latest
 * value of each key. As with any table, a record meets the rows that have come so far.
 *
 * State: namespace 0, the row's key as JSON → its value.
 */
import { given, storable } from '../../state/index.ts'
import { jsonKeyCodec } from './key-codec.ts'
import type { Forward, OperatorContext } from './operator.ts'

/** The rows of a table in every task, whatever their keys. */
export interface BroadcastRows<K, V> {
  get(key: K): V | undefined
  /** All rows, in the order of their keys as JSON. */
  entries(): readonly (readonly [key: K, value: V])[]
}

/** `take` gets the changes of the table. */
export function broadcastRows(
  context: OperatorContext,
  name: string,
): { readonly rows: BroadcastRows<unknown, unknown>; readonly take: Forward } {
  const state = context.state<unknown>(`broadcast-${name}`, { isScanned: true })
  /** As long as no row changes: programs ask for all rows at each record. */
  let known: readonly (readonly [unknown, unknown])[] | undefined
  const forget = (): void => {
    known = undefined
  }
  return {
    rows: {
      get: key => given(state.get(0, jsonKeyCodec.encode(key))),
      entries: () =>
        (known ??= Array.from(state.scan(0, 1), ({ key, value }) => [
          jsonKeyCodec.decode(key),
          given(value),
        ])),
    },
    take({ key, value }) {
      forget()
      context.undoable?.(forget)
      const rowKey = jsonKeyCodec.encode(key)
      if (value === null) state.delete(0, rowKey)
      else state.put(0, rowKey, storable(value, key))
    },
  }
}
