/**
 * The latest value per key of a topic, kept as state: a null value deletes. Forwards changes with what they
 * replaced.
 */
import { given, storable } from '../../state/index.ts'
import type { KeyCodec } from './key-codec.ts'
import { rawKeyOf } from './key-codec.ts'
import type { OperatorFactory } from './operator.ts'

/** Also what `toTable` is: a stream read as the changelog of a table. */
export const materialize =
  (keyCodec: KeyCodec): OperatorFactory =>
  (context, [forward]) => {
    const state = context.state<unknown>('table')
    return {
      inputs: [
        record => {
          if (record.key === null || record.key === undefined) return context.drop('null-key')
          const rawKey = rawKeyOf(record, keyCodec)
          const previous = state.get(0, rawKey) ?? null
          if (record.value === null) {
            if (previous === null) return
            state.delete(0, rawKey)
          } else state.put(0, rawKey, storable(record.value, record.key))
          forward?.(record.withValue(given(record.value), given(previous)))
        },
      ],
      view: { get: rawKey => given(state.get(0, rawKey)) },
    }
  }
