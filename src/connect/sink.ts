/**
 * The contract of a sink: a store outside the log that takes records together with the offsets they bring it
 * to.
 *
 * Exactly once rests on one call: {@link SinkWriter.write} puts rows **and** the next offsets into the target
 * in one transaction of the target. Delivery continues from the offsets that the target says it has; the log
 * keeps nothing about it. A writer that was replaced is fenced by an epoch that stands in the same place as
 * the offsets.
 *
 * Obligations of a sink:
 * - `write` is atomic, and idempotent: a write whose `to` offsets stand in the target already does nothing.
 *   So a write of which it is not known whether it took effect can simply be made again.
 * - Opening raises the epoch: from then on writes of an older writer of the same name and topic reject with
 *   SINK_FENCED.
 * - Offsets mean something only for the topic that they count: the target keeps its id beside them. Opening
 *   with another id, where offsets are stored, rejects with SINK_CHANGED, changes nothing and fences nobody;
 *   so it does where what the offsets describe is gone from the target.
 * - What of the target would make every row fail is found by opening it (SCHEMA_MISMATCH), and is no row's
 *   fault.
 * - Rows of one key **of the target** take effect in the order of the write, however many keys of the log are
 *   one key there.
 * - A row that the target will never take makes `write` reject with SINK_REFUSED and leaves nothing behind. A
 *   sink that can tell by looking at the rows names all that are such with {@link RowsRefused}; of any other
 *   refusal the runner finds the row by halving.
 * - What may pass by itself (a lock, a lost connection) rejects with an error whose `retriable` is true.
 *
 * Obligations of the caller: one call at a time, `close` at the end, whatever happened.
 */
import { MillraceError, type Clock } from '../base/index.ts'
import type { Codec } from '../schema/index.ts'
import type { ConnectObserver } from './observer.ts'

/** A record on its way into a sink. A null value is a tombstone: the key is to be deleted. */
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

/** What a sink has to know of a topic; every topic of these keys and values is one. */
export interface SinkTopic<K, V> {
  readonly name: string
  /** Declared partition count. */
  readonly partitions: number | undefined
  readonly key: Codec<K, never>
  readonly value: Codec<V, never>
}

/** What a sink is opened with. */
export interface SinkContext<K, V> {
  /** The topic that is delivered. */
  readonly topic: SinkTopic<K, V>
  /** Tells the topic from all others, of its name too, in this log and in others. */
  readonly topicId: string
  /** The partition count of the topic. */
  readonly partitions: number
  /** For waits and timeouts, so that tests need none. */
  readonly clock: Clock
  /** Aborts when the run is to stop. */
  readonly signal: AbortSignal
  readonly observer: ConnectObserver
}

/**
 * Somewhere that records can be delivered to exactly once: what `deliver` takes. This file's head comment has
 * the obligations.
 */
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
  /** What the target has: partitions that are missing start at the earliest record. */
  committed(): Promise<Offsets>
  /**
   * Writes rows, in their order, and the offsets they bring the target to, all or nothing. `to` holds the
   * partitions that move.
   * @throws MillraceError SINK_REFUSED, SINK_FENCED; SINK_FAILED, retriable where it may pass by itself
   */
  write(rows: readonly SinkRow<K, V>[], to: Offsets): Promise<void>
  /** Lets go of the target. Called once, whatever happened before. */
  close(): Promise<void>
}

/**
 * Rows that a sink can tell it will never take, by themselves: those of another type than their column, say.
 */
export class RowsRefused extends MillraceError {
  /** By the row's index in the write: why. Ascending. */
  readonly reasons: ReadonlyMap<number, string>

  constructor(reasons: ReadonlyMap<number, string>) {
    const [first] = reasons.values()
    const rows = reasons.size === 1 ? 'A row is refused,' : `${reasons.size} rows are refused, the first one`
    super('SINK_REFUSED', `${rows} because ${first}.`)
    this.reasons = reasons
  }
}
