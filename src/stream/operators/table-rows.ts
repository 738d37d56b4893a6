/**
 * The operators on the rows of a table. They apply to both sides of a change, and to each row that a join
 * looks up.
 */
import type { Unary } from './operator.ts'
import type { StreamRecord } from './record.ts'
import { returned, returnedTruth } from './returned.ts'

/** A change of a row: null means that there is no row, or was none. */
export type Change<K, V> = StreamRecord<K, V | null>

type Rows<K, V, R> = Unary<Change<K, V>, Change<K, R>>

/**
 * Maps each row; null means no row. A deletion stays a deletion. If there was no row before and there is none
 * now, no change is forwarded.
 */
const eachRow = <K, V, R>(name: string, become: (value: V, key: K) => R | null): Rows<K, V, R> => ({
  name: `table-${name}`,
  label: `table ${name}`,
  outlets: ['changes'],
  make(context, [changed]) {
    const rows = context.view<K, V>(0)
    const became = (value: V | null, key: K): R | null => (value === null ? null : become(value, key))
    return {
      inputs: [
        record => {
          const value = became(record.value, record.key)
          const previous = became(record.previous, record.key)
          if (value !== null || previous !== null) changed(record.withValue(value, previous))
        },
      ],
      view: {
        get: (rawKey, key) => became(rows.get(rawKey, key as K) ?? null, key as K) ?? undefined,
        asOf: (rawKey, key, timestamp) =>
          became(rows.asOf(rawKey, key as K, timestamp) ?? null, key as K) ?? undefined,
      },
    }
  },
})

/** Keeps the rows for which `keep` returns true. A row that no longer passes is deleted downstream. */
export const filterRows = <K, V>(keep: (value: V, key: K) => boolean): Rows<K, V, V> =>
  eachRow('filter', (value, key) => (returnedTruth(keep(value, key), 'filter') ? value : null))

/** Keeps the rows for which `drop` returns false. */
export const filterRowsNot = <K, V>(drop: (value: V, key: K) => boolean): Rows<K, V, V> =>
  eachRow('filter-not', (value, key) => (returnedTruth(drop(value, key), 'filterNot') ? null : value))

/** Replaces the value of each row; null deletes the row. */
export const mapRows = <K, V, R>(mapper: (value: V, key: K) => R): Rows<K, V, NonNullable<R>> =>
  eachRow('map-values', (value, key) => returned(mapper(value, key), 'mapValues') ?? null)
