/* oxlint-disable import/no-cycle -- streams are joined to streams: a method of one makes another. */
/** Two streams side by side in windows: what each window has of both, and their pairs. */
import type { Windowed } from '../../schema/index.ts'
import type { EmitPolicy } from '../operators/emit-policy.ts'
import type { RecordContext } from '../operators/record.ts'
import type { Joiner, JoinKind } from '../operators/join-bounds.ts'
import { windowAggregate } from '../operators/window-aggregate.ts'
import { bySide, hasPairs, type Sides, windowPairs } from '../operators/window-pairs.ts'
import type { Windows } from '../operators/windows.ts'
import { type Graph, present } from '../plan/graph.ts'
import { checkCall, wrongArgument } from './arguments.ts'
import { bothCopartitioned } from './co-partitioning.ts'
import type { Named, Versioned } from './options.ts'
import { Stream } from './stream.ts'
import type { Table } from './table.ts'
import { isWindows, type WindowedTable, windowedTable } from './windowed-table.ts'

/** Two streams, with values of V and W, by key and window. All results are made of one state. */
export class CoGroupedStreams<K, V, W> {
  readonly #graph: Graph
  readonly #table: WindowedTable<K, Sides<V, W>, V | W>

  /** @internal */
  constructor(graph: Graph, table: WindowedTable<K, Sides<V, W>, V | W>) {
    this.#graph = graph
    this.#table = table
  }

  /**
   * Gives the values that each window has of both streams, each side in the order in which its values came;
   * the policy says when, as that of other windows. As Flink's `coGroup`.
   * @example
   * orders.coGroup(payments, tumbling('1h'))
   *   .emit('final')
   *   .mapValues(({ left, right }) => ({ orders: left.length, payments: right.length }))
   */
  emit(policy: EmitPolicy): Table<Windowed<K>, Sides<V, W>> {
    return this.#table.emit(policy)
  }

  /**
   * The pairs of each window: every record of the one stream with every record of the other, once the window
   * is complete. A late record that the window still takes adds its pairs. As Flink's window join.
   */
  join<R>(
    joiner: (value: V, otherValue: W, key: Windowed<K>, record: RecordContext) => R,
    options: Named = {},
  ): Stream<Windowed<K>, R> {
    return this.#join('join', joiner as Joiner<Windowed<K>, V, W, R>, options)
  }

  /**
   * As {@link join}, and the records of the first stream in windows that have none of the other: they are
   * joined to null. This is not taken back when a late record comes.
   */
  leftJoin<R>(
    joiner: (value: V, otherValue: W | null, key: Windowed<K>, record: RecordContext) => R,
    options: Named = {},
  ): Stream<Windowed<K>, R> {
    return this.#join('leftJoin', joiner as Joiner<Windowed<K>, V, W, R>, options)
  }

  /** As {@link leftJoin}, for the records of either stream. */
  outerJoin<R>(
    joiner: (value: V | null, otherValue: W | null, key: Windowed<K>, record: RecordContext) => R,
    options: Named = {},
  ): Stream<Windowed<K>, R> {
    return this.#join('outerJoin', joiner, options)
  }

  /** The side output of records of both streams that came too late for every window they belong to. */
  late(): Stream<K, V | W> {
    return this.#table.late()
  }

  #join<R>(kind: JoinKind, joiner: Joiner<Windowed<K>, V, W, R>, options: Named): Stream<Windowed<K>, R> {
    checkCall(`${kind} of a coGroup`, { joiner }, options)
    const operator = windowPairs(kind, joiner)
    const results = this.#table.finalIf(hasPairs[kind])
    return new Stream(this.#graph, this.#graph.apply(operator, [results], options))
  }
}

/** Collects the values of two streams by key and window. */
export function coGrouped<K, V, W>(
  left: Stream<K, V>,
  right: Stream<K, W>,
  windows: Windows<never>,
  options: Versioned,
): CoGroupedStreams<NonNullable<K>, NonNullable<V>, NonNullable<W>> {
  if (!(right instanceof Stream)) throw wrongArgument('coGroup', 'stream', 'a stream', right)
  if (!isWindows(windows))
    throw wrongArgument('coGroup', 'windows', "windows, such as tumbling('1h')", windows)
  checkCall('coGroup', {}, options)
  const { graph } = left
  const aggregation = bySide<NonNullable<K>, NonNullable<V>, NonNullable<W>>()
  graph.check(windowAggregate('co-group', windows, aggregation, []), [left.edge, right.edge], options)
  const sides = bothCopartitioned<K, V | W, V | W>(graph, left.edge, right.edge, [false, false])
  const edges = [present(sides[0]), present(sides[1])] as const
  return new CoGroupedStreams(graph, windowedTable(graph, edges, windows, 'co-group', aggregation, options))
}
