/**
 * Timers by event time, kept in state: whatever waits for a time sets one. A timer is a time and a key, and
 * is due when the watermark has passed its time. The timers that are left say what must still fire, so none
 * is lost or doubled by a restart, also in the middle of firing.
 *
 * State: namespace = time, key → true. A timer costs a write when it is set, and one when it fires. An owner
 * whose time moves with each record keeps its timer, looks at the time when the timer fires, and sets
 * another.
 */
import { inTurns, type Operator, type OperatorContext, stateBegin } from './operator.ts'

/** The timers of one operator; `advance` and `deadline` are the operator's. */
export interface Timers extends Required<Pick<Operator, 'advance' | 'deadline'>> {
  /** Sets a timer, also one that is due. The key is a binary string. */
  set(time: number, key: string): void
  cancel(time: number, key: string): void
  /** The first of those that are set; undefined for none. */
  first(): readonly [time: number, key: string] | undefined
}

/**
 * `name`: the state that holds the timers. `fire` is called for each timer that is due, in the order of time
 * and then of key, once the timer is removed; `to` is the watermark that is reached. It returns how many
 * rows it has settled. It may set timers for `time` or later, and these fire too if they are due.
 */
export function timers(
  context: OperatorContext,
  name: string,
  fire: (key: string, time: number, to: number) => number,
): Timers {
  const waiting = context.state<true>(name, { isScanned: true })
  // Not looked up yet: state is restored after the operator was made.
  let next = Number.NEGATIVE_INFINITY
  /** The time of the timer that fires. */
  let now = Number.NEGATIVE_INFINITY
  /** Whether a timer was set for it. A scan may miss such a timer. */
  let hasMore = false

  function* advance(to: number): Generator<void> {
    let rows = 0
    do {
      hasMore = false
      for (const { namespace: time, key } of waiting.scan(stateBegin, to)) {
        if (hasMore && time > now) break
        now = time
        waiting.delete(time, key)
        rows += fire(key, time, to)
        if (rows < context.rowsPerTurn()) continue
        yield
        rows = 0
      }
      next = waiting.firstNamespace() ?? Number.POSITIVE_INFINITY
    } while (next < to)
  }

  return {
    set(time, key) {
      waiting.put(time, key, true)
      next = Math.min(next, time)
      hasMore ||= time <= now
      context.wakeAt(time + 1)
    },
    cancel: (time, key) => waiting.delete(time, key),
    first() {
      const time = waiting.firstNamespace()
      if (time !== undefined) for (const { key } of waiting.scan(time, time + 1)) return [time, key]
      return undefined
    },
    advance: inTurns(advance),
    deadline: () => next + 1,
  }
}

/** Timers of several kinds as those of an operator: all that are due of one fire before those of the next. */
export function inOrder(all: readonly Timers[]): Pick<Operator, 'advance' | 'deadline'> {
  if (all.length === 0) return {}
  return {
    advance: watermark => all.every(each => each.advance(watermark)),
    deadline: () => Math.min(...all.map(each => each.deadline())),
  }
}
