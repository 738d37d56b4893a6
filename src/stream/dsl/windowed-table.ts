/* oxlint-disable import/no-cycle -- streams group into tables, and tables change as streams: a duality. */
/** The results of windows, and the operator for windows of each kind. */
import { MillraceError } from '../../base/index.ts'
import type { Windowed, WritableTopic } from '../../schema/index.ts'
import type { Edge, Graph, OutletOf } from '../plan/graph.ts'
import type { Aggregation } from '../operators/aggregation.ts'
import { alignedWindows } from '../operators/aligned-windows.ts'
import {
  type AnyPolicy,
  checkEmitPolicy,
  describePolicy,
  type DiscardingPolicy,
  type EmitPolicy,
  isDiscarding,
} from '../operators/emit-policy.ts'
import { byProcessingTime } from '../operators/processing-time.ts'
import type { StreamRecord } from '../operators/record.ts'
import { sessionWindows } from '../operators/session-windows.ts'
import { slidingWindows } from '../operators/sliding-windows.ts'
import type { WindowAggregate, WindowRecord } from '../operators/window-aggregate.ts'
import { isByClock, latenessOfChanges, type Windows } from '../operators/windows.ts'
import type { GroupedEdge, Kind } from './grouped.ts'
import { lateOf } from './side-outputs.ts'
import { inOneForm } from './co-partitioning.ts'
import type { Named, Versioned } from './options.ts'
import { Stream } from './stream.ts'
import { Table } from './table.ts'

/** Makes an aggregate in windows. */
type WindowOperator = <K, V, A>(
  name: string,
  windows: Windows<never>,
  aggregation: Aggregation<K, V, A>,
  policies: readonly AnyPolicy[],
) => WindowAggregate<K, V, A>

const operators = {
  tumbling: alignedWindows,
  hopping: alignedWindows,
  cumulative: alignedWindows,
  global: alignedWindows,
  sliding: slidingWindows,
  session: sessionWindows,
} satisfies Record<Windows['kind'], unknown>

/** Whether a program passed windows, of any kind. */
export function isWindows(given: Partial<Windows<never>> | undefined): boolean {
  return Object.hasOwn(operators, given?.kind ?? '')
}

/** The aggregates of the values of `edges` by key and window: of all of them together. */
export function windowedTable<K, V, A>(
  graph: Graph,
  edges: readonly [GroupedEdge<K, V>, ...(readonly GroupedEdge<K, V>[])],
  windows: Windows<never>,
  kind: Kind,
  aggregation: Aggregation<K, V, A>,
  options: Versioned,
): WindowedTable<K, A, V> {
  // By its kind: each operator gets its windows, and that of sessions an aggregation that merges.
  const operator = operators[windows.kind] as WindowOperator
  const policies: AnyPolicy[] = []
  const byEvent = operator(kind, windows, aggregation, policies)
  const spec = isByClock(windows) ? byProcessingTime(byEvent) : byEvent
  graph.check(spec, edges, options)
  const inputs = inOneForm(graph, edges)
  return new WindowedTable(graph, inputs[0], graph.apply(spec, inputs, options), windows, policies)
}

/** The results of a windowed aggregate, before `emit` says when they go out. */
export class WindowedTable<K, A, V> {
  readonly #graph: Graph
  readonly #lateEdge: OutletOf<StreamRecord<K, V>>
  readonly #windows: Windows<never>
  readonly #policies: AnyPolicy[]
  readonly #late: () => Stream<K, V>

  /**
   * @internal `edge`: an input of the windows; `late`: the outlet of late records; `policies`: one per emit.
   */
  constructor(
    graph: Graph,
    edge: GroupedEdge<K, V>,
    late: OutletOf<StreamRecord<K, V>>,
    windows: Windows<never>,
    policies: AnyPolicy[],
  ) {
    this.#graph = graph
    this.#late = lateOf(graph, late, 0, edge)
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
   * a session or a sliding window. Under `'changes'`, and of global windows, it is the largest timestamp in
   * the window. Windows over the results must allow at least the lateness of this window; over results of
   * `'changes'`, that plus the window's size or the session's gap, but nothing more than that of a sliding
   * window.
   */
  emit(policy: EmitPolicy): Table<Windowed<K>, A>
  /**
   * With `panes: 'discarding'`: gives results that hold only the records since the one before, as a stream;
   * the window is empty after each. A window without records since then has no further result. It is the only
   * `emit` over its windows, which are not sliding ones. A session has the bounds that it has so far. Beam's
   * discarding mode, Flink's `PurgingTrigger`.
   * @example counts.emit({ everyRecords: 100, panes: 'discarding' })
   * @throws MillraceError INVALID_ARGUMENT; INVALID_TOPOLOGY for a further `emit` over the same windows
   */
  emit(policy: DiscardingPolicy): Stream<Windowed<K>, A>
  emit(policy: EmitPolicy | DiscardingPolicy): Table<Windowed<K>, A> | Stream<Windowed<K>, A> {
    checkEmitPolicy(policy)
    const results = this.#resultsUnder(policy)
    if (!isDiscarding(policy)) return new Table(this.#graph, results, false)
    // Nothing replaces a result, and so nothing deletes it.
    return new Stream(this.#graph, results as Edge<StreamRecord<Windowed<K>, A>>)
  }

  /**
   * @internal Results under `'final'`, for an operator of ours: those of windows that hold something for it.
   */
  finalIf(holds: (held: A) => boolean): OutletOf<WindowRecord<K, A>> {
    return this.#resultsUnder({ finalIf: holds })
  }

  #resultsUnder(policy: AnyPolicy): OutletOf<WindowRecord<K, A>> {
    this.#checkDiscarding(policy)
    this.#policies.push(policy)
    return this.#graph.addOutlet(
      this.#lateEdge.from,
      describePolicy(policy),
      policy === 'changes' ? latenessOfChanges(this.#windows) : undefined,
    )
  }

  /** Windows that are emptied have one outlet, and no part of them is needed again. */
  #checkDiscarding(policy: AnyPolicy): void {
    if (isDiscarding(policy) && this.#windows.kind === 'sliding')
      throw new MillraceError(
        'INVALID_ARGUMENT',
        'Panes of sliding windows cannot be discarded: the windows of later records are made of what is in them. Use windows of another kind, or accumulating panes.',
      )
    if (this.#policies.some(isDiscarding) || (isDiscarding(policy) && this.#policies.length > 0))
      throw new MillraceError(
        'INVALID_TOPOLOGY',
        `'${this.#lateEdge.from.name}' has results with panes: 'discarding', which empty its windows: there can be no other emit. Aggregate a second time for that.`,
      )
  }

  /**
   * The side output of records that came too late for every window they belong to. A second call returns the
   * same stream.
   */
  late(): Stream<K, V> {
    return this.#late()
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
