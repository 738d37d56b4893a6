/**
 * The contract of a sink: a store outside the log that takes records together with their offsets.
 *
 * Exactly once rests on one call: {@link SinkWriter.write} puts rows **and** the next offsets into the target
 * in one transaction of the target. Delivery continues from the offsets that the target says it has; the log
 * keeps nothing about it. A replaced writer is fenced by an epoch that is stored beside the offsets.
 *
 * Obligations of a sink:
 * - `write` is atomic, and idempotent: a write whose `to` offsets the target already has does nothing. So a
 *   write with an unknown outcome can be repeated.
 * - Opening raises the epoch: from then on writes of an older writer of the same name and topic reject with
 *   SINK_FENCED.
 * - Offsets are valid only for their topic: the target keeps its id beside them. If offsets are stored,
 *   opening with another id rejects with SINK_CHANGED, changes nothing and fences no writer. The same holds
 *   if the rows that the offsets describe are gone from the target.
 * - Opening finds faults of the target that would make every row fail (SCHEMA_MISMATCH). No row is blamed for
 *   them.
 * - Rows of one key **of the target** take effect in the order of the write, however many keys of the log are
 *   one key there.
 * - A row that the target will never take makes `write` reject with SINK_REFUSED, and no row is written. A
 *   sink that can tell by checking the rows names all refused ones with {@link RowsRefused}. For any other
 *   refusal the runner finds the row by halving.
 * - A failure that may pass (a lock, a lost connection) rejects with an error whose `retriable` is true.
 *
 * Obligations of the caller: one call at a time, and `close` at the end in every case.
 */
import { MillraceError, type Clock } from '../base/index.ts'
import type { Codec } from '../schema/index.ts'
import type { ConnectObserver } from './observer.ts'

/** A record for a sink. A null value is a tombstone: it deletes the key. */
export interface SinkRow<K, V> {
  readonly partition: number
  readonly offset: number
  /** Milliseconds since the epoch. */
  readonly timestamp: number
  readonly key: K | null
  readonly value: V | null
}

/** The next offset to deliver, by partition. */
export type Offsets = ReadonlyMap<number, number>

/** The part of a topic that a sink needs; every topic of these keys and values is one. */
export interface SinkTopic<K, V> {
  readonly name: string
  /** Declared partition count. */
  readonly partitions: number | undefined
  readonly key: Codec<K, never>
  readonly value: Codec<V, never>
}

/** The arguments of a sink's `open`. */
export interface SinkContext<K, V> {
  /** The topic that is delivered. */
  readonly topic: SinkTopic<K, V>
  /** Identifies the topic, also among topics of the same name in this log and in others. */
  readonly topicId: string
  /** The partition count of the topic. */
  readonly partitions: number
  /** For waits and timeouts: a test passes a virtual clock. */
  readonly clock: Clock
  /** Aborts when the run must stop. */
  readonly signal: AbortSignal
  readonly observer: ConnectObserver
}

/** A target of `deliver`, exactly once. This file's head comment has the obligations. */
export interface Sink<K, V> {
  /** Names the connector in messages, and its offsets in the target. Stable over restarts. */
  readonly name: string
  /**
   * Connects, makes the target ready (a table from the topic's schemas, say) and fences earlier writers.
   * @throws MillraceError SCHEMA_NOT_TABULAR, SCHEMA_MISMATCH, SINK_CHANGED, SINK_IN_USE, SINK_FAILED
   */
  open(context: SinkContext<K, V>): Promise<SinkWriter<K, V>>
}

/** An open sink. One call at a time. */
export interface SinkWriter<K, V> {
  /** The offsets in the target. Missing partitions start at the earliest record. */
  committed(): Promise<Offsets>
  /**
   * Writes rows, in their order, and the next offsets, all or nothing. `to` has the partitions that move.
   * @throws MillraceError SINK_REFUSED, SINK_FENCED; SINK_FAILED, `retriable` if it may pass
   */
  write(rows: readonly SinkRow<K, V>[], to: Offsets): Promise<void>
  /** Releases the target. Called once, also after a failure. */
  close(): Promise<void>
}

/** Rows that the target will never take, such as those of another type than their column. */
export class RowsRefused extends MillraceError {
  /** Why each row was refused, by its index in the write, ascending. */
  readonly reasons: ReadonlyMap<number, string>

  constructor(reasons: ReadonlyMap<number, string>) {
    const [first] = reasons.values()
    const rows = reasons.size === 1 ? 'A row is refused,' : `${reasons.size} rows are refused, the first one`
    super('SINK_REFUSED', `${rows} because ${first}.`)
    this.reasons = reasons
  }
}
