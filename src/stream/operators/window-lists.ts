/**
 * Windows whose bounds depend on the records of their key: sessions and sliding windows. Each key has a list
 * of them, in time order, and one timer.
 *
 * State: namespace 0, key → the key's windows; and `timers` (timers.ts), one pending timer per key, at the
 * earliest last instant or expiry among its windows. A timer whose windows have grown sets itself again, so
 * that a record costs no timer writes.
 */
import type { Operator, OperatorContext } from './operator.ts'
import { timers } from './timers.ts'

/** What a list must know of its windows. */
export interface WindowTimes<W> {
  /** The last timestamp that can belong to it: it fires when the watermark has passed this. */
  readonly lastInstantOf: (window: W) => number
  /** It is forgotten when the watermark has passed this: never before its last instant. */
  readonly keptUntil: (window: W) => number
  /** The watermark has passed its last instant. Returns the window as it is kept. */
  readonly fire: (rawKey: string, window: W) => W
}

/** The windows of one key. */
export interface WindowList<W> {
  readonly live: readonly W[]
  /** The time of this key's timer. */
  readonly timer: number
}

/** The lists of one operator; `advance` and `deadline` are the operator's. */
export interface WindowLists<W> extends Required<Pick<Operator, 'advance' | 'deadline'>> {
  of(rawKey: string): WindowList<W> | undefined
  /** Stores the windows of a key in place of `known`. */
  put(rawKey: string, live: readonly W[], known: WindowList<W> | undefined): void
}

/** `name`: the state that holds the lists. */
export function windowLists<W>(
  context: OperatorContext,
  name: string,
  { lastInstantOf, keptUntil, fire }: WindowTimes<W>,
): WindowLists<W> {
  const lists = context.state<WindowList<W>>(name)
  const due = timers(context, 'timers', fireKey)

  /** Stores a key's windows, with a timer for the next instant that is due, as seen at `watermark`. */
  function keep(rawKey: string, live: readonly W[], timer: number | undefined, watermark: number): void {
    if (live.length === 0) {
      if (timer !== undefined) due.cancel(timer, rawKey)
      lists.delete(0, rawKey)
      return
    }
    let next = Number.POSITIVE_INFINITY
    for (const window of live) {
      const lastInstant = lastInstantOf(window)
      next = Math.min(next, watermark > lastInstant ? keptUntil(window) : lastInstant)
    }
    if (timer !== undefined && timer <= next) {
      // The pending timer is earlier: it will find the windows as they are then.
      lists.put(0, rawKey, { live, timer })
      return
    }
    if (timer !== undefined) due.cancel(timer, rawKey)
    due.set(next, rawKey)
    lists.put(0, rawKey, { live, timer: next })
  }

  /**
   * There is one timer per key: fires all windows that have become complete since the previous watermark, in
   * time order.
   */
  function fireKey(rawKey: string, _time: number, to: number): number {
    const from = context.watermark()
    const live = lists.get(0, rawKey)?.live ?? []
    const kept: W[] = []
    for (const window of live) {
      const lastInstant = lastInstantOf(window)
      const left = lastInstant >= from && lastInstant < to ? fire(rawKey, window) : window
      if (to <= keptUntil(window)) kept.push(left)
    }
    keep(rawKey, kept, undefined, to)
    return Math.max(1, live.length)
  }

  return {
    of: rawKey => lists.get(0, rawKey),
    put: (rawKey, live, known) => keep(rawKey, live, known?.timer, context.watermark()),
    advance: due.advance,
    deadline: due.deadline,
  }
}
