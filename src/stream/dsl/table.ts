/* oxlint-disable import/no-cycle -- streams group into tables, and tables change as streams: a duality. */
/** The public DSL of tables: the latest value per key, and the stream of its changes. */
import type { WritableTopic } from '../../schema/index.ts'
import type { Duration } from '../../base/index.ts'
import { type Edge, type Graph, latenessOf, present } from '../plan/graph.ts'
import { checkCall, type Method, wrongArgument } from './arguments.ts'
import { GroupedTable } from './grouped-table.ts'
import { type ByForeignKey, isByForeignKey, type JoinCall, joinedByForeignKey } from './foreign-keys.ts'
import { checkKept, copartitioned } from './co-partitioning.ts'
import type { OperatorSpec, Unary } from '../operators/operator.ts'
import { suppress } from '../operators/suppress.ts'
import { selectKey } from '../operators/stateless.ts'
import { groupRows } from '../operators/table-groups.ts'
import { type Change, filterRows, filterRowsNot, mapRows } from '../operators/table-rows.ts'
import { innerJoinTables, leftJoinTables, outerJoinTables } from '../operators/table-table-join.ts'
import { holdBackOf, type SuppressOptions } from './suppress.ts'
import type { Past } from './history.ts'
import type { Named, Versioned } from './options.ts'
import { sinkTo } from './sink.ts'
import { Stream } from './stream.ts'

/**
 * A table: a record replaces the one before it under the same key, and null deletes. Operators on a table
 * keep that rule. A row that no longer passes a filter is deleted downstream; a row that never passed causes
 * no record.
 */
export class Table<K, V> {
  /** @internal */
  readonly graph: Graph
  /** @internal */
  readonly edge: Edge<Change<K, V>>
  /**
   * @internal Whether its rows are kept, so that a join can look them up. Results of windows are changes
   * only.
   */
  readonly kept: boolean

  /** @internal What it remembers of the past; undefined: only the latest rows are kept. */
  readonly history: Past | undefined

  /** @internal */
  constructor(graph: Graph, edge: Edge<Change<K, V>>, kept = true, history?: Past) {
    this.graph = graph
    this.edge = edge
    this.kept = kept
    this.history = history
    // Only the type TableWithHistory has it.
    if (history) Object.assign(this, { late: history.late })
  }

  /** Keeps the rows for which `keep` returns true. It is called again when a join looks up a row. */
  filter(keep: (value: V, key: K) => boolean, options: Named = {}): Table<K, V> {
    checkCall('filter', { keep }, options)
    return this.#then(filterRows(keep), options)
  }

  /** Drops the rows for which `drop` returns true. It is called again when a join looks up a row. */
  filterNot(drop: (value: V, key: K) => boolean, options: Named = {}): Table<K, V> {
    checkCall('filterNot', { drop }, options)
    return this.#then(filterRowsNot(drop), options)
  }

  /** Replaces the value of each row; null deletes the row. */
  mapValues<R>(mapper: (value: V, key: K) => R, options: Named = {}): Table<K, NonNullable<R>> {
    checkCall('mapValues', { mapper }, options)
    return this.#then(mapRows(mapper), options)
  }

  /**
   * Joins each row to the row of another table that it refers to: `foreignKey` returns the key of that row. A
   * change of either side changes the result, and null deletes it. The tables may have any partition counts
   * and any keys; both sides go through exchanges, and are kept as state. A row without a foreign key has no
   * result, and is counted as `null-key`. As Kafka Streams' foreign-key `join`.
   * @example orders.join(customers, order => order.customer, (order, { name }) => ({ ...order, name }))
   * @throws MillraceError INVALID_ARGUMENT; INVALID_TOPOLOGY for a table of another app
   */
  join<K2, T, R>(
    other: Table<K2, T>,
    foreignKey: (value: V, key: K) => K2 | null | undefined,
    joiner: (value: V, otherValue: T, key: K) => R,
    options?: Versioned,
  ): Table<K, NonNullable<R>>
  /**
   * Joins the rows of two tables that have the same key: a change of either side changes the result, and null
   * deletes it. Both sides need equal partition counts (NOT_COPARTITIONED, when the app starts), unless their
   * keys are in different forms (text and JSON, say): then the other table's changes pass an exchange. The
   * rows of both sides are kept as state. As Kafka Streams' `join` of two tables.
   * @throws MillraceError INVALID_ARGUMENT; INVALID_TOPOLOGY for the results of windows, whose rows are not
   *   kept, and for a table of another app
   */
  join<T, R>(
    other: Table<K, T>,
    joiner: (value: V, otherValue: T, key: K) => R,
    options?: Versioned,
  ): Table<K, NonNullable<R>>
  join<K2, T, R>(other: Table<K2, T>, ...given: JoinCall<K, V, K2, T, R>): Table<K, NonNullable<R>> {
    if (isByForeignKey(given)) return this.#joinByForeignKey('join', other, given)
    const [joiner, options] = given
    return this.#join('join of tables', other, joiner, innerJoinTables(joiner), options)
  }

  /** As the {@link join} by foreign key, but a row that refers to none is joined to null. */
  leftJoin<K2, T, R>(
    other: Table<K2, T>,
    foreignKey: (value: V, key: K) => K2 | null | undefined,
    joiner: (value: V, otherValue: T | null, key: K) => R,
    options?: Versioned,
  ): Table<K, NonNullable<R>>
  /** As {@link join}, but a row of this table without a match is joined to null. */
  leftJoin<T, R>(
    other: Table<K, T>,
    joiner: (value: V, otherValue: T | null, key: K) => R,
    options?: Versioned,
  ): Table<K, NonNullable<R>>
  leftJoin<K2, T, R>(
    other: Table<K2, T>,
    ...given: JoinCall<K, V, K2, T | null, R>
  ): Table<K, NonNullable<R>> {
    if (isByForeignKey(given)) return this.#joinByForeignKey('leftJoin', other, given)
    const [joiner, options] = given
    return this.#join('leftJoin of tables', other, joiner, leftJoinTables(joiner), options)
  }

  /** As {@link join}, but a row of either table without a match is joined to null. */
  outerJoin<T, R>(
    other: Table<K, T>,
    joiner: (value: V | null, otherValue: T | null, key: K) => R,
    options: Versioned = {},
  ): Table<K, NonNullable<R>> {
    return this.#join('outerJoin', other, joiner, outerJoinTables(joiner), options)
  }

  /**
   * Groups the rows by another key, always with an exchange, for aggregates over the rows that each group
   * has. The selector returns a row's group and its value there; it is called again for the row that a change
   * replaces, and must return the same. A row without a group, or with a value of null, is in no group, and
   * counted. As Kafka Streams' `groupBy` of a table.
   * @example orders.groupBy(order => [order.customer, order.cents]).reduce((a, b) => a + b, (a, b) => a - b)
   */
  groupBy<K2, V2>(
    selector: (value: V, key: K) => readonly [group: K2, value: V2],
    options: Named = {},
  ): GroupedTable<NonNullable<K2>, NonNullable<V2>> {
    checkCall('groupBy of tables', { selector }, options)
    const { graph, edge } = this
    const rows = graph.apply(groupRows(selector), [edge], options)
    return new GroupedTable(graph, present(graph.exchange(rows)))
  }

  /**
   * Holds back the changes of each row for a time, and then forwards the last one. A row's changes go out
   * when the watermark has passed the first time among them by `limit`; a row that comes and goes meanwhile
   * never was. Windows behind it must allow so much more lateness. With bounds, what is over them goes out
   * early, or ends the run. As Kafka Streams' `suppress(untilTimeLimit(…))`; for `untilWindowCloses`, emit
   * `'final'` results.
   * @example orders.groupByKey().count().suppress('1m', { maxRecords: 10_000 })
   * @throws MillraceError INVALID_ARGUMENT, INVALID_DURATION; INVALID_TOPOLOGY for a table with which no
   *   watermark moves
   */
  suppress(limit: Duration, options: SuppressOptions = {}): Table<K, V> {
    checkCall('suppress', {}, options)
    const { graph, edge, kept } = this
    const operator = suppress<K, V>(holdBackOf(limit, edge.from, options), latenessOf(edge))
    return new Table(graph, graph.apply(operator, [edge], options), kept)
  }

  /** The changes as a stream; a deletion is a record with the value null. */
  toStream(): Stream<K, V | null>
  /** The changes under another key. */
  toStream<K2>(selector: (key: K, value: V | null) => K2, options?: Named): Stream<K2, V | null>
  toStream<K2>(selector?: (key: K, value: V | null) => K2, options: Named = {}): Stream<K | K2, V | null> {
    checkCall('toStream', selector === undefined ? {} : { selector }, options)
    const { graph, edge } = this
    if (!selector) return new Stream<K | K2, V | null>(graph, edge)
    const operator = selectKey((value: V | null, key: K) => selector(key, value), {
      name: 'to-stream',
      label: 'select key',
    })
    return new Stream<K | K2, V | null>(graph, graph.apply(operator, [edge], options))
  }

  /** Writes the changes to a topic; a deletion is written as null (a tombstone). */
  to(topic: WritableTopic<K, V>, options: Named = {}): void {
    sinkTo(this.graph, this.edge, topic, options)
  }

  #join<K2, T, R>(
    method: Method,
    other: Table<K2, T>,
    joiner: unknown,
    operator: OperatorSpec<[Change<K, V>, Change<K, T>], [Change<K, R>]>,
    options: Versioned = {},
  ): Table<K, R> {
    if (!(other instanceof Table)) throw wrongArgument(method, 'table', noTable(other), other)
    checkCall(method, { joiner }, options)
    const { graph, edge } = this
    // The types of the methods say that both tables have keys of one type.
    const others = other.edge as Edge as Edge<Change<K, T>>
    graph.check(operator, [edge, others], options)
    for (const side of [this, other]) checkKept('table', side)
    return new Table(graph, graph.apply(operator, [edge, copartitioned(graph, others, this)], options))
  }

  #joinByForeignKey<K2, T, R>(
    method: 'join' | 'leftJoin',
    other: Table<K2, T>,
    [foreignKey, joiner, options = {}]: ByForeignKey<K, V, K2, T, R>,
  ): Table<K, NonNullable<R>> {
    const called = `${method} of tables by foreign key` as const
    if (!(other instanceof Table)) throw wrongArgument(called, 'table', noTable(other), other)
    const { graph, edge } = this
    return new Table(graph, joinedByForeignKey(method, graph, edge, other.edge, foreignKey, joiner, options))
  }

  #then<R>(operator: Unary<Change<K, V>, Change<K, R>>, options: Named): Table<K, R> {
    const { graph, edge, kept, history } = this
    return new Table(graph, graph.apply(operator, [edge], options), kept, history)
  }
}

/** What a join needs in place of `given`, for messages. */
function noTable(given: unknown): string {
  return given instanceof Stream
    ? 'a table (toTable() makes one of a stream, app.table(topic) reads a topic as one)'
    : 'a table, as app.table(topic), toTable() and aggregates give one'
}
