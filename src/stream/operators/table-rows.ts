/**
 * The operators on the rows of a table: both sides of a change go through, and so does what a join looks up.
 */
import type { Unary } from './operator.ts'
import type { StreamRecord } from './record.ts'
import { returned, returnedTruth } from './returned.ts'

/** A change of a row: null where there is none, or was none. */
export type Change<K, V> = StreamRecord<K, V | null>

type Rows<K, V, R> = Unary<Change<K, V>, Change<K, R>>

/**
 * What becomes of each row, null for none. A deletion stays one. Nothing is said of a row that was none
 * before and is none now.
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
      view: { get: (rawKey, key) => became(rows.get(rawKey, key as K) ?? null, key as K) ?? undefined },
    }
  },
})

/** Rows that `keep` answers true for. One that it no longer does is deleted downstream. */
export const filterRows = <K, V>(keep: (value: V, key: K) => boolean): Rows<K, V, V> =>
  eachRow('filter', (value, key) => (returnedTruth(keep(value, key), 'filter') ? value : null))

/** Rows that `drop` answers false for. */
export const filterRowsNot = <K, V>(drop: (value: V, key: K) => boolean): Rows<K, V, V> =>
  eachRow('filter-not', (value, key) => (returnedTruth(drop(value, key), 'filterNot') ? null : value))

/** Rows under another value; one that is mapped to null is none. */
export const mapRows = <K, V, R>(mapper: (value: V, key: K) => R): Rows<K, V, NonNullable<R>> =>
  eachRow('map-values', (value, key) => returned(mapper(value, key), 'mapValues') ?? null)
