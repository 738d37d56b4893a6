/**
 * The metadata that an app commits with the offset of an input, as a JSON object: event time, and what the
 * next run must know. The transaction that moves the offset writes it.
 *
 * | field       | beside              | says                                                                  |
 * | ----------- | ------------------- | --------------------------------------------------------------------- |
 * | `watermark` | a source            | the watermark; left out while there is none, and at the end of time   |
 * | `idle`      | a source            | idleness has raised the watermark to this value                       |
 * | `ended`     | a source            | a run until `'end'` has ended here                                    |
 * | `last`      | a source            | the batch that the offset is in or after: its last offset and its CRC |
 * | `upstream`  | an exchange's topic | the watermark of each task upstream (upstream-watermarks.ts)          |
 * | `unfired`   | both                | some results that were due in the instance had not fired              |
 * | `plan`      | both                | the commit was made under a plan; commits of 0.1.0 were not           |
 * | `sent`      | both                | how far exchanges were written (run/exchange-ends.ts)                 |
 * | `reset`     | both                | a reset set the offset; there is no state and no event time           |
 *
 * Metadata that cannot be read is ignored: a tool may have set the offset.
 */
import type { SourceNode } from '../plan/graph.ts'
import type { LastBatch } from './last-batch.ts'
import { inTime, UpstreamWatermarks } from './upstream-watermarks.ts'

/** The fields that this file reads. */
interface Fields {
  readonly watermark?: number
  readonly idle?: true
  readonly ended?: true
  readonly last?: readonly [lastOffset: number, crc: number]
  /** 0.1.0 wrote a list with one text for each task. */
  readonly upstream?: string | readonly string[]
  readonly unfired?: true
}

/** The committed progress of a source partition. */
export interface SourceProgress {
  readonly watermark: number
  readonly idle: boolean
  readonly ended: boolean
  readonly unfired: boolean
  /** Undefined if the commit does not have it, as commits of 0.1.0. */
  readonly last: LastBatch | undefined
}

export function sourceMetadata({ watermark, idle, ended, unfired, last }: SourceProgress): string {
  return textOf({
    ...(Number.isFinite(watermark) && { watermark }),
    ...(idle && { idle }),
    ...(ended && { ended }),
    ...(unfired && { unfired }),
    ...(last && { last: [last.lastOffset, last.crc] }),
  })
}

/** `upstream`: the text of the {@link UpstreamWatermarks}. */
export function exchangeMetadata(upstream: string, unfired: boolean): string {
  return textOf({ upstream, ...(unfired && { unfired }) })
}

/** The progress that a source partition continues from. */
export function sourceProgress(
  { of, topic }: Pick<SourceNode, 'of' | 'topic'>,
  metadata: string | undefined,
): Omit<SourceProgress, 'unfired'> {
  const { watermark, idle = false, ended = false } = fieldsOf(metadata)
  // A run until 'end' continues after a crash: if event time was over, it stays over.
  const isOver = ended || (of === 'table' && !topic.watermark)
  return {
    watermark: watermark ?? (isOver ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY),
    idle,
    ended,
    last: lastBatchIn(metadata),
  }
}

export function lastBatchIn(metadata: string | undefined): LastBatch | undefined {
  const { last } = fieldsOf(metadata)
  return last && { lastOffset: last[0], crc: last[1] }
}

/** The watermark of each task upstream of an exchange, in order. Empty if the metadata does not have them. */
export function upstreamWatermarks(metadata: string | undefined): number[] {
  const { upstream } = fieldsOf(metadata)
  if (typeof upstream === 'string') return UpstreamWatermarks.parse(upstream)
  return Array.isArray(upstream) ? upstream.map(Number) : []
}

/** The least of these watermarks; -Infinity if there are fewer than `tasks`. */
export function exchangeWatermark(metadata: string | undefined, tasks: number): number {
  const known = upstreamWatermarks(metadata)
  return known.length < tasks ? Number.NEGATIVE_INFINITY : inTime(Math.min(...known))
}

/**
 * Whether no more records come: a bounded run ended the source, or every task upstream is at the end of time.
 */
export function hasEnded(metadata: string | undefined): boolean {
  if (fieldsOf(metadata).ended) return true
  const known = upstreamWatermarks(metadata)
  return known.length > 0 && known.every(watermark => watermark === Number.POSITIVE_INFINITY)
}

/** Whether some results that were due had not fired. */
export function hasUnfired(metadata: string | undefined): boolean {
  return fieldsOf(metadata).unfired ?? false
}

/** Adds the mark of a commit that was made under a plan. */
export function withPlanMark(metadata: string): string {
  if (!metadata.startsWith('{')) return metadata
  return `{${planMark}1${metadata === '{}' ? '' : ','}${metadata.slice(1)}`
}

export function hasPlanMark(metadata: string | undefined): boolean {
  return metadata?.includes(planMark) ?? false
}

const planMark = '"plan":'

/** The metadata of an offset that a reset set. */
export const startMetadata = '{"reset":true}'

function textOf(fields: Fields): string {
  return JSON.stringify(fields)
}

function fieldsOf(metadata: string | undefined): Fields {
  if (!metadata) return {}
  try {
    const parsed = JSON.parse(metadata) as unknown
    return typeof parsed === 'object' && parsed !== null ? parsed : {}
  } catch {
    return {}
  }
}
