/**
 * Holds back the changes of each row for a time, and then forwards the last one: fewer changes of rows that
 * change often. A change replaces the one that is held under its key, so a key's changes keep their order. It
 * goes out when the watermark has passed the first time held under its key by the limit.
 *
 * A bound of records or bytes holds for the changes of a task. What is over it goes out early, the first one
 * first, or ends the run.
 *
 * State: `held`, namespace 0, key → the held change; `size`, what is held in all, if it is bounded; and `due`
 * (timers.ts).
 */
import { durationInWords, MillraceError } from '../../base/index.ts'
import { given, storable, valueCodec } from '../../state/index.ts'
import type { RecordHeader } from '../../wire/index.ts'
import type { Unary } from './operator.ts'
import { type Pane, StreamRecord } from './record.ts'
import type { Change } from './table-rows.ts'
import { timers } from './timers.ts'

/** How long changes are held, and how many. */
export interface HoldBack {
  readonly limitMs: number
  readonly recordsMax: number
  readonly bytesMax: number
  readonly whenFull: 'emitEarly' | 'fail'
}

/** A change that is held, and what is needed to forward it. */
interface Held<V> {
  readonly value: V | null
  /** What the consumers have: the value before the first change that is held. */
  readonly previous: V | null
  readonly due: number
  readonly bytes: number
  readonly timestamp: number
  readonly watermark: number
  readonly raised: boolean
  readonly headers: readonly RecordHeader[]
  readonly pane: Pane | null
}

/** What is held in all. */
interface Size {
  readonly records: number
  readonly bytes: number
}

const empty: Size = { records: 0, bytes: 0 }

/** `latenessMs`: how late the changes may come, in ms. */
export const suppress = <K, V>(
  { limitMs, recordsMax, bytesMax, whenFull }: HoldBack,
  latenessMs: number,
): Unary<Change<K, V>, Change<K, V>> => ({
  name: 'suppress',
  label: `suppress for ${durationInWords(limitMs)}`,
  outlets: ['changes'],
  stateful: true,
  latenessMs: latenessMs + limitMs,
  make(context, [changed]) {
    const rows = context.view<K, V>(0)
    const held = context.state<Held<V>>('held')
    const size = context.state<Size>('size')
    const isBounded = Number.isFinite(recordsMax) || Number.isFinite(bytesMax)
    const due = timers(context, 'due', rawKey => {
      release(rawKey)
      return 1
    })

    const resize = (records: number, bytes: number): void => {
      if (!isBounded) return
      const before = size.get(0, '') ?? empty
      const now = { records: before.records + records, bytes: before.bytes + bytes }
      if (now.records > 0) size.put(0, '', now)
      else size.delete(0, '')
    }

    function release(rawKey: string): void {
      const change = held.get(0, rawKey)
      if (change === undefined) return
      const { value, previous, timestamp, watermark, raised, headers, pane, bytes } = change
      held.delete(0, rawKey)
      resize(-1, -bytes)
      if (value === null && previous === null) return
      const key = context.keyOf<K>(rawKey)
      const of = pane ?? undefined
      changed(
        new StreamRecord(
          key,
          given(value),
          given(previous),
          timestamp,
          watermark,
          raised,
          headers,
          of,
          rawKey,
        ),
      )
    }

    /** Releases what is over the bounds. */
    const bound = (): void => {
      for (;;) {
        const { records, bytes } = size.get(0, '') ?? empty
        if (records <= recordsMax && bytes <= bytesMax) return
        const first = due.first()
        if (whenFull === 'fail' || first === undefined) throw full(records, bytes)
        due.cancel(...first)
        release(first[1])
      }
    }
    return {
      inputs: [
        record => {
          const { key, timestamp, watermark, raised, headers, pane = null } = record
          const rawKey = context.rawKey(record)
          const before = held.get(0, rawKey)
          const time = Math.min(timestamp + limitMs, before?.due ?? Number.POSITIVE_INFINITY)
          const value = storable(record.value, key)
          const previous = before ? before.previous : storable(record.previous, key)
          const bytes = Number.isFinite(bytesMax) ? rawKey.length + valueCodec.encode(value).length : 0
          held.put(0, rawKey, {
            value,
            previous,
            due: time,
            bytes,
            timestamp,
            watermark,
            raised,
            headers,
            pane,
          })
          resize(before ? 0 : 1, bytes - (before?.bytes ?? 0))
          if (time !== before?.due) {
            if (before) due.cancel(before.due, rawKey)
            if (context.watermark() <= time) due.set(time, rawKey)
            else return release(rawKey)
          }
          if (isBounded) bound()
        },
      ],
      advance: due.advance,
      deadline: due.deadline,
      view: {
        // What is held back cannot be seen yet.
        get(rawKey, key) {
          const change = held.get(0, rawKey)
          return change ? given(change.previous ?? undefined) : rows.get(rawKey, key as K)
        },
      },
    }
  },
})

function full(records: number, bytes: number): MillraceError {
  return new MillraceError(
    'LIMIT_EXCEEDED',
    `suppress holds ${records} changes${bytes > 0 ? ` of ${bytes} bytes` : ''} in one task, more than its bounds. ` +
      "Raise maxRecords or maxBytes, hold changes for a shorter time, or let them go early: { whenFull: 'emitEarly' }.",
  )
}
