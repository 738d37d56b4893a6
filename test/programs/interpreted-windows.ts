/** What aggregates in windows mean: the windows of the reference interpreter. */
import { added, atTheEnd, type Event, type Keyed, largest } from './interpreted-events.ts'
import { functions, type WindowsOperation } from './program.ts'

/** A window of a key, with all records that it has taken, in the order in which they came. */
interface Window {
  readonly start: number
  readonly end: number
  readonly lastInstant: number
  readonly value: number | null
  readonly latest: number
}

/** The end of global windows. */
const endOfTime = 8_640_000_000_000_001

/** The results, by `emit`: a change for each record, or the windows at the end. */
export function inWindows(records: readonly Keyed[], operation: WindowsOperation): Event[] {
  const taken = operation.isLateByItself
    ? records.filter(({ timestamp, watermark }) => watermark <= timestamp + operation.lateness)
    : records
  const keys = Map.groupBy(taken, ({ key }) => key)
  return [...keys].flatMap(([key, ofKey]): Event[] => {
    let windows: readonly Window[] = []
    const changes = ofKey.flatMap(record => {
      const change = {
        sliding: slide,
        session: joinSession,
        tumbling: align,
        hopping: align,
        global: alwaysOne,
      }[operation.kind]
      const { after, changed } = change(windows, record, operation, ofKey)
      const before = windows
      windows = after
      return changed.map((window, n) => ({
        ...record,
        key: named(key, window),
        value: window.value,
        previous:
          before.find(({ start, end }) => start === window.start && end === window.end)?.value ?? null,
        timestamp: window.latest,
        path: [...record.path, n],
      }))
    })
    if (operation.emit === 'changes') return changes
    return windows
      .filter(({ value }) => value !== null)
      .map(window => ({
        ...ofKey[0]!,
        key: named(key, window),
        value: window.value,
        previous: null,
        timestamp: window.lastInstant,
        // Late nowhere.
        watermark: Number.NEGATIVE_INFINITY,
        path: atTheEnd,
      }))
  })
}

function named(key: string, { start, end }: Window): string {
  return `${key}@${start}-${end}`
}

/** The windows after a record, and those that it has changed, in order. */
interface Outcome {
  readonly after: readonly Window[]
  readonly changed: readonly Window[]
}

/** Tumbling and hopping windows: all that hold the time of the record, if they are not over for it. */
function align(windows: readonly Window[], record: Keyed, operation: WindowsOperation): Outcome {
  const { size, advance, lateness, op, n } = operation
  const first = Math.floor(record.timestamp / advance) * advance
  const starts = []
  for (let start = first; start > record.timestamp - size; start -= advance)
    if (record.watermark <= start + size - 1 + lateness) starts.unshift(start)
  const changed = starts.map(start => {
    const before = windows.find(window => window.start === start)
    return {
      start,
      end: start + size,
      lastInstant: start + size - 1,
      value: added(op, before?.value ?? null, record.value, n),
      latest: Math.max(record.timestamp, before?.latest ?? record.timestamp),
    }
  })
  return replacing(windows, changed)
}

/** One window, which holds all records. */
function alwaysOne(windows: readonly Window[], record: Keyed, { op, n }: WindowsOperation): Outcome {
  const [before] = windows
  const value = added(op, before?.value ?? null, record.value, n)
  const latest = Math.max(record.timestamp, before?.latest ?? record.timestamp)
  return replacing(windows, [{ start: 0, end: endOfTime, lastInstant: endOfTime, value, latest }])
}

/** The windows with the changed ones; a window whose aggregate is null is as if it had never been. */
function replacing(windows: readonly Window[], changed: readonly Window[]): Outcome {
  const isChanged = ({ start, end }: Window): boolean =>
    changed.some(window => window.start === start && window.end === end)
  const wasThere = ({ start, end }: Window): boolean =>
    windows.some(window => window.start === start && window.end === end)
  return {
    after: [
      ...windows.filter(window => !isChanged(window)),
      ...changed.filter(({ value }) => value !== null),
    ],
    changed: changed.filter(window => window.value !== null || wasThere(window)),
  }
}

/** The record joins all sessions near it that are not over for it. */
function joinSession(sessions: readonly Window[], record: Keyed, operation: WindowsOperation): Outcome {
  const { size: gap, lateness, op, n } = operation
  const { timestamp, watermark } = record
  const near = sessions
    .filter(
      ({ start, end, lastInstant }) =>
        timestamp >= start - gap && timestamp <= end && watermark <= lastInstant + lateness,
    )
    .toSorted((a, b) => a.start - b.start)
  if (near.length === 0 && watermark > timestamp + gap + lateness) return { after: sessions, changed: [] }
  const both = (a: number | null, b: number | null): number | null => {
    if (a === null || b === null) return a ?? b
    if (op === 'topN') return largest(a, b)
    return op === 'count' ? a + b : op === 'reduce' ? functions.add(a, b, n) : functions.merge(a, b)
  }
  const latest = Math.max(timestamp, ...near.map(session => session.latest))
  const grown = {
    start: Math.min(timestamp, ...near.map(({ start }) => start)),
    end: latest + gap,
    lastInstant: latest + gap,
    value: added(
      op,
      near.reduce<number | null>((all, { value }) => both(all, value), null),
      record.value,
      n,
    ),
    latest,
  }
  const gone = near.filter(({ start, end }) => start !== grown.start || end !== grown.end)
  const others = sessions.filter(session => !near.includes(session))
  return {
    after: grown.value === null ? others : [...others, grown],
    changed: [
      ...gone.map(session => ({ ...session, value: null })),
      ...(grown.value === null && gone.length === near.length ? [] : [grown]),
    ],
  }
}

/** Sliding windows: those of all sets of records so far. */
function slide(
  windows: readonly Window[],
  record: Keyed,
  operation: WindowsOperation,
  ofKey: readonly Keyed[],
): Outcome {
  const { size, op, n } = operation
  const soFar = ofKey.slice(0, ofKey.indexOf(record) + 1)
  const ends = new Set(soFar.flatMap(({ timestamp }) => [timestamp, timestamp + 1 + size]))
  const all = [...ends]
    .toSorted((a, b) => a - b)
    .flatMap((end): Window[] => {
      const start = end - size
      const held = soFar.filter(({ timestamp }) => timestamp >= start && timestamp <= end)
      if (held.length === 0) return []
      const value = held.reduce<number | null>((sum, each) => added(op, sum, each.value, n), null)
      const latest = Math.max(...held.map(({ timestamp }) => timestamp))
      return [{ start, end, lastInstant: end, value, latest }]
    })
  const isNew = ({ start }: Window): boolean => !windows.some(window => window.start === start)
  return {
    after: all,
    changed: all.filter(
      window => isNew(window) || (record.timestamp >= window.start && record.timestamp <= window.end),
    ),
  }
}
