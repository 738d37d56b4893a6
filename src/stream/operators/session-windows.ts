/**
 * Aggregates in sessions: windows that grow and merge.
 *
 * A record alone is a session [timestamp, timestamp + gap], and joins every session that has an instant in
 * common with it, as in Kafka Streams and Flink. So a session is [start, end], from its first record to the
 * latest end of its records; that is its last instant. The gap is the same for all records, or each has its
 * own (Flink's dynamic gap). A record meets only sessions that its own watermark has not passed by more than
 * the allowed lateness, so the result does not depend on when the task forgets sessions. On a merge the old
 * sessions are retracted before the new one is announced; a session whose bounds stay is not retracted. The
 * merger is called for two sessions, never for the initial value. An aggregate of null deletes the session.
 * If results discard, a session keeps its bounds, but no aggregate, until its next record.
 *
 * State: the lists of window-lists.ts, under the name `sessions`.
 */
import type { SessionAggregation } from './aggregation.ts'
import { emission, type WindowResult } from './emission.ts'
import { type AnyPolicy, isDiscarding } from './emit-policy.ts'
import { keyed } from './operator.ts'
import type { StreamRecord } from './record.ts'
import { windowAggregate, type WindowAggregate } from './window-aggregate.ts'
import { windowLists } from './window-lists.ts'
import type { DynamicSessionWindows, SessionWindows } from './windows.ts'

interface Session<A> {
  readonly start: number
  /** Timestamp of its last record. */
  readonly last: number
  /** The end, if each record has its own gap; else a session ends a gap after its last record. */
  readonly end?: number
  /** Null: its results hold all of it, and discard. */
  readonly value: A | null
}

/**
 * If records of one key can come from several source partitions, the extent of a session depends on timing.
 * Lateness is then judged by the record's own time alone.
 */
export const sessionWindows = <K, V, A>(
  name: string,
  windows: SessionWindows | DynamicSessionWindows,
  aggregation: SessionAggregation<K, V, A>,
  policies: readonly AnyPolicy[],
): WindowAggregate<K, V, A> => ({
  ...windowAggregate(name, windows, aggregation, policies),
  make(context, [lateOutput, ...results]) {
    const { allowedLatenessMs } = windows
    const fixedMs = 'gapMs' in windows ? windows.gapMs : undefined
    const { acrossPartitions } = context
    const gapOf = (record: StreamRecord<K, V>): number =>
      // The DSL takes no function of values of another type.
      'gapOf' in windows ? windows.gapOf(record.value as never, record) : windows.gapMs
    const endOf = ({ last, end = last + (fixedMs ?? 0) }: Session<A>): number => end
    // If each record has its own gap, a session that is over may start where a later one does.
    const placeOf = ({ start, end = start }: Session<A>): number => end

    const resultOf = (
      rawKey: string,
      key: K,
      session: Session<A>,
      previous: A | null,
    ): WindowResult<K, A> => ({
      rawKey,
      key,
      place: placeOf(session),
      start: session.start,
      end: endOf(session),
      value: session.value,
      previous,
      timestamp: session.last,
      lastInstant: endOf(session),
    })

    // Asked for before other state: the task keeps its own entries in an operator's first.
    const sessions = windowLists<Session<A>>(context, 'sessions', {
      lastInstantOf: endOf,
      keptUntil: session => endOf(session) + allowedLatenessMs,
      fire(rawKey, one) {
        if (one.value === null) return one
        isFiring = true
        out.onTime(resultOf(rawKey, context.keyOf<K>(rawKey), one, null))
        isFiring = false
        return discards ? { ...one, value: null } : one
      },
    })
    const discards = policies.some(isDiscarding)
    let isFiring = false
    const out = emission(context, policies, results, {
      discard({ rawKey, place }) {
        if (isFiring) return
        const known = sessions.of(rawKey)
        const emptied = known?.live.map(one => (placeOf(one) === place ? { ...one, value: null } : one))
        sessions.put(rawKey, emptied ?? [], known)
      },
    })

    /** The merged aggregate of the sessions; null if there are none, or if the program deletes it. */
    const joined = (touched: readonly Session<A>[], key: K): A | null => {
      let all: A | null = null
      for (const { value } of touched)
        all = all === null || value === null ? (all ?? value) : (aggregation.merge(all, value, key) ?? null)
      return all
    }

    return {
      inputs: aggregation.folds.map(({ first, add }) =>
        keyed<K, V>(context, (record, rawKey) => {
          const { key, timestamp } = record
          const ownEnd = timestamp + gapOf(record)
          // A record that meets no session is late once its watermark is past this by more than the lateness.
          const patience = acrossPartitions ? timestamp : ownEnd
          const isLate = record.watermark > patience + allowedLatenessMs
          if (isLate && acrossPartitions) return context.late(record, lateOutput)
          const known = sessions.of(rawKey)
          const live = known?.live ?? []
          // The sessions that the record meets are next to each other. Those that its watermark has passed
          // come before them.
          const firstEnd = Math.max(timestamp, record.watermark - allowedLatenessMs)
          let from = 0
          while (from < live.length && endOf(live[from]!) < firstEnd) from += 1
          let to = from
          while (to < live.length && live[to]!.start <= ownEnd) to += 1
          if (isLate && from === to) return context.late(record, lateOutput)
          const touched = live.slice(from, to)
          const start = Math.min(timestamp, touched[0]?.start ?? timestamp)
          const last = Math.max(timestamp, touched.at(-1)?.last ?? timestamp)
          const end = touched.reduce((latest, one) => Math.max(latest, endOf(one)), ownEnd)

          const before = joined(touched, key)
          const value =
            (before === null ? first(record.value, key, record) : add(before, record.value, key, record)) ??
            null
          const grown =
            value === null ? undefined : { start, last, ...(fixedMs === undefined && { end }), value }
          if (!grown && touched.length === 0) return
          const watermark = context.watermark()
          const left = live.toSpliced(from, to - from, ...(grown ? [grown] : []))
          sessions.put(rawKey, left, known)

          const unmoved =
            grown && touched.length === 1 && touched[0]?.start === start && endOf(touched[0]) === end
              ? touched[0]
              : undefined
          if (unmoved === undefined)
            for (const gone of touched)
              out.retracted(
                { ...resultOf(rawKey, key, gone, gone.value), value: null },
                watermark > endOf(gone),
                record,
                grown !== undefined,
              )
          if (!grown) return
          out.changed(resultOf(rawKey, key, grown, unmoved?.value ?? null), watermark > end, record)
        }),
      ),
      ...out.timed(sessions),
    }
  },
})
