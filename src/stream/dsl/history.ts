/* oxlint-disable import/no-cycle -- tables with history have side outputs, which are streams. */
/** Tables with history, as a program asks for them. */
import { assert, type Duration, MillraceError } from '../../base/index.ts'
import { innerAsOfJoin, leftAsOfJoin } from '../operators/as-of-join.ts'
import type { Maybe, OperatorSpec } from '../operators/operator.ts'
import type { RecordContext, StreamRecord } from '../operators/record.ts'
import { innerJoin, leftJoin } from '../operators/stream-table-join.ts'
import type { Change } from '../operators/table-rows.ts'
import { materialize } from '../operators/table-source.ts'
import { type History, materializeVersions } from '../operators/versioned-table.ts'
import { type AnySpec, type Edge, type Graph, latenessOf, type OutletOf } from '../plan/graph.ts'
import { latenessMs, positiveMs } from './durations.ts'
import type { Named } from './options.ts'
import { checkHasWatermark } from './has-watermark.ts'
import { lateOf } from './side-outputs.ts'
import type { Stream } from './stream.ts'
import type { Table } from './table.ts'
import type { WindowOptions } from './windows.ts'

/** How a table is kept. */
export interface TableOptions extends Named, WindowOptions {
  /**
   * How long a row is remembered after the next one has replaced it, such as `'1h'`. A record of a stream
   * that is joined to the table then gets the row of the record's time, not the latest one. For that it waits
   * for the watermark, which the table's topic must declare, with `idleAfter` if it seldom changes. Default:
   * only the latest row is kept.
   */
  readonly history?: Duration
  /**
   * How far the watermark may have passed a change that the history still takes. A join waits as long for
   * such changes. Later ones are dropped, and counted as `late`. Default 0. Only with `history`.
   */
  readonly allowedLateness?: Duration
}

/** As {@link TableOptions}, of a table with a history. */
export type HistoryOptions = TableOptions & { readonly history: Duration }

/**
 * A table that remembers its rows, so that streams are joined to them as of the records' times. `Late`: the
 * values of the changes that came too late for it.
 */
export interface TableWithHistory<K, V, Late = V> extends Table<K, V> {
  /**
   * The side output of changes that came too late for the history, as they were before `filter` and
   * `mapValues`; a deletion has the value null. A second call returns the same stream.
   */
  late(): Stream<K, Late | null>
  filter(keep: (value: V, key: K) => boolean, options?: Named): TableWithHistory<K, V, Late>
  filterNot(drop: (value: V, key: K) => boolean, options?: Named): TableWithHistory<K, V, Late>
  mapValues<R>(mapper: (value: V, key: K) => R, options?: Named): TableWithHistory<K, NonNullable<R>, Late>
}

/** What a table keeps of the past, and the changes that came too late for it. */
export interface Past extends History {
  readonly late: () => unknown
}

/** The past of the table whose changes an operator of {@link rowsOf} gives. */
export function pastOf<K, V>(
  graph: Graph,
  changes: OutletOf<Change<K, V>>,
  history: History | undefined,
): Past | undefined {
  return history && { ...history, late: lateOf<K, V | null>(graph, changes, 1, changes) }
}

/** The history that a program asks for; undefined for none. `from`: where the changes come from. */
export function historyOf(
  from: Parameters<typeof checkHasWatermark>[1],
  options: TableOptions,
): History | undefined {
  const { history, allowedLateness } = options
  if (history === undefined) {
    if (allowedLateness === undefined) return undefined
    throw new MillraceError(
      'INVALID_ARGUMENT',
      `The table of '${from.name}' keeps only the latest rows, so no change is late. Leave out allowedLateness, or give it a { history }.`,
    )
  }
  const historyMs = positiveMs(history, 'the history of a table')
  checkHasWatermark('the history of a row', from)
  return { historyMs, allowedLatenessMs: latenessMs(options), joins: { heldMs: 0 } }
}

export function isSameHistory(one: History, other: History | undefined): boolean {
  return one.historyMs === other?.historyMs && one.allowedLatenessMs === other.allowedLatenessMs
}

/** The operator that keeps the rows of a table. `called`: its names. */
export function rowsOf<K, V>(
  called: { readonly name: string; readonly label: string },
  history: History | undefined,
): OperatorSpec<[StreamRecord<Maybe<K>, Maybe<V>>], [Change<K, V>, ...late: StreamRecord<K, Maybe<V>>[]]> {
  return history ? materializeVersions<K, V>(called, history) : materialize<K, V>(called)
}

/** The join of a stream to a table: as of the record's time if the table has a history. */
export function innerJoinOf<K, V, T, R>(
  { history }: { readonly history: History | undefined },
  stream: Edge,
  joiner: (value: V, tableValue: T, key: K, record: RecordContext) => R,
): OperatorSpec<
  [StreamRecord<Maybe<K>, Maybe<V>>, Change<NonNullable<K>, T>],
  [StreamRecord<K, R>, ...late: StreamRecord<K, V>[]]
> {
  return history ? innerAsOfJoin(history, lookBack(history, stream), joiner) : innerJoin(joiner)
}

/** As {@link innerJoinOf}. */
export function leftJoinOf<K, V, T, R>(
  { history }: { readonly history: History | undefined },
  stream: Edge,
  joiner: (value: V, tableValue: T | null, key: K, record: RecordContext) => R,
): OperatorSpec<
  [StreamRecord<K, Maybe<V>>, Change<NonNullable<K>, T>],
  [StreamRecord<K, R>, ...late: StreamRecord<K, V>[]]
> {
  return history ? leftAsOfJoin(history, lookBack(history, stream), joiner) : leftJoin(joiner)
}

/** Records of the stream look back into the history. Returns how late they may come. */
function lookBack({ joins }: History, stream: Edge): number {
  joins.heldMs = Math.max(joins.heldMs, stream.from.heldMs)
  return latenessOf(stream)
}

/**
 * The rows of a table once more, behind an exchange: for a join in a later stage, which cannot look into the
 * state of an earlier one.
 */
export function keptAgain<K, V>(
  graph: Graph,
  { edge, history }: { readonly edge: Edge<Change<K, V>>; readonly history: History | undefined },
  { name }: Named,
): Edge<Change<K, V>> {
  const called = name === undefined ? {} : { name: `${name}-table` }
  // The copy has the types of the table.
  if (history) return historyAgain(graph, edge, called) as Edge<Change<K, V>>
  const rows = materialize<K, V>({ name: 'table-again', label: 'table' })
  return graph.apply({ ...rows, keepsRowsOf: [0] }, [graph.repartition(edge)], called)
}

/** A history is made of all that its table was made of: it does not forward changes of rows that were. */
function historyAgain(graph: Graph, { from }: Edge, called: Named): Edge {
  assert(from.kind === 'operator', 'a history is kept by an operator')
  const { spec, stateful, inputs } = from
  const input = inputs[0]!
  return stateful
    ? graph.apply(uncounted(spec), [graph.repartition(input)], called)
    : graph.apply(spec, [historyAgain(graph, input, called)])
}

/** The table has counted the changes that it dropped, and sent late ones to its side output. */
function uncounted(spec: AnySpec): AnySpec {
  return {
    ...spec,
    keepsRowsOf: [0],
    make: (context, to) => spec.make({ ...context, drop: () => {}, late: () => {} }, to),
  }
}
