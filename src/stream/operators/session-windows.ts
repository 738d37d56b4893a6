/**
 * Aggregates in sessions: windows that grow and merge.
 *
 * State: `sessions`, namespace 0, key → the key's live sessions in time order, at most a few; and `timers`, namespace = time, key → true, one pending
 * timer per key, at the earliest end or expiry among its sessions. A timer that finds its sessions grown moves itself on, so that a record costs no
 * timer writes.
 *
 * A session covers [start, last + gap). A record joins every session that it comes within the gap of, the gap itself included, as in Kafka Streams
 * and Flink; on a merge the old ones are retracted before the new one is announced. An aggregate of null deletes the session.
 */
import type { KeyCodec } from '../key-codec.ts'
import { rawKeyOf } from '../key-codec.ts'
import { type Forward, type OperatorFactory, resultsPerTurn } from '../operator.ts'
import type { StreamRecord } from '../record.ts'
import type { SessionWindows } from '../windows.ts'
import type { Aggregation } from './aggregate.ts'
import { emission, type EmitPolicy, type WindowResult } from './emission.ts'

export interface SessionAggregation extends Aggregation {
  readonly merge: (left: unknown, right: unknown, key: unknown) => unknown
}

interface Session {
  readonly start: number
  /** Timestamp of its last record; it ends a gap later. */
  readonly last: number
  readonly value: unknown
}

interface Sessions {
  /** In time order. */
  readonly live: readonly Session[]
  /** When this key's timer is set. */
  readonly timer: number
}

/**
 * `acrossPartitions`: records of one key can come from several source partitions. How far a session reaches then depends on
 * timing, so lateness is judged by the record's own time alone.
 */
export const sessionWindows =
  (
    keyCodec: KeyCodec,
    { gapMs, allowedLatenessMs }: SessionWindows,
    { initial, add, merge }: SessionAggregation,
    policies: readonly EmitPolicy[],
    acrossPartitions: boolean,
  ): OperatorFactory =>
  (context, forwards) => {
    const sessions = context.state<Sessions>('sessions')
    const timers = context.state<true>('timers')
    const out = emission(
      context,
      policies.map((policy, i) => ({ policy, forward: forwards[i + 1] as Forward })),
    )
    const lateOutput = forwards[0] as Forward
    let watermark = context.restoredWatermark
    // Not looked up yet: state is restored after the operator was made.
    let nextTimer = Number.NEGATIVE_INFINITY

    const resultOf = (rawKey: string, key: unknown, session: Session, previous: unknown): WindowResult => ({
      rawKey,
      key,
      start: session.start,
      end: session.last + gapMs,
      value: session.value,
      previous,
      timestamp: session.last,
    })

    const keep = (rawKey: string, live: readonly Session[], timer: number | undefined): void => {
      const due = timerOf(live)
      if (timer !== undefined && timer <= due) {
        // The pending timer comes first: it will find the sessions as they are then.
        sessions.put(0, rawKey, { live, timer })
        return
      }
      if (timer !== undefined) timers.delete(timer, rawKey)
      timers.put(due, rawKey, true)
      nextTimer = Math.min(nextTimer, due)
      context.wakeAt(due)
      sessions.put(0, rawKey, { live, timer: due })
    }

    const forget = (rawKey: string, timer: number | undefined): void => {
      if (timer !== undefined) timers.delete(timer, rawKey)
      sessions.delete(0, rawKey)
    }

    /** The next end to fire, or expiry, among a key's sessions. */
    const timerOf = (live: readonly Session[]): number => {
      let due = Number.POSITIVE_INFINITY
      for (const { last } of live) {
        const end = last + gapMs
        due = Math.min(due, watermark < end ? end : end + allowedLatenessMs)
      }
      return due
    }

    const late = (record: StreamRecord): void => {
      context.drop(context.lateReason(), record)
      lateOutput(record)
    }

    return {
      inputs: [
        record => {
          const { key, timestamp } = record
          if (key === null || key === undefined) return context.drop('null-key', record)
          if (record.value === null) return context.drop('null-value', record)
          if (acrossPartitions && record.watermark >= timestamp + allowedLatenessMs) return late(record)
          const rawKey = rawKeyOf(record, keyCodec)
          const known = sessions.get(0, rawKey)
          const live = known?.live ?? []
          // The sessions that the record touches stand next to each other.
          let from = 0
          while (from < live.length && (live[from] as Session).last + gapMs < timestamp) from += 1
          let to = from
          while (to < live.length && (live[to] as Session).start <= timestamp + gapMs) to += 1
          const touched = live.slice(from, to)
          const start = Math.min(timestamp, touched[0]?.start ?? timestamp)
          const last = Math.max(timestamp, touched.at(-1)?.last ?? timestamp)
          if (!acrossPartitions && record.watermark >= last + gapMs + allowedLatenessMs) return late(record)

          const before =
            touched.length > 0
              ? touched.map(one => one.value).reduce((left, right) => merge(left, right, key))
              : initial()
          const grown: Session = { start, last, value: add(before, record.value, key) ?? null }
          const isGone = grown.value === null
          if (isGone && touched.length === 0) return
          const left = isGone ? live.toSpliced(from, to - from) : live.toSpliced(from, to - from, grown)
          if (left.length > 0) keep(rawKey, left, known?.timer)
          else forget(rawKey, known?.timer)

          const unmoved =
            !isGone && touched.length === 1 && touched[0]?.start === start && touched[0].last === last
              ? touched[0]
              : undefined
          if (unmoved === undefined)
            for (const gone of touched)
              out.retracted(
                { ...resultOf(rawKey, key, gone, gone.value), value: null },
                watermark >= gone.last + gapMs,
                record.watermark,
              )
          if (isGone) return
          out.changed(
            resultOf(rawKey, key, grown, unmoved?.value ?? null),
            watermark >= last + gapMs,
            record.watermark,
          )
        },
      ],
      advance(to) {
        const previous = watermark
        let emitted = 0
        watermark = to
        for (const { namespace: time, key: rawKey } of timers.scan(
          Number.NEGATIVE_INFINITY,
          to === Number.POSITIVE_INFINITY ? to : to + 1,
        )) {
          if (emitted >= resultsPerTurn) {
            watermark = previous
            return false
          }
          timers.delete(time, rawKey)
          const known = sessions.get(0, rawKey)
          if (known === undefined) continue
          const key = keyCodec.decode(rawKey)
          // A timer is one per key: fire whatever ended since the watermark before, in time order.
          for (const one of known.live) {
            const end = one.last + gapMs
            if (end > previous && end <= to) {
              out.onTime(resultOf(rawKey, key, one, null))
              emitted += 1
            }
          }
          const live = known.live.filter(one => to < one.last + gapMs + allowedLatenessMs)
          if (live.length === 0) forget(rawKey, undefined)
          else keep(rawKey, live, undefined)
        }
        nextTimer = timers.firstNamespace() ?? Number.POSITIVE_INFINITY
        return true
      },
      deadline: () => nextTimer,
    }
  }
