/* oxlint-disable import/no-cycle -- streams group into tables, and tables change as streams: a duality. */
/** The public DSL of grouped tables: aggregates of the rows that each group has. */
import type { Graph } from '../plan/graph.ts'
import { aggregate } from '../operators/aggregate.ts'
import {
  type Aggregation,
  counting,
  type Folded,
  folding,
  type Initial,
  reducing,
} from '../operators/aggregation.ts'
import type { RecordContext } from '../operators/record.ts'
import { type GroupChange, subtracting } from '../operators/table-groups.ts'
import { checkCall, checkFolding } from './arguments.ts'
import type { Versioned } from './options.ts'
import { Table } from './table.ts'
import type { GroupedEdge } from './grouped.ts'

/**
 * A table whose rows are in groups. When a row changes, its old value is subtracted from its old group, then
 * its new value is added to its new group; a group that keeps the row changes once. A group stays when it has
 * no more rows, with what the subtractor returned: null deletes it.
 */
export class GroupedTable<K, V> {
  readonly #graph: Graph
  readonly #edge: GroupedEdge<K, GroupChange<V>>

  /** @internal */
  constructor(graph: Graph, edge: GroupedEdge<K, GroupChange<V>>) {
    this.#graph = graph
    this.#edge = edge
  }

  /** Counts the rows of each group. A group without rows has the count 0, as in Kafka Streams. */
  count(options: Versioned = {}): Table<K, number> {
    checkCall('count', {}, options)
    return this.#aggregate(
      'table-count',
      subtracting(counting, count => count - 1),
      options,
    )
  }

  /**
   * Folds the values of a group into one of the same type, beginning with the first value. `subtractor`
   * undoes what `adder` did.
   * @example scores.groupBy(({ team, points }) => [team, points]).reduce((a, b) => a + b, (a, b) => a - b)
   */
  reduce(
    adder: (reduced: Readonly<V>, value: V) => Folded<V>,
    subtractor: (reduced: Readonly<V>, value: V) => Folded<V>,
    options: Versioned = {},
  ): Table<K, V> {
    checkCall('reduce of tables', { adder, subtractor }, options)
    return this.#aggregate(
      'table-reduce',
      subtracting(reducing(adder), reducing(subtractor).folds[0].add),
      options,
    )
  }

  /**
   * Folds the values of a group into an aggregate; `subtractor` undoes what `adder` did. Either may return
   * null, which deletes the row: the next value starts from the initial value again, and nothing is
   * subtracted until then. A change carries the largest timestamp so far.
   */
  aggregate<A>(
    initial: Initial<A>,
    adder: (aggregate: Readonly<A>, value: V, key: K, record: RecordContext) => Folded<A>,
    subtractor: (aggregate: Readonly<A>, value: V, key: K, record: RecordContext) => Folded<A>,
    options: Versioned = {},
  ): Table<K, NonNullable<A>> {
    checkFolding('aggregate of tables', initial, { adder, subtractor }, options)
    const subtract = folding(initial, subtractor).folds[0].add
    return this.#aggregate('table-aggregate', subtracting(folding(initial, adder), subtract), options)
  }

  #aggregate<A>(
    kind: string,
    aggregation: Aggregation<K, GroupChange<V>, A>,
    options: Versioned,
  ): Table<K, A> {
    return new Table(
      this.#graph,
      this.#graph.apply({ ...aggregate(kind, aggregation), keepsRowsOf: [0] }, [this.#edge], options),
    )
  }
}
