/**
 * Joins two tables on their keys. The result is a table: a change of either side replaces the row that its
 * key had, and a result of null deletes the row. If there was no row before and there is none now, no change
 * is forwarded.
 *
 * As in Kafka Streams, a change has the larger timestamp of the change that causes it and of the other side's
 * row. The rows of both sides are kept here, not looked up: when both sides come from one table, a change
 * reaches them one after the other, and must replace what was forwarded before it.
 */
import { given, storable } from '../../state/index.ts'
import type { OperatorSpec } from './operator.ts'
import { StreamRecord } from './record.ts'
import { returned } from './returned.ts'
import type { Change } from './table-rows.ts'
import type { Row } from './window-row.ts'

type JoinOfTables<K, L, R, J> = OperatorSpec<[Change<K, L>, Change<K, R>], [Change<K, NonNullable<J>>]>

/** Both rows of a key. */
interface Rows<L, R> {
  readonly left: Row<L> | null
  readonly right: Row<R> | null
}

const noRows: Rows<never, never> = { left: null, right: null }

/** `join`: the result of the rows that are there; null for none. */
const joinTables = <K, L, R, J>(
  name: string,
  label: string,
  join: (left: L | null, right: R | null, key: K) => J | null,
): JoinOfTables<K, L, R, J> => ({
  name,
  label,
  outlets: ['changes'],
  stateful: true,
  acrossPartitions: true,
  make(context, [changed]) {
    const state = context.state<Rows<L, R>>('rows')
    const { rawKey: rawKeyOf } = context
    const joined = ({ left, right }: Rows<L, R>, key: K): NonNullable<J> | null =>
      join(given(left?.value ?? null), given(right?.value ?? null), key) ?? null
    const take = <V>(record: Change<K, V>, withRow: (rows: Rows<L, R>, row: Row<V> | null) => Rows<L, R>) => {
      const { key, value, timestamp, watermark, raised, headers } = record
      const rawKey = rawKeyOf(record)
      const before = state.get(0, rawKey) ?? noRows
      const after = withRow(before, value === null ? null : { value: storable(value, key), timestamp })
      if (after.left !== null || after.right !== null) state.put(0, rawKey, after)
      else if (before !== noRows) state.delete(0, rawKey)
      const result = joined(after, key)
      const previous = joined(before, key)
      if (result === null && previous === null) return
      const latest = Math.max(
        timestamp,
        after.left?.timestamp ?? timestamp,
        after.right?.timestamp ?? timestamp,
      )
      changed(new StreamRecord(key, result, previous, latest, watermark, raised, headers, undefined, rawKey))
    }
    return {
      inputs: [
        record => take(record, (rows, left) => ({ ...rows, left })),
        record => take(record, (rows, right) => ({ ...rows, right })),
      ],
      view: {
        get(rawKey, key) {
          const rows = state.get(0, rawKey)
          return rows && (joined(rows, key as K) ?? undefined)
        },
      },
    }
  },
})

/** The rows of keys that both sides have. */
export const innerJoinTables = <K, L, R, J>(
  joiner: (left: L, right: R, key: K) => J,
): JoinOfTables<K, L, R, J> =>
  joinTables('table-join', 'inner join tables', (left, right, key) =>
    left === null || right === null ? null : returned(joiner(left, right, key), 'join'),
  )

/** The rows of the left side's keys. */
export const leftJoinTables = <K, L, R, J>(
  joiner: (left: L, right: R | null, key: K) => J,
): JoinOfTables<K, L, R, J> =>
  joinTables('table-left-join', 'left join tables', (left, right, key) =>
    left === null ? null : returned(joiner(left, right, key), 'leftJoin'),
  )

/** The rows of keys that either side has. */
export const outerJoinTables = <K, L, R, J>(
  joiner: (left: L | null, right: R | null, key: K) => J,
): JoinOfTables<K, L, R, J> =>
  joinTables('table-outer-join', 'outer join tables', (left, right, key) =>
    left === null && right === null ? null : returned(joiner(left, right, key), 'outerJoin'),
  )
