/**
 * What the runs of a pattern have taken, shared: runs that begin alike have one history up to where they
 * part, and an event is stored once. A link is an event under a step's name, and the link before it. Links
 * and events count who refers to them, and are deleted with their last reference.
 *
 * State: `links` and `events`, namespace 0, key and number → the link, the event (entries.ts).
 */
import { lasting } from './entries.ts'
import type { OperatorContext } from './operator.ts'

interface Link {
  readonly name: string
  readonly event: number
  readonly before: number | null
  readonly uses: number
}

interface StoredEvent {
  readonly value: unknown
  readonly uses: number
}

/** An event in a history. */
export interface TakenEvent {
  readonly name: string
  /** Its number: the order of the key's events. */
  readonly event: number
  readonly value: unknown
}

export interface SharedHistory {
  /** A link `number`, which the caller uses: it takes an event after the link `before`. */
  add(rawKey: string, number: number, link: TakenEvent, before: number | null): void
  /** One more user of a link. */
  use(rawKey: string, number: number): void
  /** One user less. */
  release(rawKey: string, number: number): void
  /** The events up to a link, in order. */
  upTo(rawKey: string, number: number | null): TakenEvent[]
}

export function sharedHistory(context: OperatorContext): SharedHistory {
  const links = lasting(context.state<Link>('links'))
  const events = lasting(context.state<StoredEvent>('events'))
  const keyOf = (rawKey: string, number: number): string => `${number}:${rawKey}`

  const useLink = (rawKey: string, number: number): void => {
    const link = links.get(keyOf(rawKey, number))!
    links.put(keyOf(rawKey, number), { ...link, uses: link.uses + 1 })
  }
  return {
    add(rawKey, number, { name, event, value }, before) {
      if (before !== null) useLink(rawKey, before)
      const uses = events.get(keyOf(rawKey, event))?.uses ?? 0
      events.put(keyOf(rawKey, event), { value, uses: uses + 1 })
      links.put(keyOf(rawKey, number), { name, event, before, uses: 1 })
    },
    use: useLink,
    release(rawKey, number) {
      for (let at: number | null = number; at !== null;) {
        const link: Link = links.get(keyOf(rawKey, at))!
        if (link.uses > 1) return links.put(keyOf(rawKey, at), { ...link, uses: link.uses - 1 })
        links.delete(keyOf(rawKey, at))
        const { value, uses } = events.get(keyOf(rawKey, link.event))!
        if (uses > 1) events.put(keyOf(rawKey, link.event), { value, uses: uses - 1 })
        else events.delete(keyOf(rawKey, link.event))
        at = link.before
      }
    },
    upTo(rawKey, number) {
      const found: TakenEvent[] = []
      for (let at = number; at !== null;) {
        const { name, event, before }: Link = links.get(keyOf(rawKey, at))!
        found.push({ name, event, value: events.get(keyOf(rawKey, event))!.value })
        at = before
      }
      return found.toReversed()
    },
  }
}
