/**
 * Timers by key and name, each set once: setting it again moves it. They belong to the key that is processed.
 *
 * By event time a timer fires when the watermark has passed its time. A time that the watermark of the
 * record has passed counts as this watermark, so that no timer fires in the past. A time before 1970 counts
 * as 1970: no record can have it, and results have the time of their timer. At the end of time, timers set
 * no others: a chain of them would not end.
 *
 * State: `set`, namespace 0, name and key → the time of the timer; `timers` and `clock-timers`, the same by
 * time (timers.ts, clock-timers.ts).
 */
import { inWords, MillraceError } from '../../base/index.ts'
import { timestampMax } from '../../port/index.ts'
import { clockTimers } from './clock-timers.ts'
import type { OperatorContext } from './operator.ts'
import type { CurrentTime, TimeDomain } from './process-states.ts'
import { type Timers, timers } from './timers.ts'

/** A timer of the key that is processed. */
export interface Timer {
  /** The time for which it is set; undefined if it is not. */
  readonly time: number | undefined
  /** Sets it, in ms since the epoch, in place of an earlier time. A negative time counts as 0. */
  set(time: number): void
  cancel(): void
}

interface KeyTimers {
  /** The timers by name, of the key that is processed. */
  readonly handles: Readonly<Record<string, Timer>>
  readonly queues: readonly Timers[]
  /** Fires the timers of a key that `watermark` has passed, in the order of their times. */
  fireBefore(watermark: number, rawKey: string): void
}

/**
 * `fire` is called for a timer that is due, once it is not set any more, with the watermark that has made it
 * due: undefined for a timer by processing time.
 */
export function keyTimers(
  context: OperatorContext,
  current: CurrentTime & { readonly isOver: boolean },
  domains: Readonly<Record<string, TimeDomain>>,
  fire: (name: string, rawKey: string, time: number, to: number | undefined) => void,
): KeyTimers {
  const names = Object.keys(domains)
  // Timers with one time fire in the order of their names.
  const byEvent = names.filter(name => domains[name] === 'event').toSorted()
  // Asked for before other state: the task keeps its own entries in an operator's first.
  const set = context.state<number>('set')
  const event = byEvent.length > 0 ? timers(context, 'timers', due) : undefined
  const clock =
    byEvent.length < names.length
      ? clockTimers(context, 'clock-timers', (id, time) => due(id, time))
      : undefined

  function due(id: string, time: number, to?: number): number {
    set.delete(0, id)
    // A name has no colon.
    const colon = id.indexOf(':')
    const name = id.slice(0, colon)
    if (domains[name] === undefined) throw unknownTimer(name)
    fire(name, id.slice(colon + 1), time, to)
    return 1
  }

  function handleOf(name: string, domain: TimeDomain): Timer {
    const queue = domain === 'event' ? event! : clock!
    const ownId = (): string => `${name}:${current.rawKey}`
    const cancel = (): void => {
      const id = ownId()
      const known = set.get(0, id)
      if (known === undefined) return
      queue.cancel(known, id)
      set.delete(0, id)
    }
    return {
      get time() {
        return set.get(0, ownId())
      },
      set(time) {
        if (!Number.isSafeInteger(time) || time > timestampMax)
          throw new TypeError(`timer '${name}' needs a whole number of ms since 1970, got ${inWords(time)}`)
        cancel()
        if (current.isOver) return
        const at = Math.max(time, 0, domain === 'event' ? current.watermark : 0)
        set.put(0, ownId(), at)
        queue.set(at, ownId())
      },
      cancel,
    }
  }

  return {
    handles: Object.fromEntries(
      Object.entries(domains).map(([name, domain]) => [name, handleOf(name, domain)]),
    ),
    queues: event ? [event] : [],
    fireBefore(watermark, rawKey) {
      for (;;) {
        let first: string | undefined
        let time = watermark
        for (const name of byEvent) {
          const at = set.get(0, `${name}:${rawKey}`)
          if (at !== undefined && at < time) [first, time] = [`${name}:${rawKey}`, at]
        }
        if (first === undefined) return
        event!.cancel(time, first)
        due(first, time, watermark)
      }
    },
  }
}

function unknownTimer(name: string): MillraceError {
  return new MillraceError(
    'STATE_INCOMPATIBLE',
    `The state has a timer '${name}', which the program does not declare any more. Declare it, if only to ignore it, or start from scratch with { restart: true }.`,
  )
}
