/* oxlint-disable import/no-cycle -- streams group into tables, and tables change as streams: a duality. */
/** The public DSL of grouped streams: aggregates per key. */
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
import type {
  AlignedWindows,
  DynamicSessionWindows,
  SessionWindows,
  SlidingWindows,
  Windows,
} from '../operators/windows.ts'
import { checkCall, checkFolding, wrongArgument } from './arguments.ts'
import type { Versioned } from './options.ts'
import { Table } from './table.ts'
import { type GroupedEdge, type Kind, SessionWindowedStream, WindowedStream } from './windowed.ts'

/** A stream whose records are in the partitions of their keys. */
export class GroupedStream<K, V> {
  readonly #graph: Graph
  readonly #edge: GroupedEdge<K, V>

  /** @internal */
  constructor(graph: Graph, edge: GroupedEdge<K, V>) {
    this.#graph = graph
    this.#edge = edge
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
  aggregate<A>(
    initial: Initial<A>,
    add: (aggregate: Readonly<A>, value: V, key: K, record: RecordContext) => Folded<A>,
    options: Versioned = {},
  ): Table<K, NonNullable<A>> {
    checkFolding('aggregate', initial, { add }, options)
    return this.#aggregate('aggregate', folding(initial, add), options)
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
      ? new SessionWindowedStream(this.#graph, this.#edge, windows)
      : new WindowedStream(this.#graph, this.#edge, windows)
  }

  #aggregate<A>(kind: Kind, aggregation: Aggregation<K, V, A>, options: Versioned): Table<K, A> {
    const rows = this.#graph.apply(aggregate(kind, aggregation), [this.#edge], options)
    return new Table(this.#graph, rows)
  }
}

function isWindows(given: Partial<Windows<never>> | undefined): boolean {
  return ['tumbling', 'hopping', 'cumulative', 'sliding', 'session'].includes(given?.kind ?? '')
}
