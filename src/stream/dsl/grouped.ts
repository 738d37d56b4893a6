/* oxlint-disable import/no-cycle -- streams group into tables, and tables change as streams: a duality. */
/** The public DSL of grouped streams: aggregates per key. */
import type { Duration } from '../../base/index.ts'
import type { Edge, Graph } from '../plan/graph.ts'
import { aggregate } from '../operators/aggregate.ts'
import {
  type Add,
  type Aggregation,
  counting,
  type Folded,
  folding,
  type Initial,
  reducing,
} from '../operators/aggregation.ts'
import type { Maybe } from '../operators/operator.ts'
import type { StreamRecord } from '../operators/record.ts'
import { inTimeOrder, type SessionRecord } from '../operators/session-records.ts'
import { largest } from '../operators/top-n.ts'
import type {
  AlignedWindows,
  DynamicSessionWindows,
  SessionWindows,
  SlidingWindows,
  Windows,
} from '../operators/windows.ts'
import { checkCall, checkFolding, checkTop, wrongArgument } from './arguments.ts'
import { CogroupedStream } from './cogrouped.ts'
import type { Versioned } from './options.ts'
import { Table } from './table.ts'
import { SessionWindowedStream, WindowedStream } from './windowed.ts'
import { isWindows, type WindowedTable, windowedTable } from './windowed-table.ts'
import { session, type WindowOptions } from './windows.ts'

/** Options of `sessionize`. */
export interface SessionizeOptions extends Versioned, WindowOptions {}

/**
 * The kind of an aggregate. The plan and the state carry it, so that no aggregate is mistaken for another.
 */
export type Kind = 'count' | 'reduce' | 'aggregate' | 'cogroup' | 'co-group' | 'sessionize' | `top-${number}`

/**
 * The records of a grouped stream, in the partitions of their keys. Records without a key or value are
 * skipped.
 */
export type GroupedEdge<K, V> = Edge<StreamRecord<Maybe<K>, Maybe<V>>>

/** A stream whose records are in the partitions of their keys. */
export class GroupedStream<K, V> {
  readonly #graph: Graph
  /** @internal */
  readonly edge: GroupedEdge<K, V>

  /** @internal */
  constructor(graph: Graph, edge: GroupedEdge<K, V>) {
    this.#graph = graph
    this.edge = edge
  }

  /** Counts the records of each key. */
  count(options: Versioned = {}): Table<K, number> {
    checkCall('count', {}, options)
    return this.#aggregate('count', counting, options)
  }

  /** Folds the values of a key into one of the same type, beginning with the first value. */
  reduce(reducer: (reduced: Readonly<V>, value: V) => Folded<V>, options: Versioned = {}): Table<K, V> {
    checkCall('reduce', { reducer }, options)
    return this.#aggregate('reduce', reducing(reducer), options)
  }

  /**
   * Folds the values of a key into an aggregate. `add` returns the new aggregate; null deletes the row, and
   * the next value starts from the initial value again. Records without key or value are skipped and counted;
   * a change carries the largest timestamp so far.
   */
  aggregate<A>(initial: Initial<A>, add: Add<K, V, A>, options: Versioned = {}): Table<K, NonNullable<A>> {
    checkFolding('aggregate', initial, { add }, options)
    return this.#aggregate('aggregate', folding(initial, add), options)
  }

  /**
   * The n values of each key that are largest by a number, largest first, so far. Of equal ones the one that
   * came first is before the others. The function is called again for values that are kept, and must return
   * the same then. It is the top-N of Flink's SQL.
   * @example orders.groupBy(order => order.customer).topN(10, order => order.cents)
   */
  topN(n: number, by: (value: V, key: K) => number, options: Versioned = {}): Table<K, readonly V[]> {
    checkTop(n, by, options)
    return this.#aggregate(`top-${n}`, largest(n, by), options)
  }

  /**
   * The records of each session together, in the order of their timestamps. It is an aggregate in the windows
   * `session(gap)`: all records of a session are one row.
   * @example clicks.groupByKey().sessionize('30m').emit('final')
   */
  sessionize(
    gap: Duration,
    options: SessionizeOptions = {},
  ): WindowedTable<K, readonly SessionRecord<V>[], V> {
    checkCall('sessionize', {}, options)
    const { allowedLateness = 0, ...others } = options
    const windows = session(gap, { allowedLateness })
    return windowedTable(this.#graph, [this.edge], windows, 'sessionize', inTimeOrder<K, V>(), others)
  }

  /**
   * Begins an aggregate over several grouped streams, with one row for each key. Each stream has a function
   * that adds its values; the aggregate's type is stated at the first one.
   * @example
   * orders.groupByKey()
   *   .cogroup((account: Account, order) => ({ ...account, owed: account.owed + order.cents }))
   *   .cogroup(payments.groupByKey(), (account, { cents }) => ({ ...account, paid: account.paid + cents }))
   *   .aggregate({ owed: 0, paid: 0 })
   */
  cogroup<A>(add: Add<K, V, A>): CogroupedStream<K, V, A> {
    checkCall('cogroup', { add }, undefined)
    return new CogroupedStream(this.#graph, [{ edge: this.edge, add }])
  }

  /** Aggregates in sessions. */
  windowedBy(windows: SessionWindows | DynamicSessionWindows<V>): SessionWindowedStream<K, V>
  /** Aggregates in windows: see `tumbling`, `hopping`, `cumulative`, `sliding`, `session`, `global`. */
  windowedBy(windows: AlignedWindows | SlidingWindows): WindowedStream<K, V>
  /** Aggregates in windows whose kind is known only when the program runs. */
  windowedBy(windows: Windows<V>): WindowedStream<K, V> | SessionWindowedStream<K, V>
  windowedBy(windows: Windows<V>): WindowedStream<K, V> | SessionWindowedStream<K, V> {
    if (!isWindows(windows)) throw wrongArgument('windowedBy', 'argument', 'windows', windows)
    return windows.kind === 'session'
      ? new SessionWindowedStream(this.#graph, this.edge, windows)
      : new WindowedStream(this.#graph, this.edge, windows)
  }

  #aggregate<A>(kind: Kind, aggregation: Aggregation<K, V, A>, options: Versioned): Table<K, A> {
    const rows = this.#graph.apply(aggregate(kind, aggregation), [this.edge], options)
    return new Table(this.#graph, rows)
  }
}
