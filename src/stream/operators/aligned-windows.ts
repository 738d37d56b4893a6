/**
 * Aggregates in windows whose bounds depend on the time alone: tumbling and hopping.
 *
 * An aggregate of null deletes the window of its key, and takes back what went out for it.
 *
 * State: namespace = window start, key → row; so firing and forgetting are range scans over starts. Whether a window has fired is not stored: it has
 * when the task's watermark has reached its end.
 */
import type { KeyCodec } from '../key-codec.ts'
import { rawKeyOf } from '../key-codec.ts'
import { type Forward, type OperatorFactory, resultsPerTurn } from '../operator.ts'
import { type AlignedWindows, lastStart } from '../windows.ts'
import type { Aggregation } from './aggregate.ts'
import { emission, type EmitPolicy, type WindowResult } from './emission.ts'
import type { Row } from './window-row.ts'

/** Outlet 0 is the side output of late records, then comes one per policy. */
export const alignedWindows =
  (
    keyCodec: KeyCodec,
    windows: AlignedWindows,
    { initial, add }: Aggregation,
    policies: readonly EmitPolicy[],
  ): OperatorFactory =>
  (context, forwards) => {
    const state = context.state<Row>('windows')
    const { sizeMs, advanceMs, allowedLatenessMs } = windows
    const out = emission(
      context,
      policies.map((policy, i) => ({ policy, forward: forwards[i + 1] as Forward })),
    )
    const lateOutput = forwards[0] as Forward
    let watermark = context.restoredWatermark
    // Windows that start before this have fired.
    let firedBelow = startsEndedBy(watermark)
    // Not yet finished with firing up to the watermark: the scan goes on from there.
    let firing = firedBelow

    /** All windows that start before the result have ended when the watermark is `w`. */
    function startsEndedBy(w: number): number {
      return w === Number.POSITIVE_INFINITY || w === Number.NEGATIVE_INFINITY ? w : w - sizeMs + 1
    }

    return {
      inputs: [
        record => {
          const { key, timestamp } = record
          if (key === null || key === undefined) return context.drop('null-key', record)
          if (record.value === null) return context.drop('null-value', record)
          const rawKey = rawKeyOf(record, keyCodec)
          let taken = false
          for (let start = lastStart(windows, timestamp); start > timestamp - sizeMs; start -= advanceMs) {
            const end = start + sizeMs
            if (record.watermark >= end + allowedLatenessMs) break // and so are all earlier ones
            taken = true
            const row = state.get(start, rawKey)
            const value = add(row === undefined ? initial() : row.value, record.value, key) ?? null
            const latest = row === undefined ? timestamp : Math.max(row.timestamp, timestamp)
            const result: WindowResult = {
              rawKey,
              key,
              start,
              end,
              value,
              previous: row === undefined ? null : row.value,
              timestamp: latest,
            }
            if (value !== null) {
              state.put(start, rawKey, { value, timestamp: latest })
              out.changed(result, start < firedBelow, record.watermark)
            } else if (row !== undefined) {
              state.delete(start, rawKey)
              out.retracted(result, start < firedBelow, record.watermark)
            }
          }
          if (taken) return
          context.drop(context.lateReason(), record)
          lateOutput(record)
        },
      ],
      advance(to) {
        const ended = startsEndedBy(to)
        let emitted = 0
        if (ended > firing || firing > firedBelow) {
          for (const { namespace: start, key: rawKey, value: row } of state.scan(
            Math.max(firing, firedBelow),
            ended,
          )) {
            if (emitted >= resultsPerTurn && start > firing) {
              firing = start
              return false
            }
            out.onTime({
              rawKey,
              key: keyCodec.decode(rawKey),
              start,
              end: start + sizeMs,
              value: row.value,
              previous: null,
              timestamp: row.timestamp,
            })
            firing = Math.max(firing, start)
            emitted += 1
          }
          firedBelow = firing = ended
        }
        watermark = to
        state.deleteNamespaces(Number.NEGATIVE_INFINITY, ended - allowedLatenessMs)
        return true
      },
      // The end of the first window that has not fired: computed, not looked up, so that it costs the same however much state there is.
      deadline: () => (watermark === Number.NEGATIVE_INFINITY ? watermark : nextEnd(windows, watermark)),
    }
  }

/** The smallest end of a window that is greater than `watermark`. */
export function nextEnd(windows: AlignedWindows, watermark: number): number {
  if (watermark === Number.POSITIVE_INFINITY) return watermark
  const { sizeMs, advanceMs } = windows
  return lastStart(windows, watermark - sizeMs) + advanceMs + sizeMs
}
