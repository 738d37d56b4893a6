/**
 * The rows of a table in groups, and how they become the aggregate of their group.
 *
 * A change of a row takes the old value from one group and gives the new one to another. Both travel as the
 * value of a record, so they pass an exchange like any record. If the group is the same, it gets one record
 * with both (as Kafka Streams since KIP-904), and so changes once.
 */
import type { Aggregation } from './aggregation.ts'
import { jsonKeyCodec } from './key-codec.ts'
import type { Unary } from './operator.ts'
import { type RecordContext, StreamRecord } from './record.ts'
import { returnedKey, returnedPair } from './returned.ts'
import type { Change } from './table-rows.ts'

/** What a change of a row means for one group; null: nothing. */
export interface GroupChange<V> {
  readonly removed: V | null
  readonly added: V | null
}

/** Where a row is: its group, with the bytes of its key, and the value that it has there. */
interface Place<K2, V2> {
  readonly group: K2
  readonly rawKey: string
  readonly value: NonNullable<V2>
}

/**
 * Gives each row a group and the value that it has there. The selector is called for the old row, too. A row
 * without a group or a value there is in no group; it is counted when it comes.
 */
export const groupRows = <K, V, K2, V2>(
  selector: (value: V, key: K) => readonly [group: K2, value: V2],
): Unary<Change<K, V>, StreamRecord<K2, GroupChange<NonNullable<V2>>>> => ({
  name: 'table-group-by',
  label: 'table group by',
  keys: 'made',
  make(context, [forward]) {
    const placeOf = (row: V, key: K, isNew: boolean): Place<K2, V2> | undefined => {
      const [made, value] = returnedPair(selector(row, key), 'groupBy')
      const group = returnedKey(made, 'groupBy')
      if (isPresent(group) && isPresent(value)) return { group, value, rawKey: jsonKeyCodec.encode(group) }
      if (isNew) context.drop(isPresent(group) ? 'null-value' : 'null-key')
      return undefined
    }
    return {
      inputs: [
        ({ key, value, previous, timestamp, watermark, raised, headers, pane }) => {
          const change = (
            { group, rawKey }: Place<K2, V2>,
            removed: NonNullable<V2> | null,
            added: NonNullable<V2> | null,
          ): void => {
            const what = { removed, added }
            forward(new StreamRecord(group, what, null, timestamp, watermark, raised, headers, pane, rawKey))
          }
          const from = previous === null ? undefined : placeOf(previous, key, false)
          const to = value === null ? undefined : placeOf(value, key, true)
          if (from && to && from.rawKey === to.rawKey) return change(to, from.value, to.value)
          if (from) change(from, from.value, null)
          if (to) change(to, null, to.value)
        },
      ],
    }
  },
})

function isPresent<T>(one: T): one is NonNullable<T> {
  return one !== null && one !== undefined
}

/**
 * An aggregation of the rows that a group has: what a change removes is subtracted before what it adds is
 * added. `subtract` is not called for a group without an aggregate.
 */
export function subtracting<K, V, A>(
  { folds: [{ first, add }], shape }: Aggregation<K, V, A>,
  subtract: (aggregate: A, value: V, key: K, record: RecordContext) => A | null,
): Aggregation<K, GroupChange<V>, A> {
  return {
    folds: [
      {
        first: ({ added }, key, record) => (added === null ? null : first(added, key, record)),
        add(aggregate, { removed, added }, key, record) {
          const rest = removed === null ? aggregate : subtract(aggregate, removed, key, record)
          if (added === null) return rest
          return rest === null ? first(added, key, record) : add(rest, added, key, record)
        },
      },
    ],
    shape,
  }
}
