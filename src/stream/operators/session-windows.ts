/**
 * Aggregates in sessions: windows that grow and merge.
 *
 * A session is [start, last + gap]: a record joins every session within the gap of it, the gap itself
 * included, as in Kafka Streams and Flink. Its last instant is last + gap. A record meets only sessions that
 * its own watermark has not passed by more than the allowed lateness, so the result does not depend on when
 * the task forgets sessions. On a merge the old sessions are retracted before the new one is announced; a
 * session whose bounds stay is not retracted. The merger is called for two sessions, never for the initial
 * value. An aggregate of null deletes the session.
 *
 * State: `sessions`, namespace 0, key → the key's live sessions in time order, at most a few; and `timers`,
 * namespace = time, key → true, one pending timer per key, at the earliest last instant or expiry among its
 * sessions. A timer is due when the watermark has passed it. A timer whose sessions have grown sets itself
 * again, so that a record costs no timer writes. The timers that are left say what must still fire: a commit
 * may come in between.
 */
import type { SessionAggregation } from './aggregation.ts'
import { emission, type EmitPolicy, type WindowResult } from './emission.ts'
import { inTurns, keyed } from './operator.ts'
import { windowAggregate, type WindowAggregate } from './window-aggregate.ts'
import type { SessionWindows } from './windows.ts'

interface Session<A> {
  readonly start: number
  /** Timestamp of its last record; its last instant is a gap later. */
  readonly last: number
  readonly value: A
}

interface Sessions<A> {
  /** In time order. */
  readonly live: readonly Session<A>[]
  /** The time of this key's timer. */
  readonly timer: number
}

/**
 * If records of one key can come from several source partitions, the extent of a session depends on timing.
 * Lateness is then judged by the record's own time alone.
 */
export const sessionWindows = <K, V, A>(
  name: string,
  windows: SessionWindows,
  { first, add, merge, shape }: SessionAggregation<K, V, A>,
  policies: readonly EmitPolicy[],
): WindowAggregate<K, V, A> => ({
  ...windowAggregate(name, windows),
  shape,
  make(context, [lateOutput, ...results]) {
    const { gapMs, allowedLatenessMs } = windows
    const { acrossPartitions } = context
    const sessions = context.state<Sessions<A>>('sessions')
    const timers = context.state<true>('timers', { isScanned: true })
    const out = emission(context, policies, results)
    /** A record that meets no session is late once its watermark is past its timestamp by more than this. */
    const patienceMs = acrossPartitions ? allowedLatenessMs : gapMs + allowedLatenessMs
    // Not looked up yet: state is restored after the operator was made.
    let nextTimer = Number.NEGATIVE_INFINITY

    const resultOf = (
      rawKey: string,
      key: K,
      session: Session<A>,
      previous: A | null,
    ): WindowResult<K, A> => ({
      rawKey,
      key,
      start: session.start,
      end: session.last + gapMs,
      value: session.value,
      previous,
      timestamp: session.last,
      lastInstant: session.last + gapMs,
    })

    /** Stores a key's sessions, with a timer for the next instant that is due, as seen at `watermark`. */
    const keep = (
      rawKey: string,
      live: readonly Session<A>[],
      timer: number | undefined,
      watermark: number,
    ): void => {
      let due = Number.POSITIVE_INFINITY
      for (const { last } of live) {
        const lastInstant = last + gapMs
        due = Math.min(due, watermark > lastInstant ? lastInstant + allowedLatenessMs : lastInstant)
      }
      if (timer !== undefined && timer <= due) {
        // The pending timer is earlier: it will find the sessions as they are then.
        sessions.put(0, rawKey, { live, timer })
        return
      }
      if (timer !== undefined) timers.delete(timer, rawKey)
      timers.put(due, rawKey, true)
      nextTimer = Math.min(nextTimer, due)
      context.wakeAt(due + 1)
      sessions.put(0, rawKey, { live, timer: due })
    }

    /** The merged aggregate of the sessions; null if there are none, or if the program deletes it. */
    const joined = (touched: readonly Session<A>[], key: K): A | null => {
      let all: A | null = null
      for (const { value } of touched) all = all === null ? value : (merge(all, value, key) ?? null)
      return all
    }

    const forget = (rawKey: string, timer: number | undefined): void => {
      if (timer !== undefined) timers.delete(timer, rawKey)
      sessions.delete(0, rawKey)
    }

    function* advance(to: number): Generator<void> {
      const from = context.watermark()
      let keys = 0
      for (const { namespace: time, key: rawKey } of timers.scan(Number.NEGATIVE_INFINITY, to)) {
        timers.delete(time, rawKey)
        const known = sessions.get(0, rawKey)
        if (known !== undefined) {
          const key = context.keyOf<K>(rawKey)
          // There is one timer per key: fire all sessions that have become complete since the previous
          // watermark, in time order.
          for (const one of known.live) {
            const lastInstant = one.last + gapMs
            if (lastInstant >= from && lastInstant < to) out.onTime(resultOf(rawKey, key, one, null))
          }
          const live = known.live.filter(({ last }) => to <= last + gapMs + allowedLatenessMs)
          if (live.length === 0) forget(rawKey, undefined)
          else keep(rawKey, live, undefined, to)
        }
        if (++keys < context.rowsPerTurn()) continue
        yield
        keys = 0
      }
      nextTimer = timers.firstNamespace() ?? Number.POSITIVE_INFINITY
    }

    return {
      inputs: [
        keyed<K, V>(context, (record, rawKey) => {
          const { key, timestamp } = record
          const isLate = record.watermark > timestamp + patienceMs
          if (isLate && acrossPartitions) return context.late(record, lateOutput)
          const known = sessions.get(0, rawKey)
          const live = known?.live ?? []
          // The sessions that the record meets are next to each other. Those that its watermark has passed
          // come before them.
          const firstLast = Math.max(timestamp - gapMs, record.watermark - gapMs - allowedLatenessMs)
          let from = 0
          while (from < live.length && live[from]!.last < firstLast) from += 1
          let to = from
          while (to < live.length && live[to]!.start <= timestamp + gapMs) to += 1
          if (isLate && from === to) return context.late(record, lateOutput)
          const touched = live.slice(from, to)
          const start = Math.min(timestamp, touched[0]?.start ?? timestamp)
          const last = Math.max(timestamp, touched.at(-1)?.last ?? timestamp)

          const before = joined(touched, key)
          const value =
            (before === null ? first(record.value, key, record) : add(before, record.value, key, record)) ??
            null
          const grown = value === null ? undefined : { start, last, value }
          if (!grown && touched.length === 0) return
          const watermark = context.watermark()
          const left = live.toSpliced(from, to - from, ...(grown ? [grown] : []))
          if (left.length > 0) keep(rawKey, left, known?.timer, watermark)
          else forget(rawKey, known?.timer)

          const unmoved =
            grown && touched.length === 1 && touched[0]?.start === start && touched[0].last === last
              ? touched[0]
              : undefined
          if (unmoved === undefined)
            for (const gone of touched)
              out.retracted(
                { ...resultOf(rawKey, key, gone, gone.value), value: null },
                watermark > gone.last + gapMs,
                record,
              )
          if (!grown) return
          out.changed(resultOf(rawKey, key, grown, unmoved?.value ?? null), watermark > last + gapMs, record)
        }),
      ],
      advance: inTurns(advance),
      deadline: () => nextTimer + 1,
    }
  },
})
