/** The records of a session in the order of their timestamps; of those with equal ones, as they came. */
import { storable } from '../../state/index.ts'
import type { SessionAggregation } from './aggregation.ts'

/** A record of a session. */
export interface SessionRecord<V> {
  readonly value: V
  readonly timestamp: number
}

type Records<V> = readonly SessionRecord<V>[]

export function inTimeOrder<K, V>(): SessionAggregation<K, V, Records<V>> {
  const add = (records: Records<V>, value: V, key: K, { timestamp }: { timestamp: number }): Records<V> => {
    const place = records.findLastIndex(other => other.timestamp <= timestamp) + 1
    return storable(records.toSpliced(place, 0, { value, timestamp }), key)
  }
  return {
    folds: [{ first: (value, key, record) => add([], value, key, record), add }],
    merge: (left, right, key) =>
      storable(
        [...left, ...right].toSorted((one, other) => one.timestamp - other.timestamp),
        key,
      ),
    shape: () => 'array',
  }
}
