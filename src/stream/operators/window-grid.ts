/**
 * Where aligned windows start and end: multiples of a duration, or days of a time zone.
 *
 * A window is told from the others by its **place**, a time that ascends as their ends do: its start, or of
 * cumulative windows, of which several have one start, the start of the last step.
 */
import { Calendar } from './calendar.ts'
import type { AlignedWindows } from './windows.ts'

/** The bounds of aligned windows. All of them are whole ms since the epoch. */
export interface WindowGrid {
  /** The place of the first window that ends after `timestamp`; it may start after it, too. */
  first(timestamp: number): number
  /** The place of the window after the one at `place`. */
  next(place: number): number
  /** The start of the window at `place`. */
  startOf(place: number): number
  /** The end of the window at `place`. */
  endOf(place: number): number
  /**
   * Windows at places before the result have ended when the watermark is `watermark`, and no others. Infinite
   * for an infinite watermark.
   */
  endedBelow(watermark: number): number
  /** The smallest end after `watermark`, a finite one. */
  nextEnd(watermark: number): number
}

export function gridOf(windows: AlignedWindows): WindowGrid {
  if (windows.timeZone !== undefined) return calendarGrid(windows, windows.timeZone)
  return windows.kind === 'cumulative' ? cumulativeGrid(windows) : fixedGrid(windows)
}

type Fixed = Pick<AlignedWindows, 'sizeMs' | 'advanceMs' | 'offsetMs'>

function fixedGrid({ sizeMs, advanceMs, offsetMs }: Fixed): WindowGrid {
  /** The place of the last call: most calls are about the same one again. */
  let known = Number.NaN
  const first = (timestamp: number): number => {
    const before = timestamp - sizeMs
    if (!(before < known && before >= known - advanceMs))
      known = floor(before, advanceMs, offsetMs) + advanceMs
    return known
  }
  return {
    first,
    next: start => start + advanceMs,
    startOf: start => start,
    endOf: start => start + sizeMs,
    endedBelow: watermark => (Number.isFinite(watermark) ? watermark - sizeMs + 1 : watermark),
    nextEnd: watermark => first(watermark) + sizeMs,
  }
}

/** The grid of the steps, each of which ends a window that starts where the size does. */
function cumulativeGrid({ sizeMs, advanceMs, offsetMs }: Fixed): WindowGrid {
  return {
    ...fixedGrid({ sizeMs: advanceMs, advanceMs, offsetMs }),
    startOf: step => floor(step, sizeMs, offsetMs),
  }
}

/** The last multiple of `unitMs`, moved by `offsetMs`, that is at or before `timestamp`. */
function floor(timestamp: number, unitMs: number, offsetMs: number): number {
  const since = (timestamp - offsetMs) % unitMs
  return timestamp - (since < 0 ? since + unitMs : since)
}

function calendarGrid({ sizeMs, offsetMs }: AlignedWindows, timeZone: string): WindowGrid {
  const calendar = new Calendar(timeZone, sizeMs, offsetMs)
  const after = (instant: number): number => calendar.start(calendar.indexOf(instant) + 1)
  return {
    first: timestamp => calendar.start(calendar.indexOf(timestamp)),
    next: after,
    startOf: start => start,
    endOf: after,
    endedBelow: watermark =>
      Number.isFinite(watermark) ? calendar.start(calendar.indexOf(watermark)) : watermark,
    nextEnd: after,
  }
}
