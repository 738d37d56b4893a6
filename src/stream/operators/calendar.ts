/**
 * The days of a time zone, by the rules that the runtime knows (Intl).
 *
 * A day starts at the first instant whose local time is at or past midnight. That holds also if the clocks
 * skip midnight (Cairo, São Paulo); if they turn back over it, the day starts only once. Days have no gaps
 * and no overlaps, so each instant is in one. A day that a zone has skipped whole (Apia, 30 December 2011) is
 * empty.
 */
import { MillraceError } from '../../base/index.ts'

/** Local time is at most this far from UTC, in ms, with room to spare. */
const offsetMsMax = 16 * 3_600_000
/** Past this the rules of the last day apply, as local time must be a Date, too. */
const dateMsMax = 8_640_000_000_000_000 - 2 * 86_400_000
/** Starts that are cached: as many as a replay of three years needs. */
const keptMax = 1024

/** @throws MillraceError INVALID_ARGUMENT for a time zone that the runtime does not know */
export function checkTimeZone(timeZone: string): void {
  try {
    formatOf(timeZone)
  } catch (error) {
    throw new MillraceError(
      'INVALID_ARGUMENT',
      `Unknown time zone '${timeZone}': use an IANA name such as 'Europe/Berlin', 'America/New_York' or 'UTC'.`,
      { cause: error },
    )
  }
}

/**
 * Pieces of `sizeMs` of local time, a whole number of days, from `offsetMs` on: piece n starts when the
 * clocks of the zone show 1970-01-01 00:00 + n × size + offset.
 */
export class Calendar {
  readonly #sizeMs: number
  readonly #offsetMs: number
  readonly #format: Intl.DateTimeFormat
  readonly #starts = new Map<number, number>()
  /** The piece of the last call: most calls are about the same piece again. */
  #index = 0
  #start: number
  #end: number

  constructor(timeZone: string, sizeMs: number, offsetMs: number) {
    this.#sizeMs = sizeMs
    this.#offsetMs = offsetMs
    this.#format = formatOf(timeZone)
    this.#start = this.start(0)
    this.#end = this.start(1)
  }

  /** The number of the piece that `instant` is in. */
  indexOf(instant: number): number {
    if (instant >= this.#start && instant < this.#end) return this.#index
    let index = Math.floor((instant - this.#offsetMs) / this.#sizeMs)
    while (this.start(index) > instant) index -= 1
    while (this.start(index + 1) <= instant) index += 1
    this.#index = index
    this.#start = this.start(index)
    this.#end = this.start(index + 1)
    return index
  }

  /** When piece `index` starts, which is when the one before it ends. */
  start(index: number): number {
    const known = this.#starts.get(index)
    if (known !== undefined) return known
    if (this.#starts.size >= keptMax) this.#starts.clear()
    const start = this.#firstAt(index * this.#sizeMs + this.#offsetMs)
    this.#starts.set(index, start)
    return start
  }

  /**
   * The first instant at which the clocks show `local` or later, provided that they change at most once
   * within a day and a half.
   */
  #firstAt(local: number): number {
    let before = local - offsetMsMax
    let after = local + offsetMsMax
    const offset = this.#offsetAt(before)
    const offsetAfter = this.#offsetAt(after)
    if (offset === offsetAfter) return local - offset
    while (after - before > 1) {
      const middle = Math.floor((before + after) / 2)
      if (this.#offsetAt(middle) === offset) before = middle
      else after = middle
    }
    // The clocks change at `after`.
    return local - offset < after ? local - offset : Math.max(after, local - offsetAfter)
  }

  /** How far local time is ahead of UTC at `instant`, in ms. */
  #offsetAt(instant: number): number {
    const seconds = Math.floor(Math.max(-dateMsMax, Math.min(dateMsMax, instant)) / 1000) * 1000
    const at: Record<string, number> = {}
    for (const { type, value } of this.#format.formatToParts(seconds)) at[type] = Number(value)
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = at
    return Date.UTC(year, month - 1, day, hour, minute, second) - seconds
  }
}

function formatOf(timeZone: string): Intl.DateTimeFormat {
  return new Intl.DateTimeFormat('en-US-u-ca-iso8601', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  })
}
