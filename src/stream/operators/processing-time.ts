/**
 * Windows by processing time: the time of a record is that of the wall clock when the operator takes it.
 *
 * The operator for event time runs as it is, with the clock as its watermark. No record is late, and a window
 * fires when the clock has passed its last instant. What has fired is gone: so nothing need be kept of how
 * far the clock was, and windows that ended while the app did not run fire when it runs again. The end of the
 * input fires the others.
 *
 * Results have times of the clock, which the watermark may be ahead of or far behind. So windows by event
 * time over them are refused.
 */
import { neverLate, StreamRecord } from './record.ts'
import type { WindowAggregate } from './window-aggregate.ts'

/** How long to wait before the clock is read again: not longer, as it may be set. */
const waitMsMin = 10
const waitMsMax = 1000

/** `spec`: windows that are forgotten when they fire. */
export function byProcessingTime<K, V, A>(spec: WindowAggregate<K, V, A>): WindowAggregate<K, V, A> {
  return {
    ...spec,
    make(context, to) {
      let latest = Number.NEGATIVE_INFINITY
      /** The wall clock, but never back. */
      const now = (): number => (latest = Math.max(latest, context.now()))
      /** Everything that was due by then has fired. */
      let reached = neverLate
      /** While windows fire: the time up to which they do. */
      let target: number | undefined
      let isDue = false
      const windows = spec.make({ ...context, watermark: () => reached, wakeAt: () => waitForNext() }, to)
      const waitForNext = (): void => {
        const next = windows.deadline()
        if (next < Number.POSITIVE_INFINITY) wake(Math.min(Math.max(waitMsMin, next - now()), waitMsMax))
      }
      const wake = context.alarm(() => {
        isDue ||= now() >= windows.deadline()
        // The task lets windows fire in turns, as by event time, whatever its watermark is.
        if (isDue) context.wakeAt(neverLate)
        waitForNext()
      })
      wake(0)

      return {
        inputs: windows.inputs.map(
          take =>
            ({ key, value, headers, pane, rawKey }) =>
              take(new StreamRecord(key, value, null, now(), neverLate, false, headers, pane, rawKey)),
        ),
        advance(watermark) {
          target ??= watermark === Number.POSITIVE_INFINITY ? watermark : now()
          if (!windows.advance(target)) return false
          reached = target
          target = undefined
          isDue = false
          waitForNext()
          return true
        },
        deadline: () => (isDue ? neverLate : Number.POSITIVE_INFINITY),
        place: () => windows.place?.(),
        resume(place) {
          isDue = true
          windows.resume?.(place)
        },
      }
    },
  }
}
