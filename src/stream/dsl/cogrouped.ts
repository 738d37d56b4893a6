/* oxlint-disable import/no-cycle -- streams group into tables, and tables change as streams: a duality. */
/** The public DSL of cogrouped streams: one aggregate over several streams, with or without windows. */
import type { Graph } from '../plan/graph.ts'
import { aggregate } from '../operators/aggregate.ts'
import {
  type Add,
  type Aggregation,
  folding,
  type Initial,
  type Merge,
  merging,
} from '../operators/aggregation.ts'
import type {
  AlignedWindows,
  DynamicSessionWindows,
  SessionWindows,
  SlidingWindows,
  Windows,
} from '../operators/windows.ts'
import { checkCall, checkFolding, wrongArgument } from './arguments.ts'
import { type GroupedEdge, GroupedStream } from './grouped.ts'
import { inOneForm } from './co-partitioning.ts'
import type { Versioned } from './options.ts'
import { Table } from './table.ts'
import { isWindows, type WindowedTable, windowedTable } from './windowed-table.ts'

/** A stream of a cogroup, with the function that adds its values. */
interface Part<K, V, A> {
  readonly edge: GroupedEdge<K, V>
  readonly add: Add<never, never, A>
}

/** At least one. */
type Parts<K, V, A> = readonly [Part<K, V, A>, ...(readonly Part<K, V, A>[])]

/**
 * Several grouped streams that share one aggregate of type A. V are the values of all of them.
 */
export class CogroupedStream<K, V, A> {
  readonly #graph: Graph
  readonly #parts: Parts<K, V, A>

  /** @internal */
  constructor(graph: Graph, parts: Parts<K, V, A>) {
    this.#graph = graph
    this.#parts = parts
  }

  /** Adds another stream, with the function that adds its values to the aggregate. */
  cogroup<W>(other: GroupedStream<K, W>, add: Add<K, W, A>): CogroupedStream<K, V | W, A> {
    if (!(other instanceof GroupedStream))
      throw wrongArgument('cogroup', 'argument', 'a grouped stream, as groupByKey() gives one', other)
    checkCall('cogroup', { add }, undefined)
    return new CogroupedStream<K, V | W, A>(this.#graph, [...this.#parts, { edge: other.edge, add }])
  }

  /**
   * Folds the values of a key into one aggregate. As {@link GroupedStream.aggregate}; as Kafka Streams'
   * `cogroup`.
   * @throws MillraceError INVALID_TOPOLOGY for a stream of another app
   */
  aggregate(initial: Initial<A>, options: Versioned = {}): Table<K, NonNullable<A>> {
    checkFolding('aggregate of a cogroup', initial, {}, options)
    const { edges, aggregation } = joined(this.#parts, initial)
    const operator = aggregate('cogroup', aggregation)
    this.#graph.check(operator, edges, options)
    return new Table(this.#graph, this.#graph.apply(operator, inOneForm(this.#graph, edges), options))
  }

  /** Aggregates in sessions. */
  windowedBy(windows: SessionWindows | DynamicSessionWindows<V>): SessionWindowedCogroupedStream<K, V, A>
  /** Aggregates in windows, as {@link GroupedStream.windowedBy}. */
  windowedBy(windows: AlignedWindows | SlidingWindows): WindowedCogroupedStream<K, V, A>
  /** Aggregates in windows whose kind is known only when the program runs. */
  windowedBy(windows: Windows<V>): WindowedCogroupedStream<K, V, A> | SessionWindowedCogroupedStream<K, V, A>
  windowedBy(
    windows: Windows<V>,
  ): WindowedCogroupedStream<K, V, A> | SessionWindowedCogroupedStream<K, V, A> {
    if (!isWindows(windows)) throw wrongArgument('windowedBy', 'argument', 'windows', windows)
    return windows.kind === 'session'
      ? new SessionWindowedCogroupedStream(this.#graph, this.#parts, windows)
      : new WindowedCogroupedStream(this.#graph, this.#parts, windows)
  }
}

/** Several grouped streams, cut into windows of any kind. */
abstract class WindowedCogroup<K, V, A> {
  readonly #graph: Graph
  readonly #parts: Parts<K, V, A>
  readonly #windows: Windows<never>

  /** @internal */
  constructor(graph: Graph, parts: Parts<K, V, A>, windows: Windows<never>) {
    this.#graph = graph
    this.#parts = parts
    this.#windows = windows
  }

  /** @internal */
  protected table(
    initial: Initial<A>,
    options: Versioned,
    merge?: Merge<K, A>,
  ): WindowedTable<K, NonNullable<A>, V> {
    const { edges, aggregation } = joined(this.#parts, initial)
    const whole = merge ? merging(aggregation, merge) : aggregation
    return windowedTable(this.#graph, edges, this.#windows, 'cogroup', whole, options)
  }
}

/** Several grouped streams, cut into windows that are not sessions. */
export class WindowedCogroupedStream<K, V, A> extends WindowedCogroup<K, V, A> {
  /** Folds the values of each key and window into one aggregate. */
  aggregate(initial: Initial<A>, options: Versioned = {}): WindowedTable<K, NonNullable<A>, V> {
    checkFolding('aggregate of a cogroup', initial, {}, options)
    return this.table(initial, options)
  }
}

/** Several grouped streams, cut into sessions. */
export class SessionWindowedCogroupedStream<K, V, A> extends WindowedCogroup<K, V, A> {
  /**
   * Folds the values of each session; `merge` combines the aggregates of two sessions that a record joins.
   */
  aggregate(
    initial: Initial<A>,
    merge: Merge<K, A>,
    options: Versioned = {},
  ): WindowedTable<K, NonNullable<A>, V> {
    checkFolding('aggregate of sessions of a cogroup', initial, { merge }, options)
    return this.table(initial, options, merge)
  }
}

/** The inputs of an operator over all parts, and how their values become one aggregate. */
function joined<K, V, A>(
  parts: Parts<K, V, A>,
  initial: Initial<A>,
): { edges: [GroupedEdge<K, V>, ...GroupedEdge<K, V>[]]; aggregation: Aggregation<K, V, NonNullable<A>> } {
  const [first, ...others] = parts
  // Each input's function gets the values of that stream alone.
  const addOf = ({ add }: Part<K, V, A>): Add<K, V, A> => add as Add<K, V, A>
  return {
    edges: [first.edge, ...others.map(({ edge }) => edge)],
    aggregation: folding(initial, addOf(first), ...others.map(addOf)),
  }
}
