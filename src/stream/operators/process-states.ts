/** The states that a program declares for process: with or without a time to live. */
import { clockTimers } from './clock-timers.ts'
import { type Entries, lasting, type Life, type Mortal, mortal, type MortalEntries } from './entries.ts'
import { type CurrentKey, listOf, mapOf, valueOf } from './kept-values.ts'
import type { OperatorContext } from './operator.ts'
import { type Timers, timers } from './timers.ts'

/** The time by which a timer is due, or a state is forgotten. */
export type TimeDomain = 'event' | 'processing'

/** A state as a program declares it. */
export interface Declared {
  readonly kind: 'value' | 'map' | 'list'
  /** How long after a write an entry is read; undefined: until it is deleted. */
  readonly ttlMs: number | undefined
  readonly time: TimeDomain
}

/** The record, or the timer, that is processed. */
export interface CurrentTime extends CurrentKey {
  readonly timestamp: number
  readonly watermark: number
}

const handles: Record<Declared['kind'], (entries: Entries<never>, at: CurrentKey) => unknown> = {
  value: valueOf,
  map: mapOf,
  list: listOf,
}

/** The states by their names, for the key that is processed, and the timers that forget what is over. */
export function declaredStates(
  context: OperatorContext,
  current: CurrentTime,
  declared: Readonly<Record<string, Declared>>,
): { readonly state: Readonly<Record<string, unknown>>; readonly expiry: readonly Timers[] } {
  const all = Object.entries(declared)
  const expire = new Map<string, MortalEntries<never>>()
  const forget = (id: string, to: number): number => {
    const colon = id.indexOf(':')
    expire.get(id.slice(0, colon))?.due(id.slice(colon + 1), to)
    return 1
  }
  const ends = (domain: TimeDomain): boolean =>
    all.some(([, { ttlMs, time }]) => ttlMs !== undefined && time === domain)
  const event = ends('event') ? timers(context, 'expiry', (id, _time, to) => forget(id, to)) : undefined
  const clock = ends('processing')
    ? clockTimers(context, 'clock-expiry', id => forget(id, context.now() + 1))
    : undefined

  const lifeOf = (ttlMs: number, time: TimeDomain): Life =>
    time === 'event'
      ? {
          until: () => current.timestamp + ttlMs,
          isOver: until => current.watermark > until,
          timers: event!,
        }
      : { until: () => context.now() + ttlMs, isOver: until => context.now() >= until, timers: clock! }

  const entriesOf = (name: string, { kind, ttlMs, time }: Declared): Entries<never> => {
    const use = { isScanned: kind !== 'value' }
    if (ttlMs === undefined) return lasting(context.state<never>(`state-${name}`, use))
    const entries = lasting(context.state<Mortal<never>>(`state-${name}`, use))
    const dying = mortal(entries, lifeOf(ttlMs, time), key => `${name}:${key}`)
    expire.set(name, dying)
    return dying
  }

  return {
    state: Object.fromEntries(
      all.map(([name, one]) => [name, handles[one.kind](entriesOf(name, one), current)]),
    ),
    expiry: event ? [event] : [],
  }
}
