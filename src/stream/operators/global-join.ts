/**
 * Joins each record of a stream to the row of a global table under any key: a function of the program says
 * which. Every instance has all rows, so the record stays in its task. Changes of the table produce no
 * output, and a record meets the row as it is then.
 */
import { given } from '../../state/index.ts'
import { hasValue, type Maybe, type Unary } from './operator.ts'
import type { RecordContext, StreamRecord } from './record.ts'
import { returned, returnedKey } from './returned.ts'

/** The key of a record's row; null for none. */
export type KeyOf<K, V, K2> = (value: V, key: K, record: RecordContext) => K2 | null | undefined

/** Makes a result of a record and its row; of `leftJoin`, null for none. */
type Joiner<K, V, T, R> = (value: V, row: T, key: K, record: RecordContext) => R

type GlobalJoin<K, V, R> = Unary<StreamRecord<K, Maybe<V>>, StreamRecord<K, R>>

/** `table`: the name of its topic. */
const joinGlobal = <K, V, K2, T, R>(
  kind: 'inner' | 'left',
  table: string,
  keyOf: KeyOf<K, V, K2>,
  joiner: Joiner<K, V, T | null, R>,
): GlobalJoin<K, V, R> => ({
  name: kind === 'inner' ? 'global-join' : 'global-left-join',
  label: `${kind} join global table '${table}'`,
  outlets: ['joined'],
  make(context, [joined]) {
    const rows = context.global<K2, T>(table)
    const method = kind === 'inner' ? 'join' : 'leftJoin'
    return {
      inputs: [
        record => {
          if (!hasValue<K, V>(record)) return context.drop('null-value')
          const { value, key } = record
          const rowKey = returnedKey(keyOf(value, key, record), method)
          const isKeyless = rowKey === null || rowKey === undefined
          if (isKeyless && kind === 'inner') return context.drop('null-key')
          const row = isKeyless ? null : (rows.get(rowKey) ?? null)
          if (row === null && kind === 'inner') return
          joined(record.withValue(returned(joiner(value, given(row), key, record), method)))
        },
      ],
    }
  },
})

/** A record without a row has no result, and one without a key for it is dropped. */
export const innerJoinGlobal = <K, V, K2, T, R>(
  table: string,
  keyOf: KeyOf<K, V, K2>,
  joiner: Joiner<K, V, T, R>,
): GlobalJoin<K, V, R> =>
  // It is called only with a row.
  joinGlobal('inner', table, keyOf, joiner as Joiner<K, V, T | null, R>)

/** A record without a row is joined to null. */
export const leftJoinGlobal = <K, V, K2, T, R>(
  table: string,
  keyOf: KeyOf<K, V, K2>,
  joiner: Joiner<K, V, T | null, R>,
): GlobalJoin<K, V, R> => joinGlobal('left', table, keyOf, joiner)
