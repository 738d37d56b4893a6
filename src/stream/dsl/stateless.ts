/* oxlint-disable import/no-cycle -- streams are made of streams. */
/**
 * The methods of streams that look at one record at a time: one record in, none, one or several out. Only
 * stream.ts imports this file: a class must be loaded before the class that extends it.
 */
import type { OutgoingHeader } from '../../port/index.ts'
import { flatMapValues } from '../operators/flat-map-values.ts'
import { forEach } from '../operators/for-each.ts'
import type { Unary } from '../operators/operator.ts'
import type { RecordContext, StreamRecord } from '../operators/record.ts'
import { filter, filterNot, flatMap, map, mapValues, peek, selectKey } from '../operators/stateless.ts'
import { withHeaders } from '../operators/with-headers.ts'
import { withTimestamp } from '../operators/with-timestamp.ts'
import type { Edge, Graph } from '../plan/graph.ts'
import { checkCall } from './arguments.ts'
import type { Named } from './options.ts'
import { Stream } from './stream.ts'

/** The methods of a {@link Stream} that look at one record at a time. */
export abstract class StatelessOperators<K, V> {
  /** @internal */
  readonly graph: Graph
  /** @internal */
  readonly edge: Edge<StreamRecord<K, V>>

  /** @internal */
  constructor(graph: Graph, edge: Edge<StreamRecord<K, V>>) {
    this.graph = graph
    this.edge = edge
  }

  /** Keeps the records for which `keep` returns true. */
  filter<R extends V>(
    keep: (value: V, key: K, record: RecordContext) => value is R,
    options?: Named,
  ): Stream<K, R>
  /** Keeps the records for which `keep` returns true. */
  filter(keep: (value: V, key: K, record: RecordContext) => boolean, options?: Named): Stream<K, V>
  filter(keep: (value: V, key: K, record: RecordContext) => boolean, options: Named = {}): Stream<K, V> {
    checkCall('filter', { keep }, options)
    return this.#then(filter(keep), options)
  }

  /** Drops the records for which `drop` returns true. */
  filterNot(drop: (value: V, key: K, record: RecordContext) => boolean, options: Named = {}): Stream<K, V> {
    checkCall('filterNot', { drop }, options)
    return this.#then(filterNot(drop), options)
  }

  /**
   * Replaces the value, under the same key; the partitioning stays. Null means no value: it is written to a
   * topic as a deletion.
   */
  mapValues<R>(mapper: (value: V, key: K, record: RecordContext) => R, options: Named = {}): Stream<K, R> {
    checkCall('mapValues', { mapper }, options)
    return this.#then(mapValues(mapper), options)
  }

  /** Replaces key and value. Marks the key as changed: an exchange precedes the next keyed operation. */
  map<K2, V2>(
    mapper: (value: V, key: K, record: RecordContext) => readonly [K2, V2],
    options: Named = {},
  ): Stream<K2, V2> {
    checkCall('map', { mapper }, options)
    return this.#then(map(mapper), options)
  }

  /** Makes none, one or many records of each record. Marks the key as changed. */
  flatMap<K2, V2>(
    mapper: (value: V, key: K, record: RecordContext) => Iterable<readonly [K2, V2]>,
    options: Named = {},
  ): Stream<K2, V2> {
    checkCall('flatMap', { mapper }, options)
    return this.#then(flatMap(mapper), options)
  }

  /**
   * Makes none, one or many values of each value, under the same key; the partitioning stays. As Kafka
   * Streams' `flatMapValues`.
   */
  flatMapValues<R>(
    mapper: (value: V, key: K, record: RecordContext) => Iterable<R>,
    options: Named = {},
  ): Stream<K, R> {
    checkCall('flatMapValues', { mapper }, options)
    return this.#then(flatMapValues(mapper), options)
  }

  /**
   * Replaces the key; null or undefined means no key. Marks the key as changed. A key that is an object is
   * frozen, as state is stored under it.
   */
  selectKey<K2>(
    selector: (value: V, key: K, record: RecordContext) => K2,
    options: Named = {},
  ): Stream<K2, V> {
    checkCall('selectKey', { selector }, options)
    return this.#then(selectKey(selector), options)
  }

  /**
   * Gives each record another event time, in milliseconds since the epoch. The watermark stays that of its
   * source: a record that is set back behind it may be late for a window. As Kafka Streams' `withTimestamp`
   * of a record.
   */
  withTimestamp(
    timestampOf: (value: V, key: K, record: RecordContext) => number,
    options: Named = {},
  ): Stream<K, V> {
    checkCall('withTimestamp', { timestampOf }, options)
    return this.#then(withTimestamp(timestampOf), options)
  }

  /**
   * Replaces the headers of each record; text is written as UTF-8. Names that begin with `millrace.` are
   * refused. As Kafka Streams' `withHeaders` of a record.
   */
  withHeaders(
    headersOf: (value: V, key: K, record: RecordContext) => readonly OutgoingHeader[],
    options: Named = {},
  ): Stream<K, V> {
    checkCall('withHeaders', { headersOf }, options)
    return this.#then(withHeaders(headersOf), options)
  }

  /** Calls `look` with each record, and passes the record on. After a crash `look` may see a record again. */
  peek(look: (value: V, key: K, record: RecordContext) => void, options: Named = {}): Stream<K, V> {
    checkCall('peek', { look }, options)
    return this.#then(peek(look), options)
  }

  /**
   * Calls `take` with each record, and ends the stream. After a crash `take` may get a record again, so its
   * effect must be idempotent; to write exactly once, use {@link Stream.to}. As Kafka Streams' `foreach`.
   */
  forEach(take: (value: V, key: K, record: RecordContext) => void, options: Named = {}): void {
    checkCall('forEach', { take }, options)
    this.graph.apply(forEach(take), [this.edge], options)
  }

  #then<K2, V2>(operator: Unary<StreamRecord<K, V>, StreamRecord<K2, V2>>, options: Named): Stream<K2, V2> {
    return new Stream(this.graph, this.graph.apply(operator, [this.edge], options))
  }
}
