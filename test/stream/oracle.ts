/**
 * What windows must hold, worked out naively from the records alone: no state, no order but that of each partition, everything from scratch.
 */
import type { AlignedWindows, SessionWindows } from '../../src/stream/index.ts'

export interface OracleRecord {
  readonly key: string
  readonly value: number
  readonly timestamp: number
}

/** Each record with the watermark of its partition as it stood before it. */
export function withWatermarks<R extends OracleRecord>(
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

/** The sum per key and window, over every record that is not late for that window. */
export function alignedSums(
  partitions: readonly (readonly OracleRecord[])[],
  outOfOrderness: number,
  { sizeMs, advanceMs, allowedLatenessMs }: AlignedWindows,
  keyOf: (record: OracleRecord) => string,
): Map<string, number> {
  const sums = new Map<string, number>()
  for (const partition of partitions)
    for (const { record, watermark } of withWatermarks(partition, outOfOrderness))
      for (let start = -sizeMs * advanceMs; start <= record.timestamp; start += advanceMs) {
        const end = start + sizeMs
        if (record.timestamp >= end || watermark >= end + allowedLatenessMs) continue
        const id = JSON.stringify({ key: keyOf(record), start, end })
        sums.set(id, (sums.get(id) ?? 0) + record.value)
      }
  return sums
}

/**
 * The sum per key and session, where all records of a key are in one partition: a record meets the sessions near it whose last instant (last + gap) its watermark has
 * not passed by more than the lateness, and is late when it meets none and would be too late alone.
 */
export function sessionSums(
  partitions: readonly (readonly OracleRecord[])[],
  outOfOrderness: number,
  { gapMs, allowedLatenessMs }: SessionWindows,
): Map<string, number> {
  const sums = new Map<string, number>()
  const emit = (key: string, records: readonly OracleRecord[]): void => {
    const times = records.map(({ timestamp }) => timestamp)
    const id = JSON.stringify({ key, start: Math.min(...times), end: Math.max(...times) + gapMs })
    sums.set(
      id,
      records.reduce((sum, { value }) => sum + value, 0),
    )
  }
  for (const partition of partitions) {
    const live = new Map<string, OracleRecord[][]>()
    for (const { record, watermark } of withWatermarks(partition, outOfOrderness)) {
      const expiry = (cluster: readonly OracleRecord[]): number =>
        Math.max(...cluster.map(({ timestamp }) => timestamp)) + gapMs + allowedLatenessMs
      const clusters = live.get(record.key) ?? []
      const near = clusters.filter(
        cluster =>
          expiry(cluster) >= watermark &&
          cluster.some(({ timestamp }) => Math.abs(timestamp - record.timestamp) <= gapMs),
      )
      if (near.length === 0 && watermark > expiry([record])) continue
      live.set(record.key, [...clusters.filter(cluster => !near.includes(cluster)), [...near.flat(), record]])
    }
    for (const [key, clusters] of live) for (const cluster of clusters) emit(key, cluster)
  }
  return sums
}
