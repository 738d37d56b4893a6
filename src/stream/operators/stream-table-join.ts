/**
 * Joins each record of a stream to the latest value of a table under the same key. Changes of the table
 * produce no output.
 *
 * Inner: a record without a match produces no output, and a record without a key or a value is dropped. Left:
 * a record without a match or a key is joined to null, and a record without a value is dropped. The guarantee
 * of equal results does not cover joins: which value is the latest depends on how the two inputs interleave.
 */
import { hasKey, hasValue, keyed, type Maybe, type OperatorSpec } from './operator.ts'
import type { RecordContext, StreamRecord } from './record.ts'
import { returned } from './returned.ts'
import type { Change } from './table-rows.ts'

type Joined<K, V, K2, T, R> = OperatorSpec<[StreamRecord<K, Maybe<V>>, Change<K2, T>], [StreamRecord<K, R>]>

/** The table's own state has the change already. */
const ignored = (): void => {}

export const innerJoin = <K, V, T, R>(
  joiner: (value: V, tableValue: T, key: K, record: RecordContext) => R,
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
          joined(record.withValue(returned(joiner(record.value, match, record.key, record), 'join')))
        }),
        ignored,
      ],
    }
  },
})

export const leftJoin = <K, V, T, R>(
  joiner: (value: V, tableValue: T | null, key: K, record: RecordContext) => R,
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
          joined(record.withValue(returned(joiner(record.value, match ?? null, record.key, record), 'join')))
        },
        ignored,
      ],
    }
  },
})
