/* oxlint-disable import/no-cycle -- a stream is joined to a global table, which makes another stream. */
/** Global tables, which every instance has as a whole, and the joins of streams to them. */
import type { Graph } from '../plan/graph.ts'
import { valued } from '../plan/graph.ts'
import { innerJoinGlobal, type KeyOf, leftJoinGlobal } from '../operators/global-join.ts'
import type { RecordContext } from '../operators/record.ts'
import { checkCall, wrongArgument } from './arguments.ts'
import type { Named } from './options.ts'
import { Stream } from './stream.ts'

/**
 * A table of which every instance has all rows, read from its topic at each start. Streams are joined to it
 * by any key, without an exchange: {@link Stream.join}.
 */
export class GlobalTable<K, V> {
  /** @internal */
  readonly graph: Graph
  /** @internal The name of its topic. */
  readonly topic: string
  /** The types of its rows: for the compiler only. */
  declare readonly row?: readonly [key: K, value: V]

  /** @internal */
  constructor(graph: Graph, topic: string) {
    this.graph = graph
    this.topic = topic
  }
}

/** What a join to a global table is called with, after the table. */
export type GlobalJoinCall<K, V, K2, T, R> = readonly [
  keyOf: KeyOf<K, V, K2>,
  joiner: (value: V, row: T, key: K, record: RecordContext) => R,
  options?: Named,
]

/** Joins a stream to a global table, for the method of this kind. */
export function joinGlobally<K, V, K2, T, R>(
  kind: 'join' | 'leftJoin',
  stream: Stream<K, V>,
  table: GlobalTable<K2, T>,
  [keyOf, joiner, options = {}]: GlobalJoinCall<K, NonNullable<V>, K2, T, R>,
): Stream<K, R> {
  const method = `${kind} of a global table` as const
  checkCall(method, { keyOf, joiner }, options)
  const { graph, edge } = stream
  if (table.graph !== graph)
    throw wrongArgument(method, 'table', "a table of the stream's own app", table.topic)
  const operator =
    kind === 'join'
      ? innerJoinGlobal(table.topic, keyOf, joiner)
      : // The type of the method says that the row may be null.
        leftJoinGlobal(
          table.topic,
          keyOf,
          joiner as (value: NonNullable<V>, row: T | null, key: K, record: RecordContext) => R,
        )
  return new Stream(graph, graph.apply(operator, [valued(edge)], options))
}
