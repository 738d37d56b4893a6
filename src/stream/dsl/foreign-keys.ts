/** How the parts of a foreign-key join are put together: operators/foreign-key-join.ts. */
import { answerForeignKeys } from '../operators/foreign-key-answers.ts'
import { askByForeignKey, type ForeignKey } from '../operators/foreign-key-asks.ts'
import { innerJoinByForeignKey, leftJoinByForeignKey } from '../operators/foreign-key-join.ts'
import type { Change } from '../operators/table-rows.ts'
import type { Edge, Graph } from '../plan/graph.ts'
import { checkCall } from './arguments.ts'
import type { Versioned } from './options.ts'

/** What a join by foreign key is called with, after the other table. */
export type ByForeignKey<K, V, K2, T, R> = readonly [
  foreignKey: ForeignKey<K, V, K2>,
  joiner: (value: V, otherValue: T, key: K) => R,
  options?: Versioned | undefined,
]

/** What a join of tables is called with: by foreign key, or by the keys of both. */
export type JoinCall<K, V, K2, T, R> =
  | ByForeignKey<K, V, K2, T, R>
  | readonly [joiner: (value: V, otherValue: T, key: K) => R, options?: Versioned | undefined]

export function isByForeignKey<K, V, K2, T, R>(
  given: JoinCall<K, V, K2, T, R>,
): given is ByForeignKey<K, V, K2, T, R> {
  return typeof given[1] === 'function'
}

const joins = { join: innerJoinByForeignKey, leftJoin: leftJoinByForeignKey } as const

/** The changes of the joined rows. */
export function joinedByForeignKey<K, V, K2, T, R>(
  method: 'join' | 'leftJoin',
  graph: Graph,
  rows: Edge<Change<K, V>>,
  others: Edge<Change<K2, T>>,
  foreignKey: ForeignKey<K, V, K2>,
  joiner: (value: V, otherValue: T, key: K) => R,
  options: Versioned,
): Edge<Change<K, NonNullable<R>>> {
  checkCall(`${method} of tables by foreign key`, { foreignKey, joiner }, options)
  const { keyCodec } = others.from
  // An inner join calls the joiner with both values; the type of the method says what the other one does.
  const join = joins[method](foreignKey, keyCodec, joiner as (value: V, otherValue: T | null, key: K) => R)
  graph.check(join, [rows, others], options)
  const named = (part: string) => ({
    ...options,
    ...(options.name !== undefined && { name: `${options.name}-${part}` }),
  })
  // First, so that a row comes to the join before an answer that is given at once.
  const moved = graph.repartition(rows)
  const asks = graph.apply(askByForeignKey(foreignKey, keyCodec), [rows], named('asks'))
  const answers = graph.apply(
    answerForeignKeys<K, K2, T>(rows.from.keyCodec),
    [graph.repartition(asks), graph.repartition(others)],
    named('answers'),
  )
  return graph.apply(join, [moved, graph.repartition(answers)], options)
}
