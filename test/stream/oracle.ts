/**
 * The expected content of windows, computed naively from the records alone: without state, with no order
 * except that of each partition, always from scratch.
 */
import type {
  AlignedWindows,
  DynamicSessionWindows,
  SessionWindows,
  SlidingWindows,
} from '../../src/stream/index.ts'

export interface OracleRecord {
  readonly key: string
  readonly value: number
  readonly timestamp: number
}

/** The final content of a window of a key. */
export interface OracleRow {
  readonly key: string
  readonly start: number
  readonly end: number
  /** The records in it, in the order of their partitions. */
  readonly records: readonly OracleRecord[]
  /** The largest timestamp in the window: the timestamp of its result under `changes`. */
  readonly latest: number
  /**
   * The last timestamp that can belong to the window: the timestamp of its result under `final`. Of a global
   * window the largest timestamp in it.
   */
  readonly lastInstant: number
}

type Partitions = readonly (readonly OracleRecord[])[]
type Sessions = SessionWindows | DynamicSessionWindows
type KeyOf = (record: OracleRecord) => string

interface Timed {
  readonly timestamp: number
}

/** Each record with the watermark of its partition before it. */
export function withWatermarks<R extends Timed>(
  partition: readonly R[],
  outOfOrderness: number,
): { record: R; watermark: number }[] {
  let watermark = Number.NEGATIVE_INFINITY
  return partition.map(record => {
    const judged = { record, watermark }
    watermark = Math.max(watermark, record.timestamp - outOfOrderness)
    return judged
  })
}

/** The records that their own watermark has not passed by more than the lateness. */
export function inTime<R extends Timed>(
  partitions: readonly (readonly R[])[],
  outOfOrderness: number,
  allowedLatenessMs: number = 0,
): R[] {
  return partitions
    .flatMap(partition => withWatermarks(partition, outOfOrderness))
    .filter(({ record, watermark }) => watermark <= record.timestamp + allowedLatenessMs)
    .map(({ record }) => record)
}

/**
 * The record of a key that a table with history has at a time, for a stream's record with this watermark;
 * undefined if there is none, or none any more.
 */
export function asOf<R extends OracleRecord>(
  table: readonly (readonly R[])[],
  outOfOrderness: number,
  historyMs: number,
  allowedLatenessMs: number,
): (key: string, timestamp: number, watermark: number) => R | undefined {
  const accepted = inTime(table, outOfOrderness, allowedLatenessMs)
  return (key, timestamp, watermark) => {
    if (watermark > timestamp + historyMs + allowedLatenessMs) return undefined
    let found: R | undefined
    for (const change of accepted)
      if (change.key === key && change.timestamp <= timestamp && change.timestamp >= (found?.timestamp ?? 0))
        found = change
    return found
  }
}

/** Per key and window, every record that is not late for that window. */
export function alignedRows(
  partitions: Partitions,
  outOfOrderness: number,
  windows: AlignedWindows,
  keyOf: KeyOf,
): OracleRow[] {
  const rows = new Map<string, OracleRow>()
  for (const partition of partitions)
    for (const { record, watermark } of withWatermarks(partition, outOfOrderness))
      for (const [start, end] of windowsAround(record.timestamp, windows)) {
        const lastInstant = end - 1
        if (watermark > lastInstant + windows.allowedLatenessMs) continue
        const key = keyOf(record)
        const id = `${start} ${end} ${key}`
        const { records, latest } = rows.get(id) ?? { records: [], latest: record.timestamp }
        rows.set(id, {
          key,
          start,
          end,
          records: [...records, record],
          latest: Math.max(latest, record.timestamp),
          lastInstant,
        })
      }
  return [...rows.values()]
}

/** Global windows: all records of each key, however late. */
export function globalRows(partitions: Partitions, keyOf: KeyOf): OracleRow[] {
  return [...Map.groupBy(partitions.flat(), keyOf)].map(([key, records]) => {
    const latest = Math.max(...records.map(({ timestamp }) => timestamp))
    return { key, start: 0, end: 8_640_000_000_000_001, records, latest, lastInstant: latest }
  })
}

/** The windows that hold a time. */
function windowsAround(
  timestamp: number,
  { kind, sizeMs, advanceMs, offsetMs }: AlignedWindows,
): (readonly [start: number, end: number])[] {
  const isCumulative = kind === 'cumulative'
  const unit = isCumulative ? sizeMs : advanceMs
  const found: (readonly [number, number])[] = []
  for (let start = offsetMs - sizeMs * unit; start <= timestamp; start += unit)
    for (let end = start + (isCumulative ? advanceMs : sizeMs); end <= start + sizeMs; end += advanceMs)
      if (timestamp < end) found.push([start, end])
  return found
}

/**
 * Sessions if all records of a key are in one partition. A record joins the sessions near it whose last
 * instant its watermark has not passed by more than the lateness. It is late if it joins none
 * and would be too late alone.
 */
export function sessionRows(partitions: Partitions, outOfOrderness: number, windows: Sessions): OracleRow[] {
  const endOf = endsOf(windows)
  const rows: OracleRow[] = []
  for (const partition of partitions) {
    const live = new Map<string, OracleRecord[][]>()
    for (const { record, watermark } of withWatermarks(partition, outOfOrderness)) {
      const expiry = (cluster: readonly OracleRecord[]): number =>
        Math.max(...cluster.map(endOf)) + windows.allowedLatenessMs
      const clusters = live.get(record.key) ?? []
      const near = clusters.filter(
        cluster =>
          expiry(cluster) >= watermark &&
          cluster.some(one => one.timestamp <= endOf(record) && record.timestamp <= endOf(one)),
      )
      if (near.length === 0 && watermark > expiry([record])) continue
      live.set(record.key, [...clusters.filter(cluster => !near.includes(cluster)), [...near.flat(), record]])
    }
    for (const [key, clusters] of live)
      for (const cluster of clusters) rows.push(sessionOf(key, cluster, endOf))
  }
  return rows
}

/**
 * Sliding windows: all records that their own watermark has not passed by more than the lateness, in each
 * window that ends at one of them or starts right after one.
 */
export function slidingRows(
  partitions: Partitions,
  outOfOrderness: number,
  { sizeMs, allowedLatenessMs }: SlidingWindows,
  keyOf: KeyOf,
): OracleRow[] {
  const rows: OracleRow[] = []
  for (const [key, records] of Map.groupBy(inTime(partitions, outOfOrderness, allowedLatenessMs), keyOf))
    for (const end of new Set(records.flatMap(({ timestamp }) => [timestamp, timestamp + 1 + sizeMs]))) {
      const start = end - sizeMs
      const held = records.filter(({ timestamp }) => timestamp >= start && timestamp <= end)
      if (held.length === 0) continue
      const latest = Math.max(...held.map(({ timestamp }) => timestamp))
      rows.push({
        key,
        start,
        end,
        records: held,
        latest,
        lastInstant: end,
      })
    }
  return rows
}

/**
 * Sessions behind an exchange: all records that their own watermark has not passed by more than the lateness,
 * from any partition.
 */
export function exchangedSessionRows(
  partitions: Partitions,
  outOfOrderness: number,
  windows: Sessions,
  keyOf: KeyOf,
): OracleRow[] {
  const endOf = endsOf(windows)
  const inOrder = inTime(partitions, outOfOrderness, windows.allowedLatenessMs).toSorted(
    (a, b) => a.timestamp - b.timestamp,
  )
  const rows: OracleRow[] = []
  for (const [key, records] of Map.groupBy(inOrder, keyOf)) {
    let cluster: OracleRecord[] = []
    for (const record of records) {
      if (record.timestamp > Math.max(...cluster.map(endOf)) && cluster.length > 0) {
        rows.push(sessionOf(key, cluster, endOf))
        cluster = []
      }
      cluster.push(record)
    }
    rows.push(sessionOf(key, cluster, endOf))
  }
  return rows
}

/** How long a session lasts after each record. */
function endsOf(windows: Sessions): EndOf {
  return record =>
    record.timestamp + ('gapMs' in windows ? windows.gapMs : windows.gapOf(record as never, {} as never))
}

type EndOf = (record: OracleRecord) => number

function sessionOf(key: string, records: readonly OracleRecord[], endOf: EndOf): OracleRow {
  const times = records.map(({ timestamp }) => timestamp)
  const latest = Math.max(...times)
  const end = Math.max(...records.map(endOf))
  return {
    key,
    start: Math.min(...times),
    end,
    records,
    latest,
    lastInstant: end,
  }
}

/** The final content of a topic of results: value and timestamp by key. Default: the sums. */
export function tableOf<T = number>(
  rows: readonly OracleRow[],
  policy: 'final' | 'changes',
  valueOf?: (records: readonly OracleRecord[]) => T,
): Map<string, readonly [value: T | number, timestamp: number]> {
  return new Map(
    rows.map(({ key, start, end, records, latest, lastInstant }) => [
      JSON.stringify({ key, start, end }),
      [(valueOf ?? sumOf)(records), policy === 'final' ? lastInstant : latest] as const,
    ]),
  )
}

function sumOf(records: readonly OracleRecord[]): number {
  return records.reduce((sum, { value }) => sum + value, 0)
}

/**
 * Windows over final results, of which they keep the last value: by key and window of `windows`, the sums of
 * the rows whose last instant is in the window.
 */
export function lastOfRows(
  rows: readonly OracleRow[],
  windows: AlignedWindows,
): Map<string, readonly [sums: Record<string, number>, timestamp: number]> {
  const found = new Map<string, readonly [Record<string, number>, number]>()
  for (const { key, start: inner, end: innerEnd, records, lastInstant } of rows)
    for (const [start, end] of windowsAround(lastInstant, windows)) {
      const id = JSON.stringify({ key, start, end })
      found.set(id, [{ ...found.get(id)?.[0], [`${inner}-${innerEnd}`]: sumOf(records) }, end - 1])
    }
  return found
}
