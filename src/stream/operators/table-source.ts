/**
 * The latest value per key of a topic, kept as state: a null value deletes. Forwards changes with the values
 * that they replace.
 */
import { given, storable } from '../../state/index.ts'
import { hasKey, hasValue, type Maybe, type Unary } from './operator.ts'
import type { StreamRecord } from './record.ts'
import type { Change } from './table-rows.ts'

/** `toTable` uses it, too: it reads a stream as the changelog of a table. */
export const materialize = <K, V>(called: {
  readonly name: string
  readonly label: string
}): Unary<StreamRecord<Maybe<K>, Maybe<V>>, Change<K, V>> => ({
  ...called,
  outlets: ['changes'],
  stateful: true,
  make(context, [changed]) {
    const state = context.state<V>('table')
    const { rawKey: rawKeyOf } = context
    return {
      inputs: [
        record => {
          if (!hasKey<K, Maybe<V>>(record)) return context.drop('null-key')
          const rawKey = rawKeyOf(record)
          const previous = state.get(0, rawKey) ?? null
          if (hasValue<K, V>(record)) {
            state.put(0, rawKey, storable(record.value, record.key))
            return changed(record.withValue<V | null>(given(record.value), given(previous)))
          }
          if (previous === null) return
          state.delete(0, rawKey)
          changed(record.withValue<V | null>(null, given(previous)))
        },
      ],
      view: { get: rawKey => given(state.get(0, rawKey)) },
    }
  },
})
