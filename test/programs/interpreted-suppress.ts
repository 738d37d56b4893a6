/** What `suppress` means: the changes of a table that the reference interpreter holds back. */
import { atTheEnd, compareKeys, type Event, type Path } from './interpreted-events.ts'
import type { SuppressOperation } from './program.ts'

interface Held {
  readonly change: Event
  readonly due: number
}

/**
 * A change replaces the one that is held of its row. It goes out once the watermark has passed the first time
 * of the row by the limit, or with the changes over the bound. With `whenFull`, the first change over the
 * bound ends it: `full` gets its path.
 */
export function suppressed(
  changes: readonly Event[],
  { limit, bound }: SuppressOperation,
  full: (path: Path) => void,
): Event[] {
  const most = 'maxBytes' in bound ? 0 : (bound.maxRecords ?? Number.POSITIVE_INFINITY)
  const held = new Map<string, Held>()
  const given: Event[] = []
  /** Lets the changes go that are due first, while there are any to let go. */
  const release = (mustGo: (first: Held) => boolean): void => {
    for (;;) {
      const [first] = [...held.values()].toSorted(
        (a, b) => a.due - b.due || compareKeys(a.change.key!, b.change.key!),
      )
      if (first === undefined || !mustGo(first)) return
      held.delete(first.change.key!)
      const { value, previous } = first.change
      if (value !== null || previous !== null)
        given.push({ ...first.change, path: [...atTheEnd, given.length] })
    }
  }
  for (const change of changes) {
    release(({ due }) => change.watermark > due)
    const before = held.get(change.key!)
    const due = Math.min(change.timestamp + limit, before?.due ?? Number.POSITIVE_INFINITY)
    held.set(change.key!, { change: { ...change, previous: (before?.change ?? change).previous }, due })
    release(first => change.watermark > first.due)
    if (held.size > most && 'whenFull' in bound) {
      full(change.path)
      return given
    }
    release(() => held.size > most)
  }
  release(() => true)
  return given
}
