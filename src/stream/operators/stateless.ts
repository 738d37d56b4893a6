/** The operators on streams without state: each is one function from a record to the records it becomes. */
import { frozen, given } from '../../state/index.ts'
import { hasValue, type Maybe, stateless, type Unary } from './operator.ts'
import type { RecordContext, StreamRecord } from './record.ts'
import { done, returned, returnedKey, returnedMany, returnedPair, returnedTruth } from './returned.ts'

type Stateless<K, V, K2, V2> = Unary<StreamRecord<K, V>, StreamRecord<K2, V2>>

/** Passes on the records for which `keep` returns true. */
export const filter = <K, V>(
  keep: (value: V, key: K, record: RecordContext) => boolean,
): Stateless<K, V, K, V> =>
  stateless({ name: 'filter' }, (record, forward) => {
    if (returnedTruth(keep(record.value, record.key, record), 'filter')) forward(record)
  })

/** Passes on the records for which `drop` returns false. */
export const filterNot = <K, V>(
  drop: (value: V, key: K, record: RecordContext) => boolean,
): Stateless<K, V, K, V> =>
  stateless({ name: 'filter-not' }, (record, forward) => {
    if (!returnedTruth(drop(record.value, record.key, record), 'filterNot')) forward(record)
  })

export const mapValues = <K, V, R>(
  mapper: (value: V, key: K, record: RecordContext) => R,
): Stateless<K, V, K, R> =>
  stateless({ name: 'map-values' }, (record, forward) =>
    forward(record.withValue(returned(mapper(record.value, record.key, record), 'mapValues'))),
  )

export const map = <K, V, K2, V2>(
  mapper: (value: V, key: K, record: RecordContext) => readonly [K2, V2],
): Stateless<K, V, K2, V2> =>
  stateless({ name: 'map', keys: 'made' }, (record, forward) => {
    const [key, value] = returnedPair(mapper(record.value, record.key, record), 'map')
    forward(record.withPair(returnedKey(key, 'map'), value))
  })

export const flatMap = <K, V, K2, V2>(
  mapper: (value: V, key: K, record: RecordContext) => Iterable<readonly [K2, V2]>,
): Stateless<K, V, K2, V2> =>
  stateless({ name: 'flat-map', keys: 'made' }, (record, forward) => {
    for (const pair of returnedMany(mapper(record.value, record.key, record), 'flatMap')) {
      // Several of them may hold the same objects.
      const [key, value] = frozen(returnedPair(pair, 'flatMap'))
      forward(record.withPair(returnedKey(key, 'flatMap'), given(value)))
    }
  })

export const selectKey = <K, V, K2>(
  selector: (value: V, key: K, record: RecordContext) => K2,
  called: { readonly name: string; readonly label?: string } = { name: 'select-key' },
): Stateless<K, V, K2, V> =>
  stateless({ ...called, keys: 'made' }, (record, forward) =>
    forward(record.withKey(returnedKey(selector(record.value, record.key, record), 'selectKey'))),
  )

/**
 * Replaces the key, to group by it. A record without a value is in no group, so the selector is not called.
 */
export const groupKey = <K, V, K2>(
  selector: (value: V, key: K, record: RecordContext) => K2,
): Unary<StreamRecord<K, Maybe<V>>, StreamRecord<K2, V>> => ({
  name: 'select-key',
  keys: 'made',
  make: (context, [forward]) => ({
    inputs: [
      record => {
        if (!hasValue<K, V>(record)) context.drop('null-value')
        else forward(record.withKey(returnedKey(selector(record.value, record.key, record), 'groupBy')))
      },
    ],
  }),
})

export const peek = <K, V>(look: (value: V, key: K, record: RecordContext) => void): Stateless<K, V, K, V> =>
  stateless({ name: 'peek' }, (record, forward) => {
    done(look(record.value, record.key, record), 'peek')
    forward(record)
  })
