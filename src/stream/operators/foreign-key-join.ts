/**
 * Joins the rows of a table to the rows of another table that they refer to (KIP-213). Three operators, each
 * behind an exchange, so that the two tables may be partitioned as they like:
 *
 *     this table ─┬─ by its key ────────────────────────────────────▶ join ──▶ result
 *                 └─ asks ── by foreign key ──▶ answers ── by its key ──▶ ┘
 *     the other table ──── by its key ────────▶ ┘
 *
 * Rows and answers come to the join on two ways, in any order. So it keeps the answers on each key that its
 * row asks for, or has asked for and is yet to hear the last of. It gives a result when it has an answer on
 * the key that the row refers to now. Until then the result before stays: an answer on another key is stale.
 * The answers on one key come in order, so the last one counts.
 *
 * A change has the larger timestamp of the two rows, or that of the deletion which causes it.
 */
import { given, storable } from '../../state/index.ts'
import type { Answer } from './foreign-key-answers.ts'
import { type ForeignKey, referredBy } from './foreign-key-asks.ts'
import type { KeyCodec } from './key-codec.ts'
import type { OperatorSpec } from './operator.ts'
import { StreamRecord } from './record.ts'
import { returned } from './returned.ts'
import type { Change } from './table-rows.ts'
import type { Row } from './window-row.ts'

type ForeignKeyJoin<K, V, T, J> = OperatorSpec<
  [Change<K, V>, StreamRecord<K, Answer<T>>],
  [Change<K, NonNullable<J>>]
>

/** What is known under a key. */
interface Known<V, T, J> {
  readonly row: Row<V> | null
  /** The bytes of the key that the row refers to; null for none. */
  readonly on: string | null
  /** The latest answer on each key. */
  readonly answers: readonly (readonly [on: string, row: Row<T> | null])[]
  /** The result that was forwarded last. */
  readonly shown: J | null
}

const nothing: Known<never, never, never> = { row: null, on: null, answers: [], shown: null }

/** `join`: the result of a row and the one that it refers to; null for none. */
const joinByForeignKey = <K, V, K2, T, J>(
  kind: 'inner' | 'left',
  foreignKey: ForeignKey<K, V, K2>,
  others: KeyCodec,
  join: (value: V, otherValue: T | null, key: K) => J | null,
): ForeignKeyJoin<K, V, T, J> => ({
  name: kind === 'inner' ? 'foreign-key-join' : 'foreign-key-left-join',
  label: `${kind} join tables by foreign key`,
  outlets: ['changes'],
  stateful: true,
  keepsRowsOf: [0, 1],
  acrossPartitions: true,
  make(context, [changed]) {
    const state = context.state<Known<V, T, NonNullable<J>>>('rows')
    const referred = referredBy(foreignKey, others)

    /** Keeps what is known after `cause`. If the result may have changed, forwards it. */
    const learn = (
      cause: StreamRecord<K>,
      known: Known<V, T, NonNullable<J>>,
      mayChange: boolean,
      causedAt: number,
    ): void => {
      const { key, watermark, raised, headers } = cause
      const { row, on, answers, shown: before } = known
      const rawKey = context.rawKey(cause)
      const other = on === null ? null : answers.find(answer => answer[0] === on)?.[1]
      // Until the answer comes, the result before stays.
      const isKnown = mayChange && (row === null || other !== undefined)
      const result =
        isKnown && row ? (join(given(row.value), given(other?.value ?? null), key) ?? null) : null
      const shown = isKnown ? storable(result, key) : before
      if (row === null && answers.length === 0) state.delete(0, rawKey)
      else state.put(0, rawKey, { row, on, answers, shown })
      if (!isKnown || (result === null && before === null)) return
      const at = Math.max(causedAt, row?.timestamp ?? causedAt, other?.timestamp ?? causedAt)
      changed(new StreamRecord(key, result, given(before), at, watermark, raised, headers, undefined, rawKey))
    }
    const knownOf = (record: StreamRecord<K>): Known<V, T, NonNullable<J>> =>
      state.get(0, context.rawKey(record)) ?? nothing
    return {
      inputs: [
        record => {
          const { key, value, timestamp } = record
          const row = value === null ? null : { value: storable(value, key), timestamp }
          const on = referred(value, key)?.raw ?? null
          if (row && on === null && kind === 'inner') context.drop('null-key')
          learn(record, { ...knownOf(record), row, on }, true, timestamp)
        },
        record => {
          const { on, row: found, deletedAt, isLast } = record.value
          const known = knownOf(record)
          const row = found && { ...found, value: storable(found.value, record.key) }
          const onOthers = known.answers.filter(answer => answer[0] !== on)
          const answers = isLast ? onOthers : [...onOthers, [on, row] as const]
          const mayChange = on === known.on && !isLast
          learn(record, { ...known, answers }, mayChange, deletedAt ?? Number.NEGATIVE_INFINITY)
        },
      ],
      view: { get: rawKey => given(state.get(0, rawKey)?.shown ?? undefined) },
    }
  },
})

/** The rows that refer to a row that is there. */
export const innerJoinByForeignKey = <K, V, K2, T, J>(
  foreignKey: ForeignKey<K, V, K2>,
  others: KeyCodec,
  joiner: (value: V, otherValue: T, key: K) => J,
): ForeignKeyJoin<K, V, T, J> =>
  joinByForeignKey('inner', foreignKey, others, (value, otherValue, key) =>
    otherValue === null ? null : returned(joiner(value, otherValue, key), 'join'),
  )

/** All rows of the table. */
export const leftJoinByForeignKey = <K, V, K2, T, J>(
  foreignKey: ForeignKey<K, V, K2>,
  others: KeyCodec,
  joiner: (value: V, otherValue: T | null, key: K) => J,
): ForeignKeyJoin<K, V, T, J> =>
  joinByForeignKey('left', foreignKey, others, (value, otherValue, key) =>
    returned(joiner(value, otherValue, key), 'leftJoin'),
  )
