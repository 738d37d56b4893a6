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
 * State: the lists of window-lists.ts, under the name `sessions`.
 */
import type { SessionAggregation } from './aggregation.ts'
import { emission, type EmitPolicy, type WindowResult } from './emission.ts'
import { keyed } from './operator.ts'
import { windowAggregate, type WindowAggregate } from './window-aggregate.ts'
import { windowLists } from './window-lists.ts'
import type { SessionWindows } from './windows.ts'

interface Session<A> {
  readonly start: number
  /** Timestamp of its last record; its last instant is a gap later. */
  readonly last: number
  readonly value: A
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
    /** A record that meets no session is late once its watermark is past its timestamp by more than this. */
    const patienceMs = acrossPartitions ? allowedLatenessMs : gapMs + allowedLatenessMs

    const resultOf = (
      rawKey: string,
      key: K,
      session: Session<A>,
      previous: A | null,
    ): WindowResult<K, A> => ({
      rawKey,
      key,
      place: session.start,
      start: session.start,
      end: session.last + gapMs,
      value: session.value,
      previous,
      timestamp: session.last,
      lastInstant: session.last + gapMs,
    })

    // Asked for before other state: the task keeps its own entries in an operator's first.
    const sessions = windowLists<Session<A>>(context, 'sessions', {
      lastInstantOf: ({ last }) => last + gapMs,
      keptUntil: ({ last }) => last + gapMs + allowedLatenessMs,
      fire: (rawKey, one) => out.onTime(resultOf(rawKey, context.keyOf<K>(rawKey), one, null)),
    })
    const out = emission(context, policies, results)

    /** The merged aggregate of the sessions; null if there are none, or if the program deletes it. */
    const joined = (touched: readonly Session<A>[], key: K): A | null => {
      let all: A | null = null
      for (const { value } of touched) all = all === null ? value : (merge(all, value, key) ?? null)
      return all
    }

    return {
      inputs: [
        keyed<K, V>(context, (record, rawKey) => {
          const { key, timestamp } = record
          const isLate = record.watermark > timestamp + patienceMs
          if (isLate && acrossPartitions) return context.late(record, lateOutput)
          const known = sessions.of(rawKey)
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
          sessions.put(rawKey, left, known)

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
      advance: sessions.advance,
      deadline: sessions.deadline,
    }
  },
})
