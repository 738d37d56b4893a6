/**
 * Holds back the changes of each row for a time, and then forwards the last one: fewer changes of rows that
 * change often. A change replaces the one that is held under its key, so a key's changes keep their order. It
 * goes out when the watermark has passed the first time held under its key by the limit.
 *
 * A bound of records or bytes holds for the changes of a task. What is over it goes out early, the first one
 * first, or ends the run.
 *
 * State: `held`, namespace 0, key → the held change; `size`, what is held in all, also without bounds, which
 * the next run may have; and `due` (timers.ts).
 */
import { durationInWords, MillraceError } from '../../base/index.ts'
import { given, storable, valueCodec } from '../../state/index.ts'
import type { Unary } from './operator.ts'
import { noHeaders, type Pane, StreamRecord } from './record.ts'
import { type Buffered, buffered } from './record-buffer.ts'
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
interface Held<V> extends Buffered<V | null> {
  /** What the consumers have: the value before the first change that is held. */
  readonly previous: V | null
  readonly due: number
  readonly bytes: number
  /** Left out unless it is a window's result. */
  readonly pane?: Pane
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
  heldMs: limitMs,
  make(context, [changed]) {
    const rows = context.view<K, V>(0)
    const held = context.state<Held<V>>('held')
    const size = context.state<Size>('size')
    const due = timers(context, 'due', rawKey => {
      release(rawKey)
      return 1
    })

    const resize = (records: number, bytes: number): void => {
      if (records === 0 && bytes === 0) return
      const before = size.get(0, '') ?? empty
      const now = { records: before.records + records, bytes: before.bytes + bytes }
      if (now.records > 0) size.put(0, '', now)
      else size.delete(0, '')
    }

    function release(rawKey: string): void {
      const change = held.get(0, rawKey)
      if (change === undefined) return
      const { value, timestamp, watermark, raised = false, headers = noHeaders, pane, bytes } = change
      held.delete(0, rawKey)
      resize(-1, -bytes)
      if (value === null && change.previous === null) return
      const key = context.keyOf<K>(rawKey)
      const [now, before] = [given(value), given(change.previous)]
      changed(new StreamRecord(key, now, before, timestamp, watermark, raised, headers, pane, rawKey))
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
          const { key, value, timestamp, pane } = record
          const rawKey = context.rawKey(record)
          const before = held.get(0, rawKey)
          const time = Math.min(timestamp + limitMs, before?.due ?? Number.POSITIVE_INFINITY)
          const previous = before ? before.previous : storable(record.previous, key)
          const bytes = Number.isFinite(bytesMax) ? rawKey.length + valueCodec.encode(value).length : 0
          held.put(0, rawKey, { ...buffered(record), previous, due: time, bytes, ...(pane && { pane }) })
          resize(before ? 0 : 1, bytes - (before?.bytes ?? 0))
          if (time !== before?.due) {
            if (before) due.cancel(before.due, rawKey)
            if (context.watermark() > time) return release(rawKey)
            due.set(time, rawKey)
          }
          bound()
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
