/* oxlint-disable import/no-cycle -- methods of streams give streams with side outputs. */
/** The outlets of an operator as streams: those of late records, and those that the program names. */
import { lateRecords } from '../operators/late-records.ts'
import type { Edge, Graph, OutletOf } from '../plan/graph.ts'
import { Stream } from './stream.ts'

/** A stream without the records that came too late for it. `Late`: their values. */
export interface StreamWithLate<K, V, Late = V> extends Stream<K, V> {
  /** The side output of records that came too late. A second call returns the same stream. */
  late(): Stream<K, Late>
}

/** The stream of an outlet of late records, made at the first call. `side`: where they come from. */
export function lateOf<K, V>(
  graph: Graph,
  { from }: OutletOf,
  outlet: number,
  side: Edge,
): () => Stream<K, V> {
  let stream: Stream<K, V> | undefined
  return () => {
    const name = `${from.name}-${from.outlets[outlet]}`
    const operator = lateRecords<K, V>(side.from.keyCodec)
    return (stream ??= new Stream(graph, graph.apply(operator, [{ from, outlet }], { name })))
  }
}

/** The streams of all outlets of an operator, by their names. */
export function streamsByOutlet<K, V>(
  graph: Graph,
  { from }: OutletOf,
): Readonly<Record<string, Stream<K, V>>> {
  return Object.fromEntries(
    from.outlets.map((name, outlet) => [name, new Stream<K, V>(graph, { from, outlet })]),
  )
}
