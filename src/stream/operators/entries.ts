/**
 * Entries of a state by a binary string: with or without a time to live. What process offers to programs is
 * made of them.
 */
import type { KeyedState } from '../../state/index.ts'
import type { Timers } from './timers.ts'

export interface Entries<V> {
  get(key: string): V | undefined
  put(key: string, value: V): void
  delete(key: string): void
  /** The entries whose keys are longer than `prefix` and begin with it, in the order of their keys. */
  startingWith(prefix: string): (readonly [key: string, value: V])[]
}

/** Entries that stay until they are deleted. State: namespace 0. */
export const lasting = <V>(state: KeyedState<V>): Entries<V> => ({
  get: key => state.get(0, key),
  put: (key, value) => state.put(0, key, value),
  delete: key => state.delete(0, key),
  startingWith(prefix) {
    const found: (readonly [string, V])[] = []
    for (const { key, value } of state.scan(0, 1, prefix)) {
      if (!key.startsWith(prefix)) break
      found.push([key, value])
    }
    return found
  },
})

/** A value with the last time at which it is read, and the timer that will look at it. */
export interface Mortal<V> {
  readonly value: V
  readonly until: number
  readonly timer: number
}

/** How long entries live. */
export interface Life {
  /** The last time at which an entry is read that is written now. */
  until(): number
  /** Whether time has passed `until`, for the record that is processed. */
  isOver(until: number): boolean
  readonly timers: Pick<Timers, 'set' | 'cancel'>
}

/**
 * Entries with a time to live, counted from the last write; one that is out of order does not shorten it.
 */
export interface MortalEntries<V> extends Entries<V> {
  /** The timer of an entry is due, as all times before `to`. */
  due(key: string, to: number): void
}

/**
 * Makes entries forget what has outlived its time. An entry has one timer. It stays where it is when the
 * entry is written again, and moves when it is due, so that a write costs no timer. `timerOf`: the timer's
 * key.
 */
export function mortal<V>(
  entries: Entries<Mortal<V>>,
  life: Life,
  timerOf: (key: string) => string,
): MortalEntries<V> {
  return {
    get(key) {
      const found = entries.get(key)
      return found === undefined || life.isOver(found.until) ? undefined : found.value
    },
    put(key, value) {
      const known = entries.get(key)
      const until = Math.max(life.until(), known?.until ?? Number.NEGATIVE_INFINITY)
      if (known === undefined) life.timers.set(until, timerOf(key))
      entries.put(key, { value, until, timer: known?.timer ?? until })
    },
    delete(key) {
      const known = entries.get(key)
      if (known === undefined) return
      life.timers.cancel(known.timer, timerOf(key))
      entries.delete(key)
    },
    startingWith: prefix =>
      entries
        .startingWith(prefix)
        .filter(([, { until }]) => !life.isOver(until))
        .map(([key, { value }]) => [key, value]),
    due(key, to) {
      const known = entries.get(key)
      if (known === undefined) return
      const { until } = known
      if (until < to) return entries.delete(key)
      life.timers.set(until, timerOf(key))
      entries.put(key, { ...known, timer: until })
    },
  }
}
