/* oxlint-disable import/no-cycle -- streams group into tables, and tables change as streams: a duality. */
/** The public DSL of grouped streams: aggregates per key, and per key and window. */
import { durationInWords, MillraceError } from '../../base/index.ts'
import { checkCall, type Method, wrongArgument } from './arguments.ts'
import type { Windowed, WritableTopic } from '../../schema/index.ts'
import { frozen, given, storable } from '../../state/index.ts'
import { type Edge, type Graph, latenessOf, type OperatorNode } from '../plan/graph.ts'
import { windowedKeyCodec } from '../operators/key-codec.ts'
import type { OperatorFactory } from '../operators/operator.ts'
import { aggregate, type Aggregation } from '../operators/aggregate.ts'
import { alignedWindows } from '../operators/aligned-windows.ts'
import { checkEmitPolicy, type EmitPolicy } from '../operators/emission.ts'
import { type SessionAggregation, sessionWindows } from '../operators/session-windows.ts'
import { returned } from '../operators/returned.ts'
import { storedValue } from './stored-value.ts'
import { type Named, Stream, type Versioned } from './stream.ts'
import { Table } from './table.ts'
import {
  type AlignedWindows,
  describeWindows,
  latenessOfChanges,
  type SessionWindows,
  type Windows,
} from '../operators/windows.ts'

/** What an aggregate is called, in the plan and beside its state, so that none is taken for another. */
type Kind = 'count' | 'reduce' | 'aggregate'

/** Its outlets ask for more or less lateness downstream, as each emits. */
type WindowNode = OperatorNode & Required<Pick<OperatorNode, 'latenessByOutlet'>>

/**
 * Where an aggregate begins: a value (which `add` must not change, but replace) or a function that makes one.
 */
export type Initial<A> = A | (() => A)

/**
 * What a function that folds gives: a new aggregate, the one that it was given, or null, which deletes the
 * row.
 */
export type Folded<A> = A | Readonly<NoInfer<A>> | null

/** A stream whose records are where their keys live. */
export class GroupedStream<K, V> {
  readonly #stream: Stream<K, V>

  /** @internal */
  constructor(stream: Stream<K, V>) {
    this.#stream = stream
  }

  /** How many records there are per key. */
  count(options: Versioned = {}): Table<K, number> {
    checkCall('count', {}, options)
    return this.#aggregate('count', counting, options)
  }

  /** Folds the values of a key into one of the same type; the first one starts it. */
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
    add: (aggregate: Readonly<A>, value: V, key: K) => Folded<A>,
    options: Versioned = {},
  ): Table<K, NonNullable<A>> {
    checkFolding('aggregate', initial, { add }, options)
    return this.#aggregate('aggregate', folding(initial, add), options)
  }

  /** Aggregates in windows: see `tumbling`, `hopping`, `session`. */
  windowedBy(windows: AlignedWindows): WindowedStream<K, V>
  /** Aggregates in sessions. */
  windowedBy(windows: SessionWindows): SessionWindowedStream<K, V>
  /** Aggregates in windows of any kind: those that are known when the program runs. */
  windowedBy(windows: Windows): WindowedStream<K, V> | SessionWindowedStream<K, V>
  windowedBy(windows: Windows): WindowedStream<K, V> | SessionWindowedStream<K, V> {
    if (!['tumbling', 'hopping', 'session'].includes((windows as Windows | undefined)?.kind as string))
      throw wrongArgument('windowedBy', 'argument', 'windows', windows)
    return windows.kind === 'session'
      ? new SessionWindowedStream(this.#stream, windows)
      : new WindowedStream(this.#stream, windows)
  }

  #aggregate<A>(kind: Kind, aggregation: Aggregation, options: Versioned): Table<K, A> {
    const { graph, edge } = this.#stream
    const { keyCodec } = edge.from
    const node = graph.add<OperatorNode>(
      {
        kind: 'operator',
        label: kind,
        factory: aggregate(keyCodec, aggregation),
        inputs: [edge],
        outlets: ['changes'],
        stateful: true,
        stores: storedValue(aggregation, options.version),
        keyCodec,
        latenessMs: latenessOf(edge),
        acrossPartitions: edge.from.acrossPartitions,
      },
      options.name ?? { stem: kind },
    )
    return new Table(graph, { from: node, outlet: 0 })
  }
}

/** A grouped stream cut into tumbling or hopping windows. */
export class WindowedStream<K, V> {
  readonly #stream: Stream<K, V>
  readonly #windows: AlignedWindows

  /** @internal */
  constructor(stream: Stream<K, V>, windows: AlignedWindows) {
    this.#stream = stream
    this.#windows = windows
  }

  /** How many records there are per key and window. */
  count(options: Versioned = {}): WindowedTable<K, number, V> {
    checkCall('count', {}, options)
    return this.#aggregate('count', counting, options)
  }

  /** Folds the values of each key and window into one of the same type; the first one starts it. */
  reduce(
    reducer: (reduced: Readonly<V>, value: V) => Folded<V>,
    options: Versioned = {},
  ): WindowedTable<K, V, V> {
    checkCall('reduce', { reducer }, options)
    return this.#aggregate('reduce', reducing(reducer), options)
  }

  /**
   * Folds the values of each key and window into an aggregate; `add` returns the new one, or null, which
   * deletes the window of the key.
   */
  aggregate<A>(
    initial: Initial<A>,
    add: (aggregate: Readonly<A>, value: V, key: K) => Folded<A>,
    options: Versioned = {},
  ): WindowedTable<K, NonNullable<A>, V> {
    checkFolding('aggregate', initial, { add }, options)
    return this.#aggregate('aggregate', folding(initial, add), options)
  }

  #aggregate<A>(kind: Kind, aggregation: Aggregation, options: Versioned): WindowedTable<K, A, V> {
    const { keyCodec } = this.#stream.edge.from
    return windowed(this.#stream, this.#windows, kind, aggregation, options, policies =>
      alignedWindows(keyCodec, this.#windows, aggregation, policies),
    )
  }
}

/** A grouped stream cut into sessions. */
export class SessionWindowedStream<K, V> {
  readonly #stream: Stream<K, V>
  readonly #windows: SessionWindows

  /** @internal */
  constructor(stream: Stream<K, V>, windows: SessionWindows) {
    this.#stream = stream
    this.#windows = windows
  }

  /** How many records there are per key and session. */
  count(options: Versioned = {}): WindowedTable<K, number, V> {
    checkCall('count', {}, options)
    const plus = (left: unknown, right: unknown): number => (left as number) + (right as number)
    return this.#aggregate('count', { ...counting, merge: plus }, options)
  }

  /**
   * Folds the values of each key and session into one of the same type; two sessions that a record has
   * brought together are reduced to one.
   */
  reduce(
    reducer: (reduced: Readonly<V>, value: V) => Folded<V>,
    options: Versioned = {},
  ): WindowedTable<K, V, V> {
    checkCall('reduce', { reducer }, options)
    return this.#aggregate('reduce', { ...reducing(reducer), merge: merging(reducer, 'reduce') }, options)
  }

  /**
   * Folds the values of each session; `merge` joins the aggregates of two sessions that a record has brought
   * together.
   */
  aggregate<A>(
    initial: Initial<A>,
    add: (aggregate: Readonly<A>, value: V, key: K) => Folded<A>,
    merge: (left: Readonly<A>, right: Readonly<A>, key: K) => Folded<A>,
    options: Versioned = {},
  ): WindowedTable<K, NonNullable<A>, V> {
    checkFolding('aggregate of sessions', initial, { add, merge }, options)
    return this.#aggregate('aggregate', { ...folding(initial, add), merge: merging(merge) }, options)
  }

  #aggregate<A>(kind: Kind, aggregation: SessionAggregation, options: Versioned): WindowedTable<K, A, V> {
    const { keyCodec, acrossPartitions } = this.#stream.edge.from
    return windowed(this.#stream, this.#windows, kind, aggregation, options, policies =>
      sessionWindows(keyCodec, this.#windows, aggregation, policies, acrossPartitions),
    )
  }
}

/** The results of a windowed aggregate, before it is said when they go out. */
export class WindowedTable<K, A, V> {
  readonly #graph: Graph
  readonly #node: WindowNode
  readonly #windows: Windows
  readonly #policies: EmitPolicy[]
  #late: Stream<K, V> | undefined

  /** @internal */
  constructor(graph: Graph, node: WindowNode, windows: Windows, policies: EmitPolicy[]) {
    this.#graph = graph
    this.#node = node
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
   * - `{ early: '1s' }`: as `'final'`, and while the window is open its state every second of processing
   *   time, if it changed.
   *
   * The timestamp of a result is the window's last instant (`end - 1`, of a session its `end`), whether it
   * comes early, on time or late; under `'changes'` it is the largest timestamp in the window. Windows over
   * the results must allow the same lateness as this window; over those of `'changes'` also the window's
   * size, or the session's gap.
   */
  emit(policy: EmitPolicy): Table<Windowed<K>, A> {
    checkEmitPolicy(policy)
    this.#policies.push(policy)
    this.#node.outlets.push(typeof policy === 'string' ? policy : `early every ${policy.early}`)
    if (policy === 'changes')
      this.#node.latenessByOutlet[this.#policies.length] = latenessOfChanges(this.#windows)
    return new Table(this.#graph, { from: this.#node, outlet: this.#policies.length }, false)
  }

  /**
   * The side output of records that came too late for every window they belong to. Asking again gives the
   * same stream.
   */
  late(): Stream<K, V> {
    return (this.#late ??= this.#lateRecords())
  }

  #lateRecords(): Stream<K, V> {
    const [edge] = this.#node.inputs
    // They carry the key that they came with, not the windowed one: an operator of their own says so.
    const node = this.#graph.add<OperatorNode>(
      {
        kind: 'operator',
        label: 'late records',
        factory: (_context, [forward]) => ({ inputs: [record => forward?.(record)] }),
        inputs: [{ from: this.#node, outlet: 0 }],
        outlets: ['late'],
        stateful: false,
        keyCodec: (edge as Edge).from.keyCodec,
        latenessMs: Number.POSITIVE_INFINITY,
        acrossPartitions: this.#node.acrossPartitions,
      },
      `${this.#node.name}-late`,
    )
    return new Stream(this.#graph, { from: node, outlet: 0 }, false)
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
  stream: Stream<K, V>,
  windows: Windows,
  kind: Kind,
  aggregation: Aggregation,
  options: Versioned,
  factory: (policies: readonly EmitPolicy[]) => OperatorFactory,
): WindowedTable<K, A, V> {
  const { graph, edge } = stream
  const { from } = edge
  if (windows.allowedLatenessMs < latenessOf(edge)) throw latenessShrinks(windows, edge)
  const policies: EmitPolicy[] = []
  const node = graph.add<WindowNode>(
    {
      kind: 'operator',
      label: `${kind}, ${describeWindows(windows)}`,
      factory: factory(policies),
      inputs: [edge],
      outlets: ['late'],
      stateful: true,
      stores: storedValue(aggregation, options.version),
      keyCodec: windowedKeyCodec(from.keyCodec),
      latenessMs: windows.allowedLatenessMs,
      latenessByOutlet: [],
      acrossPartitions: from.acrossPartitions,
    },
    options.name ?? { stem: kind },
  )
  return new WindowedTable(graph, node, windows, policies)
}

function latenessShrinks(windows: Windows, edge: Edge): MillraceError {
  const latenessMs = latenessOf(edge)
  const { name } = edge.from
  return new MillraceError(
    'LATENESS_SHRINKS',
    latenessMs === Number.POSITIVE_INFINITY
      ? `The windows (${describeWindows(windows)}) are fed with late records ('${name}'): no allowed lateness is enough for those. ` +
          'Aggregate them without windows, or write them to a topic and read that, with its own watermark.'
      : `The windows (${describeWindows(windows)}) allow less lateness than what feeds them ('${name}': ${durationInWords(latenessMs)}): ` +
          `whether its corrections still count would depend on timing. Give them { allowedLateness: '${durationInWords(latenessMs)}' } or more.`,
  )
}

const counting: Aggregation = { initial: () => 0, add: count => (count as number) + 1 }

function reducing<V>(reducer: (reduced: Readonly<V>, value: V) => Folded<V>): Aggregation {
  return {
    initial: () => undefined,
    add: (reduced, value) =>
      frozen(reduced === undefined ? value : returned(reducer(given(reduced) as V, value as V), 'reduce')),
  }
}

function folding<A, V, K>(
  initial: Initial<A>,
  add: (aggregate: Readonly<A>, value: V, key: K) => Folded<A>,
): Aggregation {
  return {
    initial: typeof initial === 'function' ? () => frozen((initial as () => A)()) : () => frozen(initial),
    add: (sum, value, key) =>
      storable(returned(add(given(sum) as A, value as V, frozen(key) as K), 'aggregate'), key),
  }
}

function merging<A, K>(
  merge: (left: Readonly<A>, right: Readonly<A>, key: K) => Folded<A>,
  method = 'aggregate',
): SessionAggregation['merge'] {
  return (left, right, key) =>
    storable(returned(merge(given(left) as A, given(right) as A, key as K), method), key)
}

function checkFolding(
  method: Method,
  initial: unknown,
  functions: Readonly<Record<string, unknown>>,
  options: unknown,
): void {
  checkCall(method, { ...(typeof initial === 'function' && { initial }), ...functions }, options)
}
