/** Co-partitioning of joined and cogrouped streams: keys of one form, in the same partitions. */
import { MillraceError } from '../../base/index.ts'
import { jsonKeyCodec } from '../operators/key-codec.ts'
import type { StreamRecord } from '../operators/record.ts'
import { selectKey } from '../operators/stateless.ts'
import type { Edge, Graph } from '../plan/graph.ts'

/** What a join needs to know of a table. */
interface JoinedTable {
  readonly edge: Edge
  readonly kept: boolean
}

/**
 * Refuses results of windows as a side of a join: their rows are not kept.
 * @throws MillraceError INVALID_TOPOLOGY
 */
export function checkKept(what: 'stream' | 'table', { edge, kept }: JoinedTable): void {
  if (kept) return
  throw new MillraceError(
    'INVALID_TOPOLOGY',
    `A ${what} cannot be joined to '${edge.from.name}', of which the rows are not kept: they are results of windows, which come and go. ` +
      'Keep them with toStream().toTable(), as long as that may grow, or write them to a topic and read that as a table.',
  )
}

/** The records of `edge` as a join needs them: with keys in the table's form, in the table's partitions. */
export function copartitioned<K, V>(
  graph: Graph,
  edge: Edge<StreamRecord<K, V>>,
  table: Pick<JoinedTable, 'edge'>,
  keepsKeyless = false,
): Edge<StreamRecord<K, V>> {
  const { keyCodec } = table.edge.from
  // Equal keys in two forms have different bytes, in different partitions. So the keys are encoded again, in
  // the table's form.
  const alike = edge.from.keyCodec.form === keyCodec.form ? edge : reKeyed(graph, edge)
  return graph.exchange(alike, keyCodec, keepsKeyless)
}

/**
 * Both streams as a join needs them: in the same partitions, with keys of one form. A stream whose key was
 * not changed stays where it is. `keepsKeyless`: whether the records of each that have no key pass exchanges.
 */
export function bothCopartitioned<K, V, W>(
  graph: Graph,
  left: Edge<StreamRecord<K, V>>,
  right: Edge<StreamRecord<K, W>>,
  keepsKeyless: readonly [left: boolean, right: boolean],
): [Edge<StreamRecord<K, V>>, Edge<StreamRecord<K, W>>] {
  const [keepsLeft, keepsRight] = keepsKeyless
  if (left.from.keyChanged && right.from.keyChanged)
    return [graph.exchange(left, jsonKeyCodec, keepsLeft), graph.exchange(right, jsonKeyCodec, keepsRight)]
  return left.from.keyChanged
    ? [copartitioned(graph, left, { edge: right }, keepsLeft), right]
    : [left, copartitioned(graph, right, { edge: left }, keepsRight)]
}

/**
 * Streams that are in the partitions of their keys, with keys of one form. If they have several, all get that
 * of keys that the program made: so a stream passes one exchange at most.
 */
export function inOneForm<K, V>(
  graph: Graph,
  edges: readonly [Edge<StreamRecord<K, V>>, ...(readonly Edge<StreamRecord<K, V>>[])],
): [Edge<StreamRecord<K, V>>, ...Edge<StreamRecord<K, V>>[]] {
  const [first, ...others] = edges
  const { form } = first.from.keyCodec
  const isAlike = others.every(({ from }) => from.keyCodec.form === form)
  const alike = (edge: Edge<StreamRecord<K, V>>): Edge<StreamRecord<K, V>> =>
    isAlike || edge.from.keyCodec.form === jsonKeyCodec.form ? edge : graph.exchange(reKeyed(graph, edge))
  return [alike(first), ...others.map(alike)]
}

/** The keys are made again, and so get the form of an exchange. */
function reKeyed<K, V>(graph: Graph, edge: Edge<StreamRecord<K, V>>): Edge<StreamRecord<K, V>> {
  return graph.apply(
    selectKey((_value: V, key: K) => key, { name: 're-key' }),
    [edge],
  )
}
