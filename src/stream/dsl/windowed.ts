/* oxlint-disable import/no-cycle -- streams group into tables, and tables change as streams: a duality. */
/** The public DSL of windowed streams: aggregates per key and window. */
import type { Graph } from '../plan/graph.ts'
import {
  type Add,
  type Aggregation,
  counting,
  type Folded,
  folding,
  type Initial,
  type Merge,
  merging,
  reducing,
} from '../operators/aggregation.ts'
import type { Windows } from '../operators/windows.ts'
import { largest } from '../operators/top-n.ts'
import { checkCall, checkFolding, checkTop } from './arguments.ts'
import type { GroupedEdge, Kind } from './grouped.ts'
import type { Versioned } from './options.ts'
import { type WindowedTable, windowedTable } from './windowed-table.ts'

/** The aggregates that windows of every kind have; `aggregate` differs, since sessions also merge. */
abstract class Windowing<K, V> {
  readonly #graph: Graph
  readonly #edge: GroupedEdge<K, V>
  readonly #windows: Windows<never>

  /** @internal */
  constructor(graph: Graph, edge: GroupedEdge<K, V>, windows: Windows<never>) {
    this.#graph = graph
    this.#edge = edge
    this.#windows = windows
  }

  /** Counts the records of each key and window. */
  count(options: Versioned = {}): WindowedTable<K, number, V> {
    checkCall('count', {}, options)
    return this.table('count', counting, options)
  }

  /**
   * Folds the values of each key and window into one of the same type, beginning with the first value. Two
   * sessions that a record joins are reduced to one.
   */
  reduce(
    reducer: (reduced: Readonly<V>, value: V) => Folded<V>,
    options: Versioned = {},
  ): WindowedTable<K, V, V> {
    checkCall('reduce', { reducer }, options)
    return this.table('reduce', reducing(reducer), options)
  }

  /**
   * The n values of each key and window that are largest by a number, largest first; see
   * {@link GroupedStream.topN}.
   * @example orders.groupByKey().windowedBy(tumbling('1h')).topN(10, order => order.cents)
   */
  topN(
    n: number,
    by: (value: V, key: K) => number,
    options: Versioned = {},
  ): WindowedTable<K, readonly V[], V> {
    checkTop(n, by, options)
    return this.table(`top-${n}`, largest(n, by), options)
  }

  /** @internal */
  protected table<A>(
    kind: Kind,
    aggregation: Aggregation<K, V, A>,
    options: Versioned,
  ): WindowedTable<K, A, V> {
    return windowedTable(this.#graph, [this.#edge], this.#windows, kind, aggregation, options)
  }
}

/** A grouped stream cut into windows that are not sessions. */
export class WindowedStream<K, V> extends Windowing<K, V> {
  /**
   * Folds the values of each key and window into an aggregate; `add` returns the new one, or null, which
   * deletes the window of the key.
   */
  aggregate<A>(
    initial: Initial<A>,
    add: Add<K, V, A>,
    options: Versioned = {},
  ): WindowedTable<K, NonNullable<A>, V> {
    checkFolding('aggregate', initial, { add }, options)
    return this.table('aggregate', folding(initial, add), options)
  }
}

/** A grouped stream cut into sessions. */
export class SessionWindowedStream<K, V> extends Windowing<K, V> {
  /**
   * Folds the values of each session; `merge` combines the aggregates of two sessions that a record joins.
   */
  aggregate<A>(
    initial: Initial<A>,
    add: Add<K, V, A>,
    merge: Merge<K, A>,
    options: Versioned = {},
  ): WindowedTable<K, NonNullable<A>, V> {
    checkFolding('aggregate of sessions', initial, { add, merge }, options)
    return this.table('aggregate', merging(folding(initial, add), merge), options)
  }
}
