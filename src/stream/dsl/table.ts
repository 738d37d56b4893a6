/* oxlint-disable import/no-cycle -- streams group into tables, and tables change as streams: a duality. */
/** The public DSL of tables: the latest value per key, and the stream of its changes. */
import type { WritableTopic } from '../../schema/index.ts'
import { type Edge, type Graph, latenessOf, type OperatorNode } from '../plan/graph.ts'
import { checkCall } from './arguments.ts'
import type { OperatorFactory } from '../operators/operator.ts'
import { filterTable, mapTableValues, selectKey } from '../operators/stateless.ts'
import { jsonKeyCodec } from '../operators/key-codec.ts'
import { addSink, type Named, Stream } from './stream.ts'

/**
 * A table: a record replaces the one before it under the same key, and null deletes. Operators on it keep to
 * that: a value that a filter lets no longer through is deleted downstream, and nothing is said of one that
 * never was.
 */
export class Table<K, V> {
  /** @internal */
  readonly graph: Graph
  /** @internal */
  readonly edge: Edge
  /**
   * @internal Whether its rows are kept, so that a join can look them up. Of the results of windows only the
   * changes are known.
   */
  readonly kept: boolean

  /** @internal */
  constructor(graph: Graph, edge: Edge, kept = true) {
    this.graph = graph
    this.edge = edge
    this.kept = kept
  }

  /** Keeps the rows that `keep` answers true for. It is asked again when a join looks a row up. */
  filter(keep: (value: V, key: K) => boolean, options: Named = {}): Table<K, V> {
    checkCall('filter', { keep }, options)
    return this.#then('filter', filterTable(keep as never), options)
  }

  /** Another value in each row; null deletes the row. */
  mapValues<R>(mapper: (value: V, key: K) => R, options: Named = {}): Table<K, NonNullable<R>> {
    checkCall('mapValues', { mapper }, options)
    return this.#then('map-values', mapTableValues(mapper as never), options)
  }

  /** The changes as a stream; a deletion is a record with the value null. */
  toStream(): Stream<K, V | null>
  /** The changes under another key. */
  toStream<K2>(selector: (key: K, value: V | null) => K2, options?: Named): Stream<K2, V | null>
  toStream<K2>(selector?: (key: K, value: V | null) => K2, options: Named = {}): Stream<K2, V | null> {
    checkCall('toStream', selector === undefined ? {} : { selector }, options)
    if (!selector) return new Stream(this.graph, this.edge, false)
    const { from } = this.edge
    const node = this.graph.add<OperatorNode>(
      {
        kind: 'operator',
        label: 'select key',
        factory: selectKey((value, key) => selector(key as K, value as V | null)),
        inputs: [this.edge],
        outlets: ['out'],
        stateful: false,
        keyCodec: jsonKeyCodec,
        latenessMs: latenessOf(this.edge),
        acrossPartitions: from.acrossPartitions,
      },
      options.name ?? { stem: 'to-stream' },
    )
    return new Stream(this.graph, { from: node, outlet: 0 }, true)
  }

  /** Writes the changes to a topic; a deletion is written as null (a tombstone). */
  to(topic: WritableTopic<K, V>, options: Named = {}): void {
    addSink(this.graph, this.edge, topic as never, options)
  }

  #then<R>(stem: string, factory: OperatorFactory, options: Named): Table<K, R> {
    const { from } = this.edge
    const node = this.graph.add<OperatorNode>(
      {
        kind: 'operator',
        label: `table ${stem}`,
        factory,
        inputs: [this.edge],
        outlets: ['changes'],
        stateful: false,
        keyCodec: from.keyCodec,
        latenessMs: latenessOf(this.edge),
        acrossPartitions: from.acrossPartitions,
      },
      options.name ?? { stem: `table-${stem}` },
    )
    return new Table(this.graph, { from: node, outlet: 0 }, this.kept)
  }
}
