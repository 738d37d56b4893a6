/* oxlint-disable import/no-cycle -- streams group into tables, and tables change as streams: a duality. */
/** The public DSL of streams: each method adds a node to the app's graph and returns what flows out of it. */
import { MillraceError } from '../../base/index.ts'
import { checkTopic, type WritableTopic } from '../../schema/index.ts'
import {
  type Edge,
  type ExchangeNode,
  type Graph,
  latenessOf,
  type OperatorNode,
  type SinkNode,
} from '../plan/graph.ts'
import { checkCall, checkNothing, wrongArgument } from './arguments.ts'
import { checkKeyForm } from '../plan/key-forms.ts'
import { GroupedStream } from './grouped.ts'
import { jsonKeyCodec, type KeyCodec } from '../operators/key-codec.ts'
import type { OperatorFactory } from '../operators/operator.ts'
import {
  filter,
  filterNot,
  flatMap,
  groupKey,
  map,
  mapValues,
  peek,
  selectKey,
} from '../operators/stateless.ts'
import { streamTableJoin } from '../operators/stream-table-join.ts'
import { materialize } from '../operators/table-source.ts'
import { Table } from './table.ts'

/**
 * Keys as a topic must take them: a record without a key (null) can be written to each, a stream without any
 * keys only to a topic without.
 */
type WrittenKey<K> = [NonNullable<K>] extends [never] ? K : NonNullable<K>

/**
 * Options of every operator: a name keeps its state apart from others', across changes of the program.
 * Default: its kind and a number.
 */
export interface Named {
  readonly name?: string
}

/** Options of an operator that keeps state. */
export interface Versioned extends Named {
  /**
   * What the values of the state mean: a whole number, raised when a changed function makes the old ones
   * wrong. State of another version is refused when the app starts. An operator whose version is stated, and
   * equal, may change the shape of its values.
   */
  readonly version?: number
}

/**
 * A stream: each record stands for itself. Functions get the value first, then the key. They are synchronous,
 * must not change what they are given, and must return something: undefined fails with USER_FUNCTION_FAILED,
 * null is no value; a key may be either. K and V include null where a record may come without.
 */
export class Stream<K, V> {
  /** @internal */
  readonly graph: Graph
  /** @internal */
  readonly edge: Edge
  /**
   * @internal Whether the key has changed since the last exchange: the next keyed operation sends the records
   * to where the new key lives.
   */
  readonly keyChanged: boolean

  /** @internal */
  constructor(graph: Graph, edge: Edge, keyChanged: boolean) {
    this.graph = graph
    this.edge = edge
    this.keyChanged = keyChanged
  }

  /** Keeps the records that `keep` answers true for. */
  filter<R extends V>(keep: (value: V, key: K) => value is R, options?: Named): Stream<K, R>
  /** Keeps the records that `keep` answers true for. */
  filter(keep: (value: V, key: K) => boolean, options?: Named): Stream<K, V>
  filter(keep: (value: V, key: K) => boolean, options: Named = {}): Stream<K, V> {
    checkCall('filter', { keep }, options)
    return this.#then('filter', filter(keep as never), options)
  }

  /** Drops the records that `drop` answers true for. */
  filterNot(drop: (value: V, key: K) => boolean, options: Named = {}): Stream<K, V> {
    checkCall('filterNot', { drop }, options)
    return this.#then('filter-not', filterNot(drop as never), options)
  }

  /**
   * Another value under the same key; the partitioning stays. Null means no value: a topic gets a deletion.
   */
  mapValues<R>(mapper: (value: V, key: K) => R, options: Named = {}): Stream<K, R> {
    checkCall('mapValues', { mapper }, options)
    return this.#then('map-values', mapValues(mapper as never), options)
  }

  /** Another key and value. Marks the key as changed: the next keyed operation exchanges. */
  map<K2, V2>(mapper: (value: V, key: K) => readonly [K2, V2], options: Named = {}): Stream<K2, V2> {
    checkCall('map', { mapper }, options)
    return this.#then('map', map(mapper as never), options, true)
  }

  /** None, one or many records for each. Marks the key as changed. */
  flatMap<K2, V2>(
    mapper: (value: V, key: K) => Iterable<readonly [K2, V2]>,
    options: Named = {},
  ): Stream<K2, V2> {
    checkCall('flatMap', { mapper }, options)
    return this.#then('flat-map', flatMap(mapper as never), options, true)
  }

  /**
   * Another key, null or undefined for none. Marks it as changed. An object is frozen: state is found by it.
   */
  selectKey<K2>(selector: (value: V, key: K) => K2, options: Named = {}): Stream<K2, V> {
    checkCall('selectKey', { selector }, options)
    return this.#then('select-key', selectKey(selector as never), options, true)
  }

  /** Shows each record to `look` and passes it on. After a crash a record may be shown again. */
  peek(look: (value: V, key: K) => void, options: Named = {}): Stream<K, V> {
    checkCall('peek', { look }, options)
    return this.#then('peek', peek(look as never), options)
  }

  /**
   * Groups by the key that the records have; exchanges only if it was changed. Records without key or value
   * are skipped and counted.
   */
  groupByKey(): GroupedStream<NonNullable<K>, NonNullable<V>>
  groupByKey(...given: readonly unknown[]): GroupedStream<NonNullable<K>, NonNullable<V>> {
    checkNothing('groupByKey', given)
    return new GroupedStream(this.partitioned() as never)
  }

  /**
   * Groups by another key: always an exchange. Records without a value are skipped and counted; so are those
   * with null or undefined for a key.
   */
  groupBy<K2>(
    selector: (value: NonNullable<V>, key: K) => K2,
    options: Named = {},
  ): GroupedStream<NonNullable<K2>, NonNullable<V>> {
    checkCall('groupBy', { selector }, options)
    const grouped = this.#then<K2, V>('select-key', groupKey(selector as never), options, true)
    return new GroupedStream(grouped.partitioned() as never)
  }

  /**
   * Joins each record to the table's latest value under its key; one without a match is left out. Both sides
   * need equal partition counts (NOT_COPARTITIONED, when the app starts), unless the stream's key was
   * changed, or is written in another form than the table's (text and JSON, say): then an exchange fits it to
   * the table. Records without a key or a value are skipped and counted.
   * @throws MillraceError INVALID_ARGUMENT; INVALID_TOPOLOGY for the results of windows, whose rows are not
   *   kept, and for a table of another app
   */
  join<T, R>(
    table: Table<NonNullable<K>, T>,
    joiner: (value: NonNullable<V>, tableValue: T, key: NonNullable<K>) => R,
    options: Named = {},
  ): Stream<NonNullable<K>, R> {
    return this.#join('join', table, joiner as never, options)
  }

  /** As {@link join}, but a record without a match, or without a key, meets null. */
  leftJoin<T, R>(
    table: Table<NonNullable<K>, T>,
    joiner: (value: NonNullable<V>, tableValue: T | null, key: K) => R,
    options: Named = {},
  ): Stream<K, R> {
    return this.#join('leftJoin', table, joiner as never, options)
  }

  /** Reads the stream as the changelog of a table: the latest value per key, null deletes. */
  toTable(options: Versioned = {}): Table<NonNullable<K>, NonNullable<V>> {
    checkCall('toTable', {}, options)
    this.graph.checkName(options.name)
    const { graph, edge } = this.partitioned()
    const node = graph.add<OperatorNode>(
      {
        kind: 'operator',
        label: 'to table',
        factory: materialize(edge.from.keyCodec),
        inputs: [edge],
        outlets: ['changes'],
        stateful: true,
        ...(options.version !== undefined && { stores: { version: options.version } }),
        keyCodec: edge.from.keyCodec,
        latenessMs: latenessOf(edge),
        acrossPartitions: edge.from.acrossPartitions,
      },
      options.name ?? { stem: 'to-table' },
    )
    return new Table(graph, { from: node, outlet: 0 })
  }

  /**
   * Writes the stream to a topic, partitioned by its key. Keys and values are checked against the topic's
   * schemas; the topic is created where it is missing and the log allows that. A value of null is written as
   * a deletion of its key.
   * @throws MillraceError INVALID_ARGUMENT; INVALID_TOPOLOGY for a topic whose keys are of another form, as
   *   text is for the keys of windows
   */
  to(topic: WritableTopic<WrittenKey<K>, NonNullable<V>>, options: Named = {}): void {
    addSink(this.graph, this.edge, topic as never, options)
  }

  /**
   * @internal The stream with its records where their keys live: through an exchange if the key has changed.
   */
  partitioned(keyCodec?: KeyCodec, keepsKeyless = false): Stream<K, V> {
    if (!this.keyChanged) return this
    const node = this.graph.add<ExchangeNode>(
      {
        kind: 'exchange',
        keepsKeyless,
        inputs: [this.edge],
        keyCodec: keyCodec ?? jsonKeyCodec,
        latenessMs: latenessOf(this.edge),
        acrossPartitions: true,
      },
      this.graph.nameAfter(this.edge.from.name, 'exchange'),
    )
    return new Stream(this.graph, { from: node, outlet: 0 }, false)
  }

  #join<J, T, R>(
    method: 'join' | 'leftJoin',
    table: Table<NonNullable<K>, T>,
    joiner: (value: unknown, tableValue: unknown, key: unknown) => unknown,
    options: Named,
  ): Stream<J, R> {
    if (!(table instanceof Table)) throw wrongArgument(method, 'table', noTable(table), table)
    checkCall(method, { joiner }, options)
    this.graph.checkName(options.name)
    this.graph.checkOwn(table.edge.from, options.name ?? method)
    const kind = method === 'join' ? 'inner' : 'left'
    const tableNode = table.edge.from
    if (!table.kept)
      throw new MillraceError(
        'INVALID_TOPOLOGY',
        `A stream cannot be joined to '${tableNode.name}', of which the rows are not kept: they are results of windows, which come and go. ` +
          'Keep them with toStream().toTable(), as long as that may grow, or write them to a topic and read that as a table.',
      )
    const isAlike = this.edge.from.keyCodec.form === tableNode.keyCodec.form
    // Equal keys in two forms are unequal bytes in unequal partitions: the stream's are encoded again in the
    // table's form.
    const stream = isAlike
      ? this
      : this.#then(
          're-key',
          selectKey((_value, key) => key),
          {},
          true,
        )
    const { edge } = stream.partitioned(tableNode.keyCodec, kind === 'left')
    const node = this.graph.add<OperatorNode>(
      {
        kind: 'operator',
        label: `${kind} join table`,
        factory: streamTableJoin(tableNode.keyCodec, kind, joiner),
        inputs: [edge, table.edge],
        outlets: ['joined'],
        stateful: false,
        keyCodec: edge.from.keyCodec,
        latenessMs: Math.max(latenessOf(edge), latenessOf(table.edge)),
        acrossPartitions: edge.from.acrossPartitions,
      },
      options.name ?? { stem: kind === 'inner' ? 'join' : 'left-join' },
    )
    return new Stream(this.graph, { from: node, outlet: 0 }, false)
  }

  #then<K2, V2>(stem: string, factory: OperatorFactory, options: Named, changesKey = false): Stream<K2, V2> {
    const { from } = this.edge
    const node = this.graph.add<OperatorNode>(
      {
        kind: 'operator',
        label: stem,
        factory,
        inputs: [this.edge],
        outlets: ['out'],
        stateful: false,
        keyCodec: changesKey ? jsonKeyCodec : from.keyCodec,
        latenessMs: latenessOf(this.edge),
        acrossPartitions: from.acrossPartitions,
      },
      options.name ?? { stem },
    )
    return new Stream(this.graph, { from: node, outlet: 0 }, this.keyChanged || changesKey)
  }
}

/** @internal Adds the node that writes to a topic. */
export function addSink(
  graph: Graph,
  edge: Edge,
  topic: WritableTopic<unknown, unknown>,
  options: Named,
): void {
  checkTopic('to', topic)
  checkCall('to', {}, options)
  checkKeyForm(edge.from, topic)
  graph.add<SinkNode>(
    {
      kind: 'sink',
      topic,
      inputs: [edge],
      keyCodec: edge.from.keyCodec,
      latenessMs: latenessOf(edge),
      acrossPartitions: edge.from.acrossPartitions,
    },
    options.name ?? { stem: 'to' },
  )
}

function noTable(given: unknown): string {
  return given instanceof Stream
    ? 'a table (toTable() makes one of a stream, app.table(topic) reads a topic as one)'
    : 'a table, as app.table(topic), toTable() and aggregates give one'
}
