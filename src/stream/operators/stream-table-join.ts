/**
 * Each record of a stream meets the latest value of a table under the same key. The table never triggers
 * anything.
 *
 * Inner: a record without a match goes no further. Left: it meets null. A null key or value: inner drops it,
 * left drops it only without a value. Not covered by the promise of equal results: which value is the latest
 * depends on how the two inputs interleave.
 */
import { hasKey, hasValue, keyed, type Maybe, type OperatorSpec } from './operator.ts'
import type { StreamRecord } from './record.ts'
import { returned } from './returned.ts'
import type { Change } from './table-rows.ts'

type Joined<K, V, K2, T, R> = OperatorSpec<[StreamRecord<K, Maybe<V>>, Change<K2, T>], [StreamRecord<K, R>]>

/** A change of the table is in its own state already. */
const ignored = (): void => {}

export const innerJoin = <K, V, T, R>(
  joiner: (value: V, tableValue: T, key: K) => R,
): OperatorSpec<[StreamRecord<Maybe<K>, Maybe<V>>, Change<K, T>], [StreamRecord<K, R>]> => ({
  name: 'join',
  label: 'inner join table',
  outlets: ['joined'],
  make(context, [joined]) {
    const table = context.view<K, T>(1)
    return {
      inputs: [
        keyed<K, V>(context, (record, rawKey) => {
          const match = table.get(rawKey, record.key)
          if (match === undefined) return
          joined(record.withValue(returned(joiner(record.value, match, record.key), 'join')))
        }),
        ignored,
      ],
    }
  },
})

export const leftJoin = <K, V, T, R>(
  joiner: (value: V, tableValue: T | null, key: K) => R,
): Joined<K, V, NonNullable<K>, T, R> => ({
  name: 'left-join',
  label: 'left join table',
  outlets: ['joined'],
  make(context, [joined]) {
    const table = context.view<K, T>(1)
    const { rawKey } = context
    return {
      inputs: [
        record => {
          if (!hasValue<K, V>(record)) return context.drop('null-value')
          const match = hasKey(record) ? table.get(rawKey(record), record.key) : undefined
          joined(record.withValue(returned(joiner(record.value, match ?? null, record.key), 'join')))
        },
        ignored,
      ],
    }
  },
})
