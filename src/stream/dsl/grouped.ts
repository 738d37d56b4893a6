/* oxlint-disable import/no-cycle -- streams group into tables, and tables change as streams: a duality. */
/** The public DSL of grouped streams: aggregates per key. */
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
import type {
  AlignedWindows,
  DynamicSessionWindows,
  SessionWindows,
  SlidingWindows,
  Windows,
} from '../operators/windows.ts'
import { checkCall, checkFolding, wrongArgument } from './arguments.ts'
import { CogroupedStream } from './cogrouped.ts'
import type { Versioned } from './options.ts'
import { Table } from './table.ts'
import { SessionWindowedStream, WindowedStream } from './windowed.ts'
import { isWindows } from './windowed-table.ts'

/**
 * The kind of an aggregate. The plan and the state carry it, so that no aggregate is mistaken for another.
 */
export type Kind = 'count' | 'reduce' | 'aggregate' | 'cogroup'

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
  /** Aggregates in windows: see `tumbling`, `hopping`, `cumulative`, `sliding`, `session`. */
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
