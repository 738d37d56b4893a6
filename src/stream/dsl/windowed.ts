/* oxlint-disable import/no-cycle -- streams group into tables, and tables change as streams: a duality. */
/** The public DSL of windowed streams: aggregates per key and window, and when their results go out. */
import type { Windowed, WritableTopic } from '../../schema/index.ts'
import type { Edge, Graph, OutletOf } from '../plan/graph.ts'
import {
  type Aggregation,
  counting,
  type Folded,
  folding,
  foldingSessions,
  type Initial,
  reducing,
  type SessionAggregation,
} from '../operators/aggregation.ts'
import { alignedWindows } from '../operators/aligned-windows.ts'
import { checkEmitPolicy, describePolicy, type EmitPolicy } from '../operators/emit-policy.ts'
import { lateRecords } from '../operators/late-records.ts'
import type { Maybe } from '../operators/operator.ts'
import type { RecordContext, StreamRecord } from '../operators/record.ts'
import { sessionWindows } from '../operators/session-windows.ts'
import { slidingWindows } from '../operators/sliding-windows.ts'
import type { WindowAggregate, WindowRecord } from '../operators/window-aggregate.ts'
import {
  type AlignedWindows,
  type DynamicSessionWindows,
  latenessOfChanges,
  type SessionWindows,
  type SlidingWindows,
  type Windows,
} from '../operators/windows.ts'
import { checkCall, checkFolding } from './arguments.ts'
import type { Named, Versioned } from './options.ts'
import { Stream } from './stream.ts'
import { Table } from './table.ts'

/**
 * The kind of an aggregate. The plan and the state carry it, so that no aggregate is mistaken for another.
 */
export type Kind = 'count' | 'reduce' | 'aggregate'

/**
 * The records of a grouped stream, in the partitions of their keys. Records without a key or value are
 * skipped.
 */
export type GroupedEdge<K, V> = Edge<StreamRecord<Maybe<K>, Maybe<V>>>

/** The aggregates that windows of every kind have; `aggregate` differs, since sessions also merge. */
abstract class Windowing<K, V> {
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

  /** @internal */
  protected abstract table<A>(
    kind: Kind,
    aggregation: SessionAggregation<K, V, A>,
    options: Versioned,
  ): WindowedTable<K, A, V>
}

/** A grouped stream cut into tumbling, hopping, cumulative or sliding windows. */
export class WindowedStream<K, V> extends Windowing<K, V> {
  readonly #graph: Graph
  readonly #edge: GroupedEdge<K, V>
  readonly #windows: AlignedWindows | SlidingWindows

  /** @internal */
  constructor(graph: Graph, edge: GroupedEdge<K, V>, windows: AlignedWindows | SlidingWindows) {
    super()
    this.#graph = graph
    this.#edge = edge
    this.#windows = windows
  }

  /**
   * Folds the values of each key and window into an aggregate; `add` returns the new one, or null, which
   * deletes the window of the key.
   */
  aggregate<A>(
    initial: Initial<A>,
    add: (aggregate: Readonly<A>, value: V, key: K, record: RecordContext) => Folded<A>,
    options: Versioned = {},
  ): WindowedTable<K, NonNullable<A>, V> {
    checkFolding('aggregate', initial, { add }, options)
    return this.table('aggregate', folding(initial, add), options)
  }

  /** @internal */
  protected table<A>(
    kind: Kind,
    aggregation: Aggregation<K, V, A>,
    options: Versioned,
  ): WindowedTable<K, A, V> {
    const policies: EmitPolicy[] = []
    const windows = this.#windows
    const operator =
      windows.kind === 'sliding'
        ? slidingWindows(kind, windows, aggregation, policies)
        : alignedWindows(kind, windows, aggregation, policies)
    return windowed(this.#graph, this.#edge, windows, operator, policies, options)
  }
}

/** A grouped stream cut into sessions. */
export class SessionWindowedStream<K, V> extends Windowing<K, V> {
  readonly #graph: Graph
  readonly #edge: GroupedEdge<K, V>
  readonly #windows: SessionWindows | DynamicSessionWindows

  /** @internal */
  constructor(graph: Graph, edge: GroupedEdge<K, V>, windows: SessionWindows | DynamicSessionWindows) {
    super()
    this.#graph = graph
    this.#edge = edge
    this.#windows = windows
  }

  /**
   * Folds the values of each session; `merge` combines the aggregates of two sessions that a record joins.
   */
  aggregate<A>(
    initial: Initial<A>,
    add: (aggregate: Readonly<A>, value: V, key: K, record: RecordContext) => Folded<A>,
    merge: (left: Readonly<A>, right: Readonly<A>, key: K) => Folded<A>,
    options: Versioned = {},
  ): WindowedTable<K, NonNullable<A>, V> {
    checkFolding('aggregate of sessions', initial, { add, merge }, options)
    return this.table('aggregate', foldingSessions(initial, add, merge), options)
  }

  /** @internal */
  protected table<A>(
    kind: Kind,
    aggregation: SessionAggregation<K, V, A>,
    options: Versioned,
  ): WindowedTable<K, A, V> {
    const policies: EmitPolicy[] = []
    const operator = sessionWindows(kind, this.#windows, aggregation, policies)
    return windowed(this.#graph, this.#edge, this.#windows, operator, policies, options)
  }
}

/** The results of a windowed aggregate, before `emit` says when they go out. */
export class WindowedTable<K, A, V> {
  readonly #graph: Graph
  readonly #edge: GroupedEdge<K, V>
  readonly #lateEdge: OutletOf<StreamRecord<K, V>>
  readonly #windows: Windows<never>
  readonly #policies: EmitPolicy[]
  #late: Stream<K, V> | undefined

  /**
   * @internal `edge`: the input of the windows; `late`: the outlet of late records; `policies`: one per emit.
   */
  constructor(
    graph: Graph,
    edge: GroupedEdge<K, V>,
    late: OutletOf<StreamRecord<K, V>>,
    windows: Windows<never>,
    policies: EmitPolicy[],
  ) {
    this.#graph = graph
    this.#edge = edge
    this.#lateEdge = late
    this.#windows = windows
    this.#policies = policies
  }

  /**
   * Says when results go out, and gives them as a table: a later result of a window replaces an earlier one.
   * Several calls give several tables over the same state.
   *
   * - `'final'`: once, when the watermark has passed the window's last instant; again for each late record
   *   that is still allowed;
   * - `'changes'`: at every change (what Kafka Streams does with its cache off);
   * - `{ early: '1s' }`: as `'final'`, and also the window's result so far: every second of processing time
   *   while the window is open, if the result has changed; with `time: 'event'`, whenever the watermark
   *   passes a multiple of the interval;
   * - `{ everyRecords: 100 }`: as `'final'`, and also the window's result so far: at every hundredth record
   *   that has changed it. Sessions that a record joins count together.
   *
   * The timestamp of a result, early, on time or late, is the window's last instant: `end - 1`, or `end` for
   * a session or a sliding window. Under `'changes'` it is the largest timestamp in the window. Windows over
   * the results must allow at least the lateness of this window; over results of `'changes'`, that plus the
   * window's size or the session's gap, but nothing more than that of a sliding window.
   */
  emit(policy: EmitPolicy): Table<Windowed<K>, A> {
    checkEmitPolicy(policy)
    this.#policies.push(policy)
    const results = this.#graph.addOutlet<WindowRecord<K, A>>(
      this.#lateEdge.from,
      describePolicy(policy),
      policy === 'changes' ? latenessOfChanges(this.#windows) : undefined,
    )
    return new Table(this.#graph, results, false)
  }

  /**
   * The side output of records that came too late for every window they belong to. A second call returns the
   * same stream.
   */
  late(): Stream<K, V> {
    return (this.#late ??= this.#lateRecords())
  }

  #lateRecords(): Stream<K, V> {
    const operator = lateRecords<K, V>(this.#edge.from.keyCodec)
    const name = `${this.#lateEdge.from.name}-late`
    return new Stream(this.#graph, this.#graph.apply(operator, [this.#lateEdge], { name }))
  }

  /** As `emit('changes')`: the default for tables. */
  toStream(): Stream<Windowed<K>, A | null> {
    return this.emit('changes').toStream()
  }

  /** As `emit('changes').to(topic)`. */
  to(topic: WritableTopic<Windowed<K>, A>, options: Named = {}): void {
    this.emit('changes').to(topic, options)
  }
}

function windowed<K, A, V>(
  graph: Graph,
  edge: GroupedEdge<K, V>,
  windows: Windows<never>,
  operator: WindowAggregate<K, V, A>,
  policies: EmitPolicy[],
  options: Versioned,
): WindowedTable<K, A, V> {
  return new WindowedTable(graph, edge, graph.apply(operator, [edge], options), windows, policies)
}
