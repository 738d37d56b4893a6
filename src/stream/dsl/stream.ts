/* oxlint-disable import/no-cycle -- streams group into tables, and tables change as streams: a duality. */
/** The public DSL of streams: each method adds a node to the app's graph and returns what flows out of it. */
import { type Duration, MillraceError } from '../../base/index.ts'
import { checkTopic, type WritableTopic } from '../../schema/index.ts'
import { type Edge, type Graph, present } from '../plan/graph.ts'
import { checkCall, checkNothing, wrongArgument } from './arguments.ts'
import { GroupedStream } from './grouped.ts'
import { lateness, positive, type WindowOptions } from './windows.ts'
import { branchesOf, streamsOf } from './merging.ts'
import type { Maybe, Unary } from '../operators/operator.ts'
import type { StreamRecord } from '../operators/record.ts'
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
import { deduplicate } from '../operators/deduplicate.ts'
import { flatMapValues } from '../operators/flat-map-values.ts'
import { forEach } from '../operators/for-each.ts'
import { merge } from '../operators/merge.ts'
import { split } from '../operators/split.ts'
import { innerJoin, leftJoin } from '../operators/stream-table-join.ts'
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

/** Options of {@link Stream.split}. */
export interface SplitOptions<R extends string = never> extends Named {
  /** The name of the stream of what no branch takes. Default: that is dropped, and counted as `unmatched`. */
  readonly rest?: R
}

/** Options of {@link Stream.deduplicate}. */
export interface DeduplicateOptions extends Named, WindowOptions {
  /**
   * How far the watermark may have passed a record that still takes part. Later ones are dropped, and counted
   * as `late`. Default 0.
   */
  readonly allowedLateness?: Duration
}

/**
 * A stream: each record is an event. Functions get the value first, then the key. They are synchronous, must
 * not change what they are given, and must return something: undefined fails with USER_FUNCTION_FAILED, null
 * means no value; a key may be either. K and V include null where a record may come without.
 */
export class Stream<K, V> {
  /** @internal */
  readonly graph: Graph
  /** @internal */
  readonly edge: Edge<StreamRecord<K, V>>

  /** @internal */
  constructor(graph: Graph, edge: Edge<StreamRecord<K, V>>) {
    this.graph = graph
    this.edge = edge
  }

  /** Keeps the records that `keep` answers true for. */
  filter<R extends V>(keep: (value: V, key: K) => value is R, options?: Named): Stream<K, R>
  /** Keeps the records that `keep` answers true for. */
  filter(keep: (value: V, key: K) => boolean, options?: Named): Stream<K, V>
  filter(keep: (value: V, key: K) => boolean, options: Named = {}): Stream<K, V> {
    checkCall('filter', { keep }, options)
    return this.#then(filter(keep), options)
  }

  /** Drops the records that `drop` answers true for. */
  filterNot(drop: (value: V, key: K) => boolean, options: Named = {}): Stream<K, V> {
    checkCall('filterNot', { drop }, options)
    return this.#then(filterNot(drop), options)
  }

  /**
   * Another value under the same key; the partitioning stays. Null means no value: a topic gets a deletion.
   */
  mapValues<R>(mapper: (value: V, key: K) => R, options: Named = {}): Stream<K, R> {
    checkCall('mapValues', { mapper }, options)
    return this.#then(mapValues(mapper), options)
  }

  /** Another key and value. Marks the key as changed: the next keyed operation exchanges. */
  map<K2, V2>(mapper: (value: V, key: K) => readonly [K2, V2], options: Named = {}): Stream<K2, V2> {
    checkCall('map', { mapper }, options)
    return this.#then(map(mapper), options)
  }

  /** None, one or many records for each. Marks the key as changed. */
  flatMap<K2, V2>(
    mapper: (value: V, key: K) => Iterable<readonly [K2, V2]>,
    options: Named = {},
  ): Stream<K2, V2> {
    checkCall('flatMap', { mapper }, options)
    return this.#then(flatMap(mapper), options)
  }

  /**
   * None, one or many values for each, under the same key; the partitioning stays. As Kafka Streams'
   * `flatMapValues`.
   */
  flatMapValues<R>(mapper: (value: V, key: K) => Iterable<R>, options: Named = {}): Stream<K, R> {
    checkCall('flatMapValues', { mapper }, options)
    return this.#then(flatMapValues(mapper), options)
  }

  /**
   * Another key, null or undefined for none. Marks it as changed. An object is frozen: state is found by it.
   */
  selectKey<K2>(selector: (value: V, key: K) => K2, options: Named = {}): Stream<K2, V> {
    checkCall('selectKey', { selector }, options)
    return this.#then(selectKey(selector), options)
  }

  /** Shows each record to `look` and passes it on. After a crash a record may be shown again. */
  peek(look: (value: V, key: K) => void, options: Named = {}): Stream<K, V> {
    checkCall('peek', { look }, options)
    return this.#then(peek(look), options)
  }

  /**
   * Hands each record to `take`, and ends the stream: nothing comes after it. After a crash a record may be
   * handed over again, so what `take` does must bear repeating; to write exactly once, use {@link to}. As
   * Kafka Streams' `foreach`.
   */
  forEach(take: (value: V, key: K) => void, options: Named = {}): void {
    checkCall('forEach', { take }, options)
    this.graph.apply(forEach(take), [this.edge], options)
  }

  /**
   * The records of this stream and of others as one; the last argument may be options. Each stream keeps its
   * order, and between them is none. A stream whose key was changed meets one whose key was not through an
   * exchange; those that were not changed need equal partition counts (NOT_COPARTITIONED, when the app
   * starts). Keys in several forms (text and JSON, say) count as changed. As Kafka Streams' `merge`, and
   * Flink's `union`.
   * @throws MillraceError INVALID_ARGUMENT; INVALID_TOPOLOGY for a stream of another app
   */
  merge<Vs extends readonly unknown[]>(
    ...others: { readonly [I in keyof Vs]: Stream<K, Vs[I]> }
  ): Stream<K, V | Vs[number]>
  /** The records of several streams as one, by an operator of this name. */
  merge<Vs extends readonly unknown[]>(
    ...othersAndOptions: [...others: { readonly [I in keyof Vs]: Stream<K, Vs[I]> }, options: Named]
  ): Stream<K, V | Vs[number]>
  merge(...given: readonly (Stream<K, V> | Named)[]): Stream<K, V> {
    const { streams, options } = streamsOf(given, (one): one is Stream<K, V> => one instanceof Stream)
    const { graph } = this
    const edges = [this.edge, ...streams.map(({ edge }) => edge)]
    graph.check(merge(edges.length, true), edges, options)
    const unmoved = edges.find(({ from }) => !from.keyChanged)
    const meeting = unmoved ? edges.map(edge => graph.exchange(edge, unmoved.from.keyCodec, true)) : edges
    const forms = new Set(meeting.map(({ from }) => from.keyCodec.form))
    return new Stream(graph, graph.apply(merge<K, V>(edges.length, forms.size === 1), meeting, options))
  }

  /**
   * The records in several streams, by name: each record goes to the first branch whose function answers
   * true. What none takes goes to the branch named by `rest`, or is dropped and counted as `unmatched`. As
   * Kafka Streams' `split` with branches.
   * @example
   * const { large, small } = orders.split({ large: order => order.cents > 100_000 }, { rest: 'small' })
   * @throws MillraceError INVALID_ARGUMENT, also for a branch's name that does not begin with a letter
   */
  split<B extends string, R extends string = never>(
    branches: Readonly<Record<B, (value: V, key: K) => boolean>>,
    options: SplitOptions<R> = {},
  ): Readonly<Record<B | R, Stream<K, V>>> {
    const named = branchesOf<V, K>(branches, options)
    const { from } = this.graph.apply(split(named, options.rest), [this.edge], options)
    const streams = from.outlets.map((name, outlet) => [name, new Stream<K, V>(this.graph, { from, outlet })])
    // The outlets are the branches, and the rest.
    return Object.fromEntries(streams) as Record<B | R, Stream<K, V>>
  }

  /**
   * Passes the first record of each key, and drops those that follow within a time: a record is dropped, and
   * counted as `duplicate`, if one with its key has passed whose timestamp is less than `within` away, before
   * it or after. Dropped records do not prolong the time. What has passed is kept as state until the
   * watermark says that no record can meet it. Records without a key are skipped and counted; the value may
   * be null.
   *
   * "First" is by the order of the partition, so the same input gives the same records, also after a crash.
   * Where records of a key come from several partitions, which of them is first depends on timing. A record
   * that its watermark has passed by more than `allowedLateness` is late, and dropped: with which records it
   * would have met is forgotten. As Spark's `dropDuplicatesWithinWatermark`, with a separate time.
   * @example payments.selectKey(payment => payment.id).deduplicate('1h')
   * @throws MillraceError INVALID_DURATION, INVALID_ARGUMENT; LATENESS_SHRINKS for results of windows that
   *   allow more lateness
   */
  deduplicate(within: Duration, options: DeduplicateOptions = {}): Stream<NonNullable<K>, V> {
    checkCall('deduplicate', {}, options)
    const { graph, edge } = this
    const withinMs = positive(within, 'the time of deduplicate')
    const operator = deduplicate<NonNullable<K>, V>(withinMs, lateness(options))
    graph.check(operator, [edge], options)
    const { from, outlet } = graph.exchange(edge)
    return new Stream(graph, graph.apply(operator, [{ from, outlet }], options))
  }

  /**
   * Groups by the key that the records have; exchanges only if it was changed. Records without key or value
   * are skipped and counted.
   */
  groupByKey(): GroupedStream<NonNullable<K>, NonNullable<V>>
  groupByKey(...given: readonly unknown[]): GroupedStream<NonNullable<K>, NonNullable<V>> {
    checkNothing('groupByKey', given)
    return new GroupedStream(this.graph, present(this.graph.exchange(this.edge)))
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
    const { graph, edge } = this
    const grouped = graph.apply(groupKey<K, NonNullable<V>, K2>(selector), [valued(edge)], options)
    return new GroupedStream(graph, present(graph.exchange(grouped)))
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
    const operator = innerJoin(joiner)
    const edge = this.#toMeet('join', table, joiner, operator, options)
    return new Stream(this.graph, this.graph.apply(operator, [present(edge), table.edge], options))
  }

  /** As {@link join}, but a record without a match, or without a key, meets null. */
  leftJoin<T, R>(
    table: Table<NonNullable<K>, T>,
    joiner: (value: NonNullable<V>, tableValue: T | null, key: K) => R,
    options: Named = {},
  ): Stream<K, R> {
    const operator = leftJoin(joiner)
    const edge = this.#toMeet('leftJoin', table, joiner, operator, options)
    return new Stream(this.graph, this.graph.apply(operator, [valued(edge), table.edge], options))
  }

  /** Reads the stream as the changelog of a table: the latest value per key, null deletes. */
  toTable(options: Versioned = {}): Table<NonNullable<K>, NonNullable<V>> {
    checkCall('toTable', {}, options)
    const { graph, edge } = this
    const operator = materialize<NonNullable<K>, NonNullable<V>>({ name: 'to-table', label: 'to table' })
    graph.check(operator, [edge], options)
    return new Table(graph, graph.apply(operator, [present(graph.exchange(edge))], options))
  }

  /**
   * Writes the stream to a topic, partitioned by its key. Keys and values are checked against the topic's
   * schemas; the topic is created where it is missing and the log allows that. A value of null is written as
   * a deletion of its key.
   * @throws MillraceError INVALID_ARGUMENT; INVALID_TOPOLOGY for a topic whose keys are of another form, as
   *   text is for the keys of windows
   */
  to(topic: WritableTopic<WrittenKey<K>, NonNullable<V>>, options: Named = {}): void {
    addSink(this.graph, this.edge, topic, options)
  }

  #then<K2, V2>(operator: Unary<StreamRecord<K, V>, StreamRecord<K2, V2>>, options: Named): Stream<K2, V2> {
    return new Stream(this.graph, this.graph.apply(operator, [this.edge], options))
  }

  /** The records where they meet the rows of a table: under keys of the table's form, in its partitions. */
  #toMeet(
    method: 'join' | 'leftJoin',
    table: Table<NonNullable<K>, unknown>,
    joiner: unknown,
    operator: Parameters<Graph['check']>[0],
    options: Named,
  ): Edge<StreamRecord<K, V>> {
    if (!(table instanceof Table)) throw wrongArgument(method, 'table', noTable(table), table)
    checkCall(method, { joiner }, options)
    const { graph, edge } = this
    graph.check(operator, [edge, table.edge], options)
    const { name, keyCodec } = table.edge.from
    if (!table.kept)
      throw new MillraceError(
        'INVALID_TOPOLOGY',
        `A stream cannot be joined to '${name}', of which the rows are not kept: they are results of windows, which come and go. ` +
          'Keep them with toStream().toTable(), as long as that may grow, or write them to a topic and read that as a table.',
      )
    const isAlike = edge.from.keyCodec.form === keyCodec.form
    // Equal keys in two forms are unequal bytes in unequal partitions: the stream's are encoded again in the
    // table's form.
    const alike = isAlike
      ? edge
      : graph.apply(
          selectKey((_value: V, key: K) => key, { name: 're-key' }),
          [edge],
        )
    return graph.exchange(alike, keyCodec, method === 'leftJoin')
  }
}

/** @internal Adds the node that writes to a topic. */
export function addSink(graph: Graph, edge: Edge, topic: WritableTopic<never, never>, options: Named): void {
  checkTopic('to', topic)
  checkCall('to', {}, options)
  graph.sink(edge, topic, options)
}

/** The same edge, for an operator that drops what has no value. */
function valued<K, V>({
  from,
  outlet,
}: Edge<StreamRecord<K, V>>): Edge<StreamRecord<K, Maybe<NonNullable<V>>>> {
  return { from, outlet }
}

function noTable(given: unknown): string {
  return given instanceof Stream
    ? 'a table (toTable() makes one of a stream, app.table(topic) reads a topic as one)'
    : 'a table, as app.table(topic), toTable() and aggregates give one'
}
