/** Where aligned windows start and end: multiples of a duration, or days of a time zone. */
import { Calendar } from './calendar.ts'
import type { AlignedWindows } from './windows.ts'

/** The bounds of aligned windows. All of them are whole ms since the epoch. */
export interface WindowGrid {
  /** The start of the first window that ends after `timestamp`; it may start after it, too. */
  firstStart(timestamp: number): number
  /** The start of the window after the one that starts at `start`. */
  next(start: number): number
  /** The end of the window that starts at `start`. */
  endOf(start: number): number
  /**
   * Windows that start before the result have ended when the watermark is `watermark`, and no others.
   * Infinite for an infinite watermark.
   */
  endedBelow(watermark: number): number
  /** The smallest end after `watermark`, a finite one. */
  nextEnd(watermark: number): number
}

export function gridOf(windows: AlignedWindows): WindowGrid {
  return windows.timeZone === undefined ? fixedGrid(windows) : calendarGrid(windows, windows.timeZone)
}

function fixedGrid({ sizeMs, advanceMs, offsetMs }: AlignedWindows): WindowGrid {
  /** The start of the last window that begins at or before `timestamp`. */
  const lastStart = (timestamp: number): number => {
    const sinceStart = (timestamp - offsetMs) % advanceMs
    return timestamp - (sinceStart < 0 ? sinceStart + advanceMs : sinceStart)
  }
  const firstStart = (timestamp: number): number => lastStart(timestamp - sizeMs) + advanceMs
  return {
    firstStart,
    next: start => start + advanceMs,
    endOf: start => start + sizeMs,
    endedBelow: watermark => (Number.isFinite(watermark) ? watermark - sizeMs + 1 : watermark),
    nextEnd: watermark => firstStart(watermark) + sizeMs,
  }
}

function calendarGrid({ sizeMs, offsetMs }: AlignedWindows, timeZone: string): WindowGrid {
  const calendar = new Calendar(timeZone, sizeMs, offsetMs)
  const after = (instant: number): number => calendar.start(calendar.indexOf(instant) + 1)
  return {
    firstStart: timestamp => calendar.start(calendar.indexOf(timestamp)),
    next: after,
    endOf: after,
    endedBelow: watermark =>
      Number.isFinite(watermark) ? calendar.start(calendar.indexOf(watermark)) : watermark,
    nextEnd: after,
  }
}
