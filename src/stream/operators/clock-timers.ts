/**
 * Timers by processing time, kept in state: as timers.ts, but a timer is due when the wall clock has reached
 * its time. One that became due while the app did not run fires when it runs again.
 *
 * State: namespace = time, key → true.
 */
import { type OperatorContext, stateBegin } from './operator.ts'
import type { Timers } from './timers.ts'

/** How long to wait at most before the wall clock is read again: it may have been set. */
const lookAgainMs = 1000

/** `fire` is called for each timer that is due, in the order of time and then of key, as in timers.ts. */
export function clockTimers(
  context: OperatorContext,
  name: string,
  fire: (key: string, time: number) => number,
): Pick<Timers, 'set' | 'cancel'> {
  const waiting = context.state<true>(name, { isScanned: true })
  const wake = context.alarm(ring)
  // Not looked up yet: state is restored after the operator was made.
  let next = Number.NEGATIVE_INFINITY
  wake(0)

  function ring(): void {
    let rows = 0
    for (const { namespace: time, key } of waiting.scan(stateBegin, context.now() + 1)) {
      waiting.delete(time, key)
      rows += fire(key, time)
      // The others are due at once, after the event loop has turned.
      if (rows >= context.rowsPerTurn()) break
    }
    next = waiting.firstNamespace() ?? Number.POSITIVE_INFINITY
    wakeUp()
  }

  function wakeUp(): void {
    if (next < Number.POSITIVE_INFINITY) wake(Math.min(Math.max(0, next - context.now()), lookAgainMs))
  }

  return {
    set(time, key) {
      waiting.put(time, key, true)
      if (time >= next) return
      next = time
      wakeUp()
    },
    cancel: (time, key) => waiting.delete(time, key),
  }
}
