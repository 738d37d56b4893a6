/**
 * Joins the records of two streams that have one key and times near each other: a left record meets the right
 * ones from `beforeMs` before it to `afterMs` after it, both included. Either may be less than 0. These are
 * Kafka Streams' joins of streams, and Flink's interval join.
 *
 * A pair goes out when the second of its records comes, with the larger timestamp and the lesser watermark of
 * the two. Left and outer: a record that no pair has goes out alone, with its own timestamp, once the
 * watermark has passed the times of all its matches. The extent of the wait depends on other records, so a
 * record is late by its own time.
 *
 * Whether a record has a match depends on its key and time alone. So one timer is enough for all records of a
 * key with the same time, and their first match cancels it.
 *
 * State: the buffers `left` and `right` (record-buffer.ts), and the timers `unmatched`, key = side and key.
 */
import { given } from '../../state/index.ts'
import { type Forward, hasKey, hasValue, type Maybe, type OperatorSpec } from './operator.ts'
import { describeJoin, type JoinBounds, type Joiner, type JoinKind, latenessOfJoin } from './join-bounds.ts'
import { type Buffered, buffered, type RecordBuffer, recordBuffer } from './record-buffer.ts'
import { neverLate, noHeaders, type RecordContext, StreamRecord } from './record.ts'
import { returned } from './returned.ts'
import { type Timers, timers } from './timers.ts'

export type StreamJoin<K, L, R, J> = OperatorSpec<
  [StreamRecord<Maybe<K>, Maybe<L>>, StreamRecord<Maybe<K>, Maybe<R>>],
  [joined: StreamRecord<K, J>, lateLeft: StreamRecord<K, L>, lateRight: StreamRecord<K, R>]
>

/** One side, as its own records see it. */
interface Side<K, V, W, J> {
  /** Tells its timers from the other side's. */
  readonly sign: '<' | '>'
  readonly isPreserved: boolean
  /** From a record back to its first match, and on to its last. */
  readonly backMs: number
  readonly reachMs: number
  readonly buffer: RecordBuffer<V>
  readonly late: Forward<StreamRecord<K, V>>
  readonly join: (own: V, match: W | null, key: K, record: RecordContext) => J
}

const names = { join: 'stream-join', leftJoin: 'stream-left-join', outerJoin: 'stream-outer-join' } as const

export const streamJoin = <K, L, R, J>(
  kind: JoinKind,
  bounds: JoinBounds,
  joiner: Joiner<K, L, R, J>,
): StreamJoin<K, L, R, J> => ({
  name: names[kind],
  label: describeJoin(kind, bounds),
  outlets: ['joined', 'late-left', 'late-right'],
  stateful: true,
  allowedLatenessMs: bounds.allowedLatenessMs,
  latenessMs: latenessOfJoin(kind, bounds),
  heldMs: latenessOfJoin(kind, bounds),
  acrossPartitions: true,
  make(context, [joined, lateLeft, lateRight]) {
    const { beforeMs, afterMs, allowedLatenessMs } = bounds
    const { rawKey: rawKeyOf } = context
    const spanMs = beforeMs + afterMs + 1
    const left: Side<K, L, R, J> = {
      sign: '<',
      isPreserved: kind !== 'join',
      backMs: beforeMs,
      reachMs: afterMs,
      buffer: recordBuffer<L>(context, 'left', spanMs, afterMs + allowedLatenessMs),
      late: lateLeft,
      join: joiner,
    }
    const right: Side<K, R, L, J> = {
      sign: '>',
      isPreserved: kind === 'outerJoin',
      backMs: afterMs,
      reachMs: beforeMs,
      buffer: recordBuffer<R>(context, 'right', spanMs, beforeMs + allowedLatenessMs),
      late: lateRight,
      join: (own, match, key, record) => joiner(match, own, key, record),
    }
    const waiting = (key: string, time: number): number =>
      key.startsWith(left.sign) ? fire(left, key.slice(1), time) : fire(right, key.slice(1), time)
    const unmatched = kind === 'join' ? noTimers : timers(context, 'unmatched', waiting)

    /** The watermark may have passed a record by this much while it can still have matches. */
    const keptMs = ({ reachMs }: { readonly reachMs: number }): number => reachMs + allowedLatenessMs

    /** A record that nothing matches goes out when its wait is over. */
    function fire<V, W>(side: Side<K, V, W, J>, rawKey: string, time: number): number {
      const timestamp = time - keptMs(side)
      const records = side.buffer.between(rawKey, timestamp, timestamp)
      for (const kept of records) {
        const record = onTime(context.keyOf<K>(rawKey), rawKey, kept)
        context.attempt(record, () => sendAlone(side, record))
      }
      return records.length
    }

    function sendAlone<V, W>(side: Side<K, V, W, J>, record: StreamRecord<K, V>): void {
      joined(record.withValue(returned(side.join(record.value, null, record.key, record), kind)))
    }

    function sendPair<V, W>(
      side: Side<K, V, W, J>,
      key: K,
      rawKey: string,
      own: Buffered<V>,
      match: Buffered<W>,
    ): void {
      const timestamp = Math.max(own.timestamp, match.timestamp)
      const { watermark, raised = false } = match.watermark < own.watermark ? match : own
      const { headers = noHeaders } = side.sign === '<' ? own : match
      const pair = new StreamRecord(key, null, null, timestamp, watermark, raised, headers, undefined, rawKey)
      const value = side.join(given(own.value), given(match.value), key, pair)
      joined(pair.withValue(returned(value, kind)))
    }

    const take =
      <V, W>(side: Side<K, V, W, J>, other: Side<K, W, V, J>) =>
      (record: StreamRecord<Maybe<K>, Maybe<V>>): void => {
        if (!side.isPreserved && !hasKey(record)) return context.drop('null-key')
        if (!hasValue(record)) return context.drop('null-value')
        // Nothing matches a record without a key. There are such records only if K includes null.
        if (!hasKey<K, V>(record)) return sendAlone(side, record as StreamRecord<K, V>)
        const { key, timestamp } = record
        if (record.watermark > timestamp + allowedLatenessMs) return context.late(record, side.late)
        const rawKey = rawKeyOf(record)
        const own = buffered(record)
        side.buffer.put(rawKey, own)
        const matches = other.buffer.between(rawKey, timestamp - side.backMs, timestamp + side.reachMs)
        let matched = Number.NaN
        for (const match of matches) {
          if (other.isPreserved && match.timestamp !== matched) {
            matched = match.timestamp
            unmatched.cancel(matched + keptMs(other), other.sign + rawKey)
          }
          sendPair(side, key, rawKey, own, match)
        }
        if (matches.length > 0 || !side.isPreserved) return
        const lastInstant = timestamp + keptMs(side)
        if (context.watermark() > lastInstant) sendAlone(side, onTime(key, rawKey, own))
        else unmatched.set(lastInstant, side.sign + rawKey)
      }

    return {
      inputs: [take(left, right), take(right, left)],
      // A record that nothing matches goes out before it is forgotten.
      advance: to => unmatched.advance(to) && left.buffer.advance(to) && right.buffer.advance(to),
      deadline: () => Math.min(unmatched.deadline(), left.buffer.deadline(), right.buffer.deadline()),
    }
  },
})

/** An inner join waits for nothing, and keeps no state for it. */
const noTimers: Timers = {
  set: () => {},
  cancel: () => {},
  first: () => undefined,
  advance: () => true,
  deadline: () => Number.POSITIVE_INFINITY,
}

/** A record whose wait is over: it is late nowhere. */
function onTime<K, V>(key: K, rawKey: string, kept: Buffered<V>): StreamRecord<K, V> {
  const { timestamp, headers = noHeaders } = kept
  return new StreamRecord(
    key,
    given(kept.value),
    null,
    timestamp,
    neverLate,
    false,
    headers,
    undefined,
    rawKey,
  )
}
