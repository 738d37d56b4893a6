/**
 * The n values of a key that are largest by a number, largest first. Of equal ones the one that came first is
 * before the others, and stays when there are too many.
 */
import { given, storable } from '../../state/index.ts'
import type { SessionAggregation } from './aggregation.ts'
import { returnedNumber } from './returned.ts'

export function largest<K, V>(
  n: number,
  by: (value: V, key: K) => number,
): SessionAggregation<K, V, readonly V[]> {
  const numberOf = (value: V, key: K): number => returnedNumber(by(given(value), key), 'topN')
  const add = (top: readonly V[], value: V, key: K): readonly V[] => {
    const number = numberOf(value, key)
    const place = top.findLastIndex(other => numberOf(other, key) >= number) + 1
    return place >= n ? top : storable(top.toSpliced(place, 0, value).slice(0, n), key)
  }
  return {
    folds: [{ first: (value, key) => add([], value, key), add }],
    merge: (left, right, key) => right.reduce((top, value) => add(top, value, key), left),
    shape: () => 'array',
  }
}
