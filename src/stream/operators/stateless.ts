/** The operators without state: each is one function from a record to the records it becomes. */
import { frozen, given } from '../../state/index.ts'
import { type OperatorFactory, stateless } from './operator.ts'
import { returned, returnedKey, returnedPair, returnedPairs, returnedTruth } from './returned.ts'

type Fn<R> = (value: unknown, key: unknown) => R

/** Passes on what `keep` answers true for. */
export const filter = (keep: Fn<boolean>): OperatorFactory =>
  stateless((record, forward) => {
    if (returnedTruth(keep(record.value, record.key), 'filter')) forward(record)
  })

/** Passes on what `drop` answers false for. */
export const filterNot = (drop: Fn<boolean>): OperatorFactory =>
  stateless((record, forward) => {
    if (!returnedTruth(drop(record.value, record.key), 'filterNot')) forward(record)
  })

/** On a table a non-match is a deletion, and nothing at all where the old value did not match either. */
export const filterTable =
  (keep: Fn<boolean>): OperatorFactory =>
  (context, [forward]) => {
    const kept = (value: unknown, key: unknown): boolean => returnedTruth(keep(value, key), 'filter')
    return {
      inputs: [
        record => {
          const { key } = record
          const value = record.value !== null && kept(record.value, key) ? record.value : null
          const previous = record.previous !== null && kept(record.previous, key) ? record.previous : null
          if (value !== null || previous !== null) forward?.(record.withValue(value, previous))
        },
      ],
      view: {
        get: (rawKey, key) => {
          const value = context.view(0).get(rawKey, key)
          return value !== undefined && kept(value, key) ? value : undefined
        },
      },
    }
  }

export const mapValues = (mapper: Fn<unknown>): OperatorFactory =>
  stateless((record, forward) =>
    forward(record.withValue(returned(mapper(record.value, record.key), 'mapValues'))),
  )

/**
 * On a table both sides of the change are mapped; a deletion stays one, and a row that is mapped to null is
 * none.
 */
export const mapTableValues =
  (mapper: Fn<unknown>): OperatorFactory =>
  (context, [forward]) => {
    const mapped = (value: unknown, key: unknown): unknown =>
      value === null ? null : returned(mapper(value, key), 'mapValues')
    return {
      inputs: [
        record => {
          const value = mapped(record.value, record.key)
          const previous = mapped(record.previous, record.key)
          if (value !== null || previous !== null) forward?.(record.withValue(value, previous))
        },
      ],
      view: {
        get: (rawKey, key) => {
          const value = context.view(0).get(rawKey, key)
          return value === undefined ? undefined : (mapped(value, key) ?? undefined)
        },
      },
    }
  }

export const map = (mapper: Fn<readonly [unknown, unknown]>): OperatorFactory =>
  stateless((record, forward) => {
    const [key, value] = returnedPair(mapper(record.value, record.key), 'map')
    forward(record.withValue(value).withKey(returnedKey(key, 'map')))
  })

export const flatMap = (mapper: Fn<Iterable<readonly [unknown, unknown]>>): OperatorFactory =>
  stateless((record, forward) => {
    for (const pair of returnedPairs(mapper(record.value, record.key))) {
      // Several of them may hold the same objects.
      const [key, value] = frozen(returnedPair(pair, 'flatMap'))
      forward(record.withValue(given(value)).withKey(returnedKey(key, 'flatMap')))
    }
  })

export const selectKey = (selector: Fn<unknown>): OperatorFactory =>
  stateless((record, forward) =>
    forward(record.withKey(returnedKey(selector(record.value, record.key), 'selectKey'))),
  )

/** Another key to group by. A record without a value is in no group, so the selector is not asked. */
export const groupKey =
  (selector: Fn<unknown>): OperatorFactory =>
  (context, [forward]) => ({
    inputs: [
      record => {
        if (record.value === null) return context.drop('null-value')
        forward?.(record.withKey(returnedKey(selector(record.value, record.key), 'groupBy')))
      },
    ],
  })

export const peek = (look: Fn<void>): OperatorFactory =>
  stateless((record, forward) => {
    look(record.value, record.key)
    forward(record)
  })
