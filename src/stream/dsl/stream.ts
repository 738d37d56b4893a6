/* oxlint-disable import/no-cycle -- streams group into tables, and tables change as streams: a duality. */
/** The public DSL of streams: each method adds a node to the app's graph and returns the node's output. */
import type { Duration } from '../../base/index.ts'
import type { WritableTopic } from '../../schema/index.ts'
import type { RecordContext } from '../operators/record.ts'
import { groupKey } from '../operators/stateless.ts'
import type { Windows } from '../operators/windows.ts'
import { present, valued } from '../plan/graph.ts'
import { checkCall, checkNothing, checkPartitionCount } from './arguments.ts'
import { deduplicated, type DeduplicateOptions } from './deduplicate.ts'
import type { GlobalTable } from './global-table.ts'
import { GroupedStream } from './grouped.ts'
import {
  type HistoryOptions,
  historyOf,
  pastOf,
  rowsOf,
  type TableOptions,
  type TableWithHistory,
} from './history.ts'
import { type MapAsyncOptions, mappedAsync } from './map-async.ts'
import { type Matches, matchesOf, type MatchOptions } from './match.ts'
import { merged } from './merge.ts'
import type { Named, Versioned } from './options.ts'
import type { PatternOf, PatternStart } from './pattern.ts'
import { processed, type ProcessDefinition } from './process.ts'
import type { StreamWithLate } from './side-outputs.ts'
import { sinkTo } from './sink.ts'
import { splitByBranch, type SplitOptions } from './split.ts'
import { StatelessOperators } from './stateless.ts'
import { type JoinedStream, type JoinOptions, joinStreams, joinTo } from './stream-joins.ts'
import { Table } from './table.ts'
import { type CoGroupedStreams, coGrouped } from './windowed-co-group.ts'

/** Options of `repartition`. */
export interface RepartitionOptions extends Named {
  /**
   * How many partitions and tasks there are behind it, at most 10,000. It is permanent, as state is
   * partitioned by it. Default: as many as before it.
   */
  readonly partitions?: number
}

/**
 * The keys that a topic must accept. A record without a key (null) can be written to any topic; a stream
 * without any keys, only to a topic without keys.
 */
type WrittenKey<K> = [NonNullable<K>] extends [never] ? K : NonNullable<K>

/**
 * A stream: each record is an event. Functions get the value first, then the key, then the record's time,
 * headers and pane ({@link RecordContext}). They are synchronous, must not change their arguments, and must
 * return a value: undefined fails with USER_FUNCTION_FAILED, and null means no value. A key may be either. K
 * and V include null if a record may lack the key or the value.
 */
export class Stream<K, V> extends StatelessOperators<K, V> {
  /**
   * Replaces the value by what an asynchronous function resolves to, under the same key: a look-up in another
   * system. A record waits in state until its result is forwarded. So each record has one result, also after
   * a crash; but the function may be called again for what was in flight, and should be idempotent. The
   * watermark does not overtake a record that waits. A call that fails is repeated (`retries`), and then the
   * record counts as failed. As Flink's `AsyncDataStream`.
   * @example orders.mapAsync(async order => ({ ...order, customer: await find(order.customer) }))
   * @throws MillraceError INVALID_ARGUMENT, INVALID_DURATION
   */
  mapAsync<R>(
    mapper: (value: V, key: K, record: RecordContext) => R | Promise<R>,
    options: MapAsyncOptions = {},
  ): Stream<K, R> {
    return mappedAsync(this, mapper, options)
  }

  /**
   * Merges the records of this stream and others into one stream; the last argument may be options. Each
   * stream keeps its order; there is no order between streams. A stream whose key was changed passes an
   * exchange to meet one whose key was not. Streams with unchanged keys need equal partition counts
   * (NOT_COPARTITIONED, when the app starts). Keys in several forms (text and JSON, say) count as changed. As
   * Kafka Streams' `merge`, and Flink's `union`.
   * @throws MillraceError INVALID_ARGUMENT; INVALID_TOPOLOGY for a stream of another app
   */
  merge<Vs extends readonly unknown[]>(
    ...others: { readonly [I in keyof Vs]: Stream<K, Vs[I]> }
  ): Stream<K, V | Vs[number]>
  /** Merges several streams into one, with options for the operator. */
  merge<Vs extends readonly unknown[]>(
    ...othersAndOptions: [...others: { readonly [I in keyof Vs]: Stream<K, Vs[I]> }, options: Named]
  ): Stream<K, V | Vs[number]>
  merge(...given: readonly (Stream<K, V> | Named)[]): Stream<K, V> {
    return merged(this, given)
  }

  /**
   * Splits the stream into several, by name: each record goes to the first branch whose function returns
   * true. A record that no branch takes goes to the stream named by `rest`, or is dropped and counted as
   * `unmatched`. As Kafka Streams' `split` with branches.
   * @example
   * const { large, small } = orders.split({ large: order => order.cents > 100_000 }, { rest: 'small' })
   * @throws MillraceError INVALID_ARGUMENT, also for a branch's name that does not begin with a letter
   */
  split<B extends string, R extends string = never>(
    branches: Readonly<Record<B, (value: V, key: K, record: RecordContext) => boolean>>,
    options: SplitOptions<R> = {},
  ): Readonly<Record<B | R, Stream<K, V>>> {
    // Its names are those of the branches and of the rest.
    return splitByBranch(this, branches, options) as Record<B | R, Stream<K, V>>
  }

  /**
   * Passes the first record of each key, and drops its duplicates within a time. A record is a duplicate if a
   * record with its key has passed, and their timestamps are less than `within` apart, in either direction.
   * Duplicates are counted as `duplicate`, and do not prolong the time. The timestamps of passed records are
   * kept as state until the watermark excludes further duplicates. Records without a key are skipped and
   * counted; the value may be null.
   *
   * "First" is by the order of the partition, so the same input gives the same records, also after a crash.
   * If the records of a key come from several partitions, timing decides which one is first. A record is
   * late if its watermark has passed it by more than `allowedLateness`: the timestamps near it may be
   * forgotten. `late()` gives such records. As Spark's `dropDuplicatesWithinWatermark`, with a separate time.
   * @example payments.selectKey(payment => payment.id).deduplicate('1h')
   * @throws MillraceError INVALID_DURATION, INVALID_ARGUMENT; LATENESS_SHRINKS for results of windows that
   *   allow more lateness
   */
  deduplicate(within: Duration, options: DeduplicateOptions = {}): StreamWithLate<NonNullable<K>, V> {
    return deduplicated(this, within, options)
  }

  /**
   * Sends each record through an exchange to the task that owns its key; records without a key too. Whatever
   * follows runs in `partitions` tasks, so that work on few partitions spreads over more. As Kafka Streams'
   * `repartition`.
   * @example payments.repartition({ partitions: 12 }).filter(isSuspicious)
   * @throws MillraceError INVALID_ARGUMENT; NOT_COPARTITIONED, when the app starts, if it meets another input
   *   with another partition count
   */
  repartition(options: RepartitionOptions = {}): Stream<K, V> {
    checkCall('repartition', {}, options)
    const { partitions, name } = options
    checkPartitionCount(partitions)
    return new Stream(this.graph, this.graph.repartition(this.edge, partitions, name))
  }

  /**
   * Finds a pattern in the records of each key, in the order of event time: a record waits until the
   * watermark has passed it. A match has the records of each step, by its name. Records without a key or a
   * value are skipped and counted, and late ones go to `late()`, or are dropped and counted.
   *
   * What has begun to match is kept as state until it matches, fails, or its time (`within`) is over; without
   * a time some of it may stay. As Flink's `CEP.pattern`.
   * @example
   * payments
   *   .match(pattern =>
   *     pattern
   *       .begin('small', payment => payment.cents < 100)
   *       .followedBy('large', payment => payment.cents > 100_000)
   *       .within('10m'),
   *   )
   *   .matches.to(alerts)
   * @throws MillraceError INVALID_ARGUMENT; LATENESS_SHRINKS for results of windows that may be late
   */
  match<M>(
    given:
      | PatternOf<NonNullable<V>, M>
      | ((pattern: PatternStart<NonNullable<V>>) => PatternOf<NonNullable<V>, M>),
    options: MatchOptions<keyof M> = {},
  ): Matches<NonNullable<K>, M, NonNullable<V>> {
    return matchesOf(this, given, options)
  }

  /**
   * Processes the records of each key by functions of the program, with state, timers and several outputs:
   * what no other operator does. `onRecord` is called for each record, and a function of `timers` for each
   * timer that is due. State and timers are those of the key, and survive crashes. Outputs have the key, and
   * the time of the record or timer; other `inputs` come to the same states. Of a table in `broadcast` every
   * task has all rows. Records without a key are skipped and counted; the value may be null.
   *
   * A timer has a time for each key; setting it again moves it. By event time it fires once the watermark has
   * passed its time, and before any record of the key whose own watermark has. By processing time it fires
   * when the clock has reached it. At the end of the input (`run({ until: 'end' })`) all timers by event time
   * fire, and set no others. As Flink's `KeyedProcessFunction` and Kafka Streams' `process`.
   * @example
   * const { silent } = sensors.process({
   *   outputs: { silent: output<string>() },
   *   timers: { silence: (id, { emit }) => emit.silent(`${id} is silent`) },
   *   onRecord: (_, id, { timers, timestamp }) => timers.silence.set(timestamp + 60_000),
   * })
   * @throws MillraceError INVALID_ARGUMENT; INVALID_TOPOLOGY for a stream of another app
   */
  process<O, S = object, T extends string = never, I = object, B = object>(
    definition: ProcessDefinition<NonNullable<K>, V, S, O, T, I, B>,
    options: Versioned = {},
  ): { readonly [N in keyof O]: Stream<NonNullable<K>, O[N]> } {
    return processed(this, definition, options)
  }

  /**
   * Groups by the key of the records, with an exchange only if the key was changed. Records without key or
   * value are skipped and counted.
   */
  groupByKey(): GroupedStream<NonNullable<K>, NonNullable<V>>
  groupByKey(...given: readonly unknown[]): GroupedStream<NonNullable<K>, NonNullable<V>> {
    checkNothing('groupByKey', given)
    return new GroupedStream(this.graph, present(this.graph.exchange(this.edge)))
  }

  /**
   * Groups by another key, always with an exchange. Records without a value are skipped and counted, and so
   * are records whose new key is null or undefined.
   */
  groupBy<K2>(
    selector: (value: NonNullable<V>, key: K, record: RecordContext) => K2,
    options: Named = {},
  ): GroupedStream<NonNullable<K2>, NonNullable<V>> {
    checkCall('groupBy', { selector }, options)
    const { graph, edge } = this
    const grouped = graph.apply(groupKey<K, NonNullable<V>, K2>(selector), [valued(edge)], options)
    return new GroupedStream(graph, present(graph.exchange(grouped)))
  }

  /**
   * Joins each record to the row that the table had at the record's time. It waits until the watermark has
   * passed that. A record that is later than the history is late; see {@link TableOptions}.
   * @example orders.join(app.table(prices, { history: '1h' }), (order, price) => order.pieces * price)
   * @throws MillraceError as a join to a table without history
   */
  join<T, R>(
    table: TableWithHistory<NonNullable<K>, T, unknown>,
    joiner: (value: NonNullable<V>, tableValue: T, key: NonNullable<K>, record: RecordContext) => R,
    options?: Named,
  ): StreamWithLate<NonNullable<K>, R, NonNullable<V>>
  /**
   * Joins each record to the table's latest value under its key; a record without a match is left out. Both
   * sides need equal partition counts (NOT_COPARTITIONED, when the app starts), unless the stream's key was
   * changed, or is written in another form than the table's (text and JSON, say): then an exchange partitions
   * the stream as the table is. Records without a key or a value are skipped and counted.
   * @throws MillraceError INVALID_ARGUMENT; INVALID_TOPOLOGY for the results of windows, whose rows are not
   *   kept, and for a table of another app
   */
  join<T, R>(
    table: Table<NonNullable<K>, T>,
    joiner: (value: NonNullable<V>, tableValue: T, key: NonNullable<K>, record: RecordContext) => R,
    options?: Named,
  ): Stream<NonNullable<K>, R>
  /**
   * Joins each record to those of another stream with the same key, and with a time near its own. A pair
   * carries the larger timestamp of the two, and goes out when the second one comes; the joiner gets the
   * pair's time and the headers of this stream's record. Both streams need equal partition counts, unless a
   * key was changed, or they write keys in different forms: then an exchange brings them together. Records
   * without a key or a value are skipped and counted, and so are late ones. As Kafka Streams' `join` of
   * streams, and Flink's interval join.
   * @example orders.join(payments, (order, payment) => ({ ...order, ...payment }), { within: '5m' })
   * @throws MillraceError INVALID_ARGUMENT, INVALID_DURATION; INVALID_TOPOLOGY for a stream of another app;
   *   LATENESS_SHRINKS for results of windows that allow more lateness
   */
  join<W, R>(
    stream: Stream<K | null, W>,
    joiner: (
      value: NonNullable<V>,
      otherValue: NonNullable<W>,
      key: NonNullable<K>,
      record: RecordContext,
    ) => R,
    options: JoinOptions,
  ): JoinedStream<NonNullable<K>, R, V, W>
  /**
   * Joins each record to the row of a global table under the key that `keyOf` returns. The stream keeps its
   * keys and partitions. A record without a row is left out; one without a key for it is counted.
   * @example orders.join(app.globalTable(cities), order => order.city, (order, city) => [order, city])
   */
  join<K2, T, R>(
    table: GlobalTable<K2, T>,
    keyOf: (value: NonNullable<V>, key: K, record: RecordContext) => K2 | null | undefined,
    joiner: (value: NonNullable<V>, row: T, key: K, record: RecordContext) => R,
    options?: Named,
  ): Stream<K, R>
  join(other: never, ...given: never): Stream<K, unknown> {
    return joinTo('join', this, other, given)
  }

  /** As {@link join}, but a record without a match, or without a key, is joined to null. */
  leftJoin<T, R>(
    table: Table<NonNullable<K>, T>,
    joiner: (value: NonNullable<V>, tableValue: T | null, key: K, record: RecordContext) => R,
    options?: Named,
  ): Stream<K, R>
  /**
   * As {@link join}, and a record of this stream without a match is joined to null: once, when the watermark
   * has passed the times of all its matches. One without a key is joined to null at once.
   */
  leftJoin<W, R>(
    stream: Stream<K | null, W>,
    joiner: (value: NonNullable<V>, otherValue: NonNullable<W> | null, key: K, record: RecordContext) => R,
    options: JoinOptions,
  ): JoinedStream<K, R, V, W>
  /** As {@link join}, but a record without a row, or without a key for it, is joined to null. */
  leftJoin<K2, T, R>(
    table: GlobalTable<K2, T>,
    keyOf: (value: NonNullable<V>, key: K, record: RecordContext) => K2 | null | undefined,
    joiner: (value: NonNullable<V>, row: T | null, key: K, record: RecordContext) => R,
    options?: Named,
  ): Stream<K, R>
  leftJoin(other: never, ...given: never): Stream<K, unknown> {
    return joinTo('leftJoin', this, other, given)
  }

  /** As {@link leftJoin} of streams, for the records of either stream. */
  outerJoin<K2 extends K | NonNullable<K> | null, W, R>(
    stream: Stream<K2, W>,
    joiner: (
      value: NonNullable<V> | null,
      otherValue: NonNullable<W> | null,
      key: K | K2,
      record: RecordContext,
    ) => R,
    options: JoinOptions,
  ): JoinedStream<K | K2, R, V, W> {
    return joinStreams<K | K2, V, W, R>('outerJoin', this, stream, joiner, options)
  }

  /**
   * Puts this stream and another one side by side, by key and window: for the pairs of records in one window,
   * or for whatever can be said of both sides. Both streams meet as in a {@link join}. Records without a key
   * or a value are skipped and counted.
   * @example orders.coGroup(payments, tumbling('1h')).join((order, payment) => ({ ...order, ...payment }))
   * @throws MillraceError INVALID_ARGUMENT; INVALID_TOPOLOGY for a stream of another app; LATENESS_SHRINKS
   */
  coGroup<W>(
    stream: Stream<K | null, W>,
    windows: Windows<NonNullable<V> | NonNullable<W>>,
    options: Versioned = {},
  ): CoGroupedStreams<NonNullable<K>, NonNullable<V>, NonNullable<W>> {
    return coGrouped(this, stream as Stream<K, W>, windows, options)
  }

  /**
   * Reads the stream as the changelog of a table: the latest value per key, null deletes. With `history` it
   * also keeps the rows before: {@link TableOptions}.
   * @throws MillraceError INVALID_ARGUMENT, INVALID_DURATION; LATENESS_SHRINKS for a history of results that
   *   may come later than it allows
   */
  toTable(options: HistoryOptions & Versioned): TableWithHistory<NonNullable<K>, NonNullable<V>>
  toTable(options?: TableOptions & Versioned): Table<NonNullable<K>, NonNullable<V>>
  toTable(options: TableOptions & Versioned = {}): Table<NonNullable<K>, NonNullable<V>> {
    checkCall('toTable', {}, options)
    const { graph, edge } = this
    const history = historyOf(edge.from, options)
    const operator = rowsOf<NonNullable<K>, NonNullable<V>>({ name: 'to-table', label: 'to table' }, history)
    graph.check(operator, [edge], options)
    const rows = graph.apply(operator, [present(graph.exchange(edge))], options)
    return new Table(graph, rows, true, pastOf(graph, rows, history))
  }

  /**
   * Writes the stream to a topic, partitioned by its key. Keys and values are checked against the topic's
   * schemas; the topic is created if it is missing and the log allows that. A value of null is written as a
   * deletion of its key.
   * @throws MillraceError INVALID_ARGUMENT; INVALID_TOPOLOGY for a topic whose keys have another form, such
   *   as text for the keys of windows
   */
  to(topic: WritableTopic<WrittenKey<K>, NonNullable<V>>, options: Named = {}): void {
    sinkTo(this.graph, this.edge, topic, options)
  }
}
