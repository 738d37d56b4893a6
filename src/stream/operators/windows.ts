/**
 * Windows: how event time is cut into pieces.
 *
 * Semantics: "The Dataflow Model" (Akidau et al., VLDB 2015) for windows, panes and allowed lateness. A
 * window is `[start, end)` in ms since the epoch, a global one from the first timestamp to the last; a
 * session is `[start, last + gap]`, or ends with the latest of its gaps if each record has its own; a sliding
 * window is `[end - size, end]`. The **last instant** of a window is the last timestamp that can belong to
 * it: `end - 1`, of a session and of a sliding window `end`.
 * A window is complete when the watermark has passed its last instant. It is forgotten when the watermark has
 * passed that by the allowed lateness; a sliding window later (sliding-windows.ts). A record at exactly the
 * watermark is not late. docs/time.md shows all of it in pictures.
 */
import { durationInWords } from '../../base/index.ts'
import type { RecordContext } from './record.ts'

/** How far the clocks of a time zone may move within one window. */
const clockShiftMsMax = 2 * 3_600_000

/** The time by which records are in windows. */
export type WindowTime = 'event' | 'processing'

/** Windows whose bounds depend on the time alone. */
export interface AlignedWindows {
  readonly kind: 'tumbling' | 'hopping' | 'cumulative' | 'global'
  /**
   * With a time zone the nominal size: a day has 24 hours here, and 23 to 25 in fact. Of a global window all
   * of time: it is a tumbling one that holds every timestamp.
   */
  readonly sizeMs: number
  /** From the start of one window to that of the next; of cumulative windows from end to end. */
  readonly advanceMs: number
  /**
   * How far starts are after multiples of the advance, of cumulative windows of the size: 0 or more, and
   * less than it.
   */
  readonly offsetMs: number
  /** The IANA time zone whose days the windows are; undefined for windows of a fixed length. */
  readonly timeZone?: string | undefined
  /**
   * How far the watermark may have passed a window's last instant while the window still takes records and
   * corrects its result.
   */
  readonly allowedLatenessMs: number
  /** `'processing'`: the wall clock when the operator takes a record. */
  readonly time: WindowTime
}

/** Windows that grow with the records in them and end after a gap without any. */
export interface SessionWindows {
  readonly kind: 'session'
  /** The longest time without a record within a session. */
  readonly gapMs: number
  /** As {@link AlignedWindows.allowedLatenessMs}. */
  readonly allowedLatenessMs: number
  readonly time: WindowTime
}

/** Sessions in which each record, with a value of type V, says how long a gap may follow it. */
export interface DynamicSessionWindows<V = never> {
  readonly kind: 'session'
  /** The gap after a record, in ms. */
  readonly gapOf: (value: V, record: RecordContext) => number
  /** As {@link AlignedWindows.allowedLatenessMs}. */
  readonly allowedLatenessMs: number
  readonly time: WindowTime
}

/** A window of one size for each distinct set of records in it. */
export interface SlidingWindows {
  readonly kind: 'sliding'
  /** The longest time between two records in one window. */
  readonly sizeMs: number
  /** As {@link AlignedWindows.allowedLatenessMs}. */
  readonly allowedLatenessMs: number
}

/** Windows of any kind, of records with values of type V. */
export type Windows<V = unknown> = AlignedWindows | SessionWindows | DynamicSessionWindows<V> | SlidingWindows

/** Windows in words, with everything that defines them: `tumbling 1h from 15m, lateness 2d`. */
export function describeWindows(windows: Windows<never>): string {
  const offset =
    'offsetMs' in windows && windows.offsetMs > 0 ? ` from ${durationInWords(windows.offsetMs)}` : ''
  const allowed =
    windows.allowedLatenessMs > 0
      ? `, lateness ${durationInWords(windows.allowedLatenessMs)}`
      : isByClock(windows)
        ? ', by processing time'
        : ''
  switch (windows.kind) {
    case 'tumbling': {
      const zone = windows.timeZone === undefined ? '' : ` in ${windows.timeZone}`
      return `tumbling ${durationInWords(windows.sizeMs)}${offset}${zone}${allowed}`
    }
    case 'hopping':
      return `hopping ${durationInWords(windows.sizeMs)} every ${durationInWords(windows.advanceMs)}${offset}${allowed}`
    case 'cumulative':
      return `cumulative ${durationInWords(windows.sizeMs)} in steps of ${durationInWords(windows.advanceMs)}${offset}${allowed}`
    case 'global':
      return 'global'
    case 'session':
      return `session gap ${'gapMs' in windows ? durationInWords(windows.gapMs) : 'by record'}${allowed}`
    case 'sliding':
      return `sliding ${durationInWords(windows.sizeMs)}${allowed}`
  }
}

/** Whether records are in windows by processing time. */
export function isByClock(windows: Windows<never>): boolean {
  return 'time' in windows && windows.time === 'processing'
}

/**
 * How late a record may be that windows take, and so how late their results may come. A global window takes
 * all records, and its results carry the largest timestamp in it, which the watermark may have passed by any
 * time. Windows by processing time have nothing to do with the watermark.
 */
export function latenessOfWindows(windows: Windows<never>): number {
  const isUnbounded = windows.kind === 'global' || isByClock(windows)
  return isUnbounded ? Number.POSITIVE_INFINITY : windows.allowedLatenessMs
}

/**
 * The lateness that windows over the results of `emit('changes')` must allow. Such a result carries the
 * largest timestamp in its window, which may be this much before the window's last instant. A record that
 * changes a sliding window is judged by its own time, which is no later. The gap after a record of a dynamic
 * session has no bound.
 */
export function latenessOfChanges(windows: Windows<never>): number {
  const allowedLatenessMs = latenessOfWindows(windows)
  if (windows.kind === 'session')
    return allowedLatenessMs + ('gapMs' in windows ? windows.gapMs : Number.POSITIVE_INFINITY)
  if (windows.kind === 'sliding') return allowedLatenessMs
  return allowedLatenessMs + windows.sizeMs + (windows.timeZone === undefined ? 0 : clockShiftMsMax)
}
