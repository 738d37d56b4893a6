/** The operators without state: each is one function from a record to the records it becomes. */
import { type OperatorFactory, stateless } from '../operator.ts'

type Fn<R> = (value: unknown, key: unknown) => R

/** Passes on what `keep` answers true for. */
export const filter = (keep: Fn<boolean>): OperatorFactory =>
  stateless((record, forward) => {
    if (keep(record.value, record.key)) forward(record)
  })

/** On a table a non-match is a deletion, and nothing at all where the old value did not match either. */
export const filterTable =
  (keep: Fn<boolean>): OperatorFactory =>
  (context, [forward]) => ({
    inputs: [
      record => {
        const value = record.value !== null && keep(record.value, record.key) ? record.value : null
        const previous =
          record.previous !== null && keep(record.previous, record.key) ? record.previous : null
        if (value !== null || previous !== null) forward?.(record.withValue(value, previous))
      },
    ],
    view: {
      get: (rawKey, key) => {
        const value = context.view(0).get(rawKey, key)
        return value !== undefined && keep(value, key) ? value : undefined
      },
    },
  })

export const mapValues = (mapper: Fn<unknown>): OperatorFactory =>
  stateless((record, forward) => forward(record.withValue(mapper(record.value, record.key))))

/** On a table both sides of the change are mapped; a deletion stays one, and a row that is mapped to null is none. */
export const mapTableValues =
  (mapper: Fn<unknown>): OperatorFactory =>
  (context, [forward]) => {
    const mapped = (value: unknown, key: unknown): unknown =>
      value === null ? null : (mapper(value, key) ?? null)
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
    const [key, value] = mapper(record.value, record.key)
    forward(record.withValue(value).withKey(key))
  })

export const flatMap = (mapper: Fn<Iterable<readonly [unknown, unknown]>>): OperatorFactory =>
  stateless((record, forward) => {
    for (const [key, value] of mapper(record.value, record.key)) forward(record.withValue(value).withKey(key))
  })

export const selectKey = (selector: Fn<unknown>): OperatorFactory =>
  stateless((record, forward) => forward(record.withKey(selector(record.value, record.key))))

export const peek = (look: Fn<void>): OperatorFactory =>
  stateless((record, forward) => {
    look(record.value, record.key)
    forward(record)
  })
