/** What the program of the invariant must give, computed naively from all events at once. */
import {
  alignedRows,
  asOf,
  exchangedSessionRows,
  inTime,
  lastOfRows,
  type OracleRecord,
  sessionRows,
  slidingRows,
  tableOf,
  withWatermarks,
} from '../stream/oracle.ts'
import {
  daily,
  type Event,
  hourly,
  isHigh,
  keyFor,
  lately,
  matchMs,
  nameOf,
  near,
  outOfOrderness,
  type program,
  quietMs,
  remembered,
  soFar,
  storms,
} from './invariant-program.ts'

type Partitions = readonly (readonly Event[])[]

/** By output of the program, what it holds in the end: the last value and its time, by key. */
export function expectedRows(
  partitions: Partitions,
  events: readonly Event[],
): Record<keyof ReturnType<typeof program>['outputs'], ReadonlyMap<string, unknown>> {
  const byKey = (record: OracleRecord): string => record.key
  const byOther = (record: OracleRecord): string => (record as Event).other
  const hours = alignedRows(partitions, outOfOrderness, hourly, byOther)
  const negative = partitions.map(some =>
    some.map(event => ({ ...event, key: keyFor(event.other), value: -event.value })),
  )
  return {
    cogrouped: tableOf(
      exchangedSessionRows([...partitions, ...negative], outOfOrderness, storms, byKey),
      'final',
    ),
    sums: tableOf(alignedRows(partitions, outOfOrderness, hourly, byKey), 'final'),
    counts: tableOf(alignedRows(partitions, outOfOrderness, daily, byOther), 'final', all => all.length),
    others: tableOf(hours, 'final'),
    sessions: tableOf(sessionRows(partitions, outOfOrderness, storms), 'final'),
    exchanged: tableOf(exchangedSessionRows(partitions, outOfOrderness, storms, byOther), 'final'),
    slid: tableOf(slidingRows(partitions, outOfOrderness, lately, byOther), 'final'),
    grown: tableOf(alignedRows(partitions, outOfOrderness, soFar, byKey), 'final'),
    days: lastOfRows(hours, daily),
    joined: joinedRows(events),
    groups: groupedRows(events),
    pairs: pairedRows(partitions),
    shares: sharedRows(events),
    held: sumsByKey(events),
    quiet: quietRows(partitions),
    asked: tableOf(alignedRows(partitions, outOfOrderness, hourly, byKey), 'final'),
    matched: matchedRows(partitions),
    dated: datedRows(partitions),
  }
}

/** How often each event has met each other one whose other key is its own, or none. */
function pairedRows(partitions: Partitions): Map<string, unknown> {
  const taken = inTime(partitions, outOfOrderness, near.allowedLateness)
  const rows = new Map<string, readonly [count: number, timestamp: number]>()
  const met = (one: Event, other?: Event): void => {
    const pair = JSON.stringify(
      `${nameOf(one, one.timestamp)} ${other ? nameOf(other, other.timestamp) : 'null'}`,
    )
    const [count] = rows.get(pair) ?? [0]
    rows.set(pair, [count + 1, Math.max(one.timestamp, other?.timestamp ?? 0)])
  }
  for (const one of taken) {
    const matches = taken.filter(
      ({ other, timestamp }) =>
        keyFor(other) === one.key &&
        timestamp >= one.timestamp - near.before &&
        timestamp <= one.timestamp + near.after,
    )
    for (const other of matches) met(one, other)
    if (matches.length === 0) met(one)
  }
  return rows
}

/** The sums by either key, with the latest timestamp in them. */
function joinedRows(events: readonly Event[]): Map<string, unknown> {
  const rows = new Map<string, readonly [sums: (number | null)[], timestamp: number]>()
  for (const { key: byKey, other, value, timestamp } of events)
    for (const [side, key] of [keyFor(other), byKey].entries()) {
      const [known, latest] = rows.get(JSON.stringify(key)) ?? [[null, null], timestamp]
      const sums = known.map((sum, n) => (n === side ? (sum ?? 0) + value : sum))
      rows.set(JSON.stringify(key), [sums, Math.max(latest, timestamp)])
    }
  return rows
}

/** The sums by key, in groups by their rest: what they add up to, and the latest timestamp in them. */
function groupedRows(events: readonly Event[]): Map<string, unknown> {
  const sums = new Map<string, { sum: number; latest: number }>()
  const groups = new Map<string, readonly [all: number, timestamp: number]>()
  const move = (sum: number, by: number, timestamp: number): void => {
    const [all, latest] = groups.get(`${sum % 3}`) ?? [0, timestamp]
    groups.set(`${sum % 3}`, [all + by, Math.max(latest, timestamp)])
  }
  for (const { key, value, timestamp } of events) {
    const before = sums.get(key)
    const latest = Math.max(before?.latest ?? timestamp, timestamp)
    const sum = (before?.sum ?? 0) + value
    sums.set(key, { sum, latest })
    if (before) move(before.sum, -before.sum, latest)
    move(sum, sum, latest)
  }
  return groups
}

/** The sums by key, with the latest timestamp in them. */
function sumsByKey(events: readonly Event[]): Map<string, readonly [sum: number, timestamp: number]> {
  const sums = new Map<string, readonly [sum: number, timestamp: number]>()
  for (const { key, value, timestamp } of events) {
    const [sum, latest] = sums.get(JSON.stringify(key)) ?? [0, timestamp]
    sums.set(JSON.stringify(key), [sum + value, Math.max(latest, timestamp)])
  }
  return sums
}

/** The sums by key, each with what its group adds up to, and the latest timestamp in both. */
function sharedRows(events: readonly Event[]): Map<string, unknown> {
  const groups = groupedRows(events)
  return new Map(
    Array.from(sumsByKey(events), ([key, [sum, latest]]) => {
      const [all, since] = groups.get(`${sum % 3}`) as [number, number]
      return [key, [[sum, all], Math.max(latest, since)]]
    }),
  )
}

/** Of each key the last match: a high value, the next low one, and the time of that. */
function matchedRows(partitions: Partitions): Map<string, unknown> {
  const rows = new Map<string, readonly [pair: number, timestamp: number]>()
  for (const [key, own] of Map.groupBy(inTime(partitions, outOfOrderness), event => event.key)) {
    let open: Event[] = []
    for (const event of own.toSorted((one, other) => one.timestamp - other.timestamp)) {
      open = open.filter(({ timestamp }) => event.timestamp - timestamp < matchMs)
      if (isHigh(event)) open.push(event)
      else {
        for (const { value } of open)
          rows.set(JSON.stringify(key), [10 * value + event.value, event.timestamp])
        open = []
      }
    }
  }
  return rows
}

/** The sum of each key when it was last silent, by the watermark of its partition. */
function quietRows(partitions: Partitions): Map<string, unknown> {
  const rows = new Map<string, readonly [sum: number, timestamp: number]>()
  for (const events of partitions) {
    const keys = new Map<string, { sum: number; timer: number }>()
    let watermark = Number.NEGATIVE_INFINITY
    const fire = (key: string, { sum, timer }: { sum: number; timer: number }): void => {
      if (timer < watermark) rows.set(JSON.stringify(key), [sum, timer])
    }
    for (const { key, value, timestamp } of events) {
      const state = keys.get(key)
      if (state) fire(key, state)
      keys.set(key, { sum: (state?.sum ?? 0) + value, timer: Math.max(timestamp + quietMs, watermark) })
      watermark = Math.max(watermark, timestamp - outOfOrderness)
    }
    watermark = Number.POSITIVE_INFINITY
    for (const [key, state] of keys) fire(key, state)
  }
  return rows
}

/** Each record with the last value of its key at its time. */
function datedRows(partitions: Partitions): Map<string, unknown> {
  const rowOf = asOf(partitions, outOfOrderness, remembered.history, remembered.allowedLateness)
  const rows = new Map<string, unknown>()
  for (const partition of partitions)
    for (const { record, watermark } of withWatermarks(partition, outOfOrderness)) {
      const { key, value, timestamp } = record
      const row = rowOf(key, timestamp, watermark)
      rows.set(JSON.stringify(`${key} ${timestamp} ${value}`), [[value, row?.value ?? null], timestamp])
    }
  return rows
}
