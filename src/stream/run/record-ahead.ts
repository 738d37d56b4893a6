/**
 * The record that pulls time ahead: it moves one partition's time far past that of the others. The effect on
 * windows looks like a fault of the other partitions, so the record is named.
 */
import { durationInWords } from '../../base/index.ts'
import type { SourceTime } from '../task/source-time.ts'
import type { InputPartition } from '../task/input-partition.ts'

const hourMs = 3_600_000

/** A record whose time is far past that of other partitions. */
export interface RecordAhead {
  readonly topic: string
  readonly partition: number
  /** Left out if an earlier run has read the record. */
  readonly offset?: number
  /** Its event time, in ms since the epoch. */
  readonly timestamp: number
  /**
   * How far the partition is past the one with the earliest time, in ms. Only partitions that have had data
   * count.
   */
  readonly aheadMs: number
}

/** The record that is furthest ahead, if it is ahead by more than `beyondMs`. */
export function furthestAhead(inputs: Iterable<InputPartition>, beyondMs: number): RecordAhead | undefined {
  let first: { readonly input: InputPartition; readonly time: SourceTime } | undefined
  let least = Number.POSITIVE_INFINITY
  for (const input of inputs) {
    const { time } = input
    // No record has set the time of the other inputs.
    if (!time || time.isArrival || time.idle || !Number.isFinite(time.watermark)) continue
    least = Math.min(least, time.watermark)
    if (!first || time.watermark > first.time.watermark) first = { input, time }
  }
  if (!first || first.time.watermark - least <= beyondMs) return undefined
  const { input, time } = first
  const { topic, partition } = input
  const offset = time.recordOffset
  return {
    topic,
    partition,
    ...(offset !== undefined && { offset }),
    timestamp: time.latestTimestamp,
    aheadMs: time.watermark - least,
  }
}

/** A sentence about the record. */
export function aheadInWords({ topic, partition, offset, timestamp, aheadMs }: RecordAhead): string {
  const record =
    offset === undefined ? 'a record that an earlier run has read' : `its record at offset ${offset}`
  return (
    `Time is furthest in ${topic}-${partition}: ${record} has the timestamp ${timestamp} (${new Date(timestamp).toISOString()}), ` +
    `${durationInWords(aheadMs - (aheadMs % (aheadMs < hourMs ? 1000 : hourMs)))} past the partition that is furthest behind.`
  )
}
