/**
 * The record as it travels through a task.
 *
 * One class for streams and tables, so that every operator sees one hidden class. On the edges of a stream
 * `previous` is unused; on those of a table a record is a change: `value` replaces `previous`, and null means
 * that there is no value, or was none.
 */
import type { RecordHeader } from '../../wire/index.ts'

/**
 * When a window's result came, in the words of the Dataflow model: before the watermark passed its end, when
 * it did, or after, as the correction that a late record caused. Undefined on everything that is not a
 * window's result.
 */
export type Pane = 'early' | 'on-time' | 'late'

/** The watermark that a record carries when no window downstream may call it late. */
export const neverLate: number = Number.NEGATIVE_INFINITY

export const noHeaders: readonly RecordHeader[] = []

/**
 * What a function of the program may know of a record beside its value and key. It gets the record itself, so
 * that asking costs nothing.
 */
export interface RecordContext {
  /** Event time in ms since the epoch. */
  readonly timestamp: number
  /** The topic's headers; derived records have those of the record that they come from. */
  readonly headers: readonly RecordHeader[]
  /** Of a window's result: when it came. */
  readonly pane: Pane | undefined
}

export class StreamRecord<K = unknown, V = unknown> {
  readonly key: K
  readonly value: V
  /** Tables only: the value that `value` replaces, null if there was none. */
  readonly previous: V | null
  /** Event time in ms since the epoch. */
  readonly timestamp: number
  /**
   * The watermark of the record's source partition **before** the record, which decides whether it is late.
   */
  readonly watermark: number
  /**
   * Whether idleness had raised that watermark, without data: a record that is late by it counts as `idle`.
   */
  readonly raised: boolean
  readonly headers: readonly RecordHeader[]
  readonly pane: Pane | undefined
  /** The key's bytes as a binary string, once an operator has asked for them (see `rawKeyOf`). */
  rawKey: string | undefined

  constructor(
    key: K,
    value: V,
    previous: V | null,
    timestamp: number,
    watermark: number,
    raised: boolean,
    headers: readonly RecordHeader[],
    pane: Pane | undefined,
    rawKey: string | undefined,
  ) {
    this.key = key
    this.value = value
    this.previous = previous
    this.timestamp = timestamp
    this.watermark = watermark
    this.raised = raised
    this.headers = headers
    this.pane = pane
    this.rawKey = rawKey
  }

  /** The same record with another value; the key stays, and so does the partitioning. */
  withValue<R>(value: R, previous: R | null = null): StreamRecord<K, R> {
    return new StreamRecord(
      this.key,
      value,
      previous,
      this.timestamp,
      this.watermark,
      this.raised,
      this.headers,
      this.pane,
      this.rawKey,
    )
  }

  /** The same record at another event time. */
  withTimestamp(timestamp: number): StreamRecord<K, V> {
    return new StreamRecord(
      this.key,
      this.value,
      this.previous,
      timestamp,
      this.watermark,
      this.raised,
      this.headers,
      this.pane,
      this.rawKey,
    )
  }

  /** The same record with other headers. */
  withHeaders(headers: readonly RecordHeader[]): StreamRecord<K, V> {
    return new StreamRecord(
      this.key,
      this.value,
      this.previous,
      this.timestamp,
      this.watermark,
      this.raised,
      headers,
      this.pane,
      this.rawKey,
    )
  }

  /** The same record, with its key's bytes in another form. */
  withRawKey(rawKey: string): StreamRecord<K, V> {
    return new StreamRecord(
      this.key,
      this.value,
      this.previous,
      this.timestamp,
      this.watermark,
      this.raised,
      this.headers,
      this.pane,
      rawKey,
    )
  }

  /** The same record under another key. */
  withKey<R>(key: R): StreamRecord<R, V> {
    return this.withPair(key, this.value, this.previous)
  }

  /** The same record with another key and another value. */
  withPair<L, R>(key: L, value: R, previous: R | null = null): StreamRecord<L, R> {
    return new StreamRecord(
      key,
      value,
      previous,
      this.timestamp,
      this.watermark,
      this.raised,
      this.headers,
      this.pane,
      undefined,
    )
  }
}
