/**
 * Windows whose bounds depend on the records of their key: sessions and sliding windows. Each key has a list
 * of them, in time order, and one timer.
 *
 * State: namespace 0, key → the key's windows; and `timers`, namespace = time, key → true, one pending timer
 * per key, at the earliest last instant or expiry among its windows. A timer is due when the watermark has
 * passed it. A timer whose windows have grown sets itself again, so that a record costs no timer writes. The
 * timers that are left say what must still fire: a commit may come in between.
 */
import { inTurns, type Operator, type OperatorContext } from './operator.ts'

/** What a list must know of its windows. */
export interface WindowTimes<W> {
  /** The last timestamp that can belong to it: it fires when the watermark has passed this. */
  readonly lastInstantOf: (window: W) => number
  /** It is forgotten when the watermark has passed this: never before its last instant. */
  readonly keptUntil: (window: W) => number
  /** The watermark has passed its last instant. */
  readonly fire: (rawKey: string, window: W) => void
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
  const timers = context.state<true>('timers', { isScanned: true })
  // Not looked up yet: state is restored after the operator was made.
  let nextTimer = Number.NEGATIVE_INFINITY

  /** Stores a key's windows, with a timer for the next instant that is due, as seen at `watermark`. */
  const keep = (rawKey: string, live: readonly W[], timer: number | undefined, watermark: number): void => {
    if (live.length === 0) {
      if (timer !== undefined) timers.delete(timer, rawKey)
      lists.delete(0, rawKey)
      return
    }
    let due = Number.POSITIVE_INFINITY
    for (const window of live) {
      const lastInstant = lastInstantOf(window)
      due = Math.min(due, watermark > lastInstant ? keptUntil(window) : lastInstant)
    }
    if (timer !== undefined && timer <= due) {
      // The pending timer is earlier: it will find the windows as they are then.
      lists.put(0, rawKey, { live, timer })
      return
    }
    if (timer !== undefined) timers.delete(timer, rawKey)
    timers.put(due, rawKey, true)
    nextTimer = Math.min(nextTimer, due)
    context.wakeAt(due + 1)
    lists.put(0, rawKey, { live, timer: due })
  }

  function* advance(to: number): Generator<void> {
    const from = context.watermark()
    let rows = 0
    for (const { namespace: time, key: rawKey } of timers.scan(Number.NEGATIVE_INFINITY, to)) {
      timers.delete(time, rawKey)
      const live = lists.get(0, rawKey)?.live ?? []
      // There is one timer per key: fire all windows that have become complete since the previous watermark,
      // in time order.
      for (const window of live) {
        const lastInstant = lastInstantOf(window)
        if (lastInstant >= from && lastInstant < to) fire(rawKey, window)
      }
      keep(
        rawKey,
        live.filter(window => to <= keptUntil(window)),
        undefined,
        to,
      )
      rows += Math.max(1, live.length)
      if (rows < context.rowsPerTurn()) continue
      yield
      rows = 0
    }
    nextTimer = timers.firstNamespace() ?? Number.POSITIVE_INFINITY
  }

  return {
    of: rawKey => lists.get(0, rawKey),
    put: (rawKey, live, known) => keep(rawKey, live, known?.timer, context.watermark()),
    advance: inTurns(advance),
    deadline: () => nextTimer + 1,
  }
}
