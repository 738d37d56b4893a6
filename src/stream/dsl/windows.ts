/**
 * The functions that declare windows: `tumbling`, `hopping`, `cumulative`, `session`, `sliding`, `global`.
 * Their semantics are described in operators/windows.ts.
 */
import { checkOptions, durationInWords, MillraceError, type Duration } from '../../base/index.ts'
import { timestampMax } from '../../port/index.ts'
import { checkTimeZone } from '../operators/calendar.ts'
import type { RecordContext } from '../operators/record.ts'
import type {
  AlignedWindows,
  DynamicSessionWindows,
  SessionWindows,
  SlidingWindows,
  WindowTime,
} from '../operators/windows.ts'
import { latenessMs, positiveMs, signedMs } from './durations.ts'

/** Windows that one record may be in: each of them is a row to update. */
const windowsPerRecordMax = 10_000
const dayMs = 86_400_000

/** How long windows wait for late records. */
export interface WindowOptions {
  /**
   * How far the watermark may have passed a window's last instant (`end - 1`, of a session `last + gap`,
   * of a sliding window `end`) while the window still takes records and corrects its result. Default 0: a
   * record is late for a window as soon as the watermark has passed the window's last instant.
   */
  readonly allowedLateness?: Duration
}

/** How long windows wait for late records, and by which time records are in them. */
export interface TimedWindowOptions extends WindowOptions {
  /**
   * `'processing'`: the time of a record is that of the wall clock when the windows take it. No record is
   * late, so there is no allowed lateness. Windows that ended while the app did not run fire when it runs
   * again. Default `'event'`.
   */
  readonly time?: WindowTime
}

/** Where windows begin. */
export interface AlignedWindowOptions extends TimedWindowOptions {
  /**
   * Moves the starts of all windows, also back: `'-8h'`. Default: windows start at multiples of their
   * advance, cumulative ones of their size, since 1970-01-01 00:00.
   */
  readonly offset?: Duration
}

/** Where tumbling windows begin. */
export interface TumblingOptions extends AlignedWindowOptions {
  /**
   * An IANA time zone, such as `'Europe/Berlin'`: windows are whole days there, from midnight to midnight,
   * with 23 or 25 hours when the clocks change. A day whose midnight the clocks skip starts right after the
   * skip. Only for a size in whole days. Default: days of UTC.
   */
  readonly timeZone?: string
}

/**
 * Fixed windows of `size`, side by side: `[start, end)` in ms since the epoch, from multiples of `size` on,
 * moved by `offset`. As Flink's and Kafka Streams' tumbling windows.
 * @example tumbling('1h', { allowedLateness: '48h' })
 * @example tumbling('1d', { timeZone: 'Europe/Berlin' })
 * @throws MillraceError INVALID_DURATION; INVALID_ARGUMENT, also for a time zone that is unknown or is given
 *   with a size that is not in whole days
 */
export function tumbling(size: Duration, options: TumblingOptions = {}): AlignedWindows {
  const sizeMs = positiveMs(size, 'the size of a tumbling window')
  checkOptions('the tumbling window', options, { ...alignedOptions, timeZone: 'string' })
  const { timeZone } = options
  const windows = aligned('tumbling', sizeMs, sizeMs, sizeMs, options)
  if (timeZone === undefined) return windows
  if (sizeMs % dayMs !== 0)
    throw new MillraceError(
      'INVALID_ARGUMENT',
      `A tumbling window of ${durationInWords(sizeMs)} cannot follow the days of time zone '${timeZone}': give it a size in whole days, ` +
        "or leave out timeZone and move the windows with { offset: '30m' }.",
    )
  checkTimeZone(timeZone)
  return { ...windows, timeZone }
}

/**
 * Windows of `size` that begin every `advance`; a record is in size / advance of them, 10,000 at most. Kafka
 * Streams' hopping windows, Flink's sliding ones. An advance longer than the size takes a sample: records
 * between two windows belong to none, and are counted as `not-sampled`.
 * @example hopping('1h', '15m')
 * @throws MillraceError INVALID_DURATION; INVALID_ARGUMENT, also for more than 10,000 windows for each record
 */
export function hopping(
  size: Duration,
  advance: Duration,
  options: AlignedWindowOptions = {},
): AlignedWindows {
  const sizeMs = positiveMs(size, 'the size of a hopping window')
  const advanceMs = positiveMs(advance, 'the advance of a hopping window')
  checkOptions('the hopping window', options, alignedOptions)
  checkWindowsPerRecord('Hopping', sizeMs, advanceMs)
  return aligned('hopping', sizeMs, advanceMs, advanceMs, options)
}

/** How cumulative windows grow, and where they begin. */
export interface CumulativeOptions extends AlignedWindowOptions {
  /** The length of the longest window. The next ones start when it ends. */
  readonly size: Duration
  /** How much longer each window is than the one before. The size must be a multiple of it. */
  readonly step: Duration
}

/**
 * Windows with a common start, of which each is one `step` longer than the one before, up to `size`: the sums
 * of a day so far, each hour. A record is in every window that ends after it, in 10,000 at most. As Flink's
 * CUMULATE; Kafka Streams has none.
 * @example cumulative({ size: '1d', step: '1h' })
 * @throws MillraceError INVALID_DURATION; INVALID_ARGUMENT, also for a size that the step does not divide,
 *   and for more than 10,000 windows for each record
 */
export function cumulative(options: CumulativeOptions): AlignedWindows {
  checkOptions('the cumulative window', options, { ...alignedOptions, size: 'any', step: 'any' })
  const { size, step } = { ...options }
  const sizeMs = positiveMs(size, 'the size of a cumulative window')
  const stepMs = positiveMs(step, 'the step of a cumulative window')
  if (sizeMs % stepMs !== 0)
    throw new MillraceError(
      'INVALID_ARGUMENT',
      `A cumulative window of ${durationInWords(sizeMs)} cannot grow in steps of ${durationInWords(stepMs)}: its size must be a multiple of its step.`,
    )
  checkWindowsPerRecord('Cumulative', sizeMs, stepMs)
  return aligned('cumulative', sizeMs, stepMs, sizeMs, options)
}

function checkWindowsPerRecord(kind: 'Hopping' | 'Cumulative', sizeMs: number, advanceMs: number): void {
  const each = Math.ceil(sizeMs / advanceMs)
  if (each > windowsPerRecordMax)
    throw new MillraceError(
      'INVALID_ARGUMENT',
      `${kind} windows of ${durationInWords(sizeMs)} every ${durationInWords(advanceMs)} put each record into ${each} windows; at most ${windowsPerRecordMax} are possible. ` +
        `Let them advance by ${durationInWords(Math.ceil(sizeMs / windowsPerRecordMax))} or more.`,
    )
}

/**
 * Sessions: records of one key with `gap` or less between one and the next are in one window.
 * @example session('30m', { allowedLateness: '48h' })
 * @throws MillraceError INVALID_DURATION, INVALID_ARGUMENT
 */
export function session(gap: Duration, options?: TimedWindowOptions): SessionWindows
/**
 * Sessions in which each record says how long a gap may follow it (Flink's dynamic gap). A session ends at
 * the latest of these instants. A record joins the sessions that it falls into, and those that begin within
 * its gap. A function that returns an invalid duration, or none, fails the record.
 * @example session((login: Login) => (login.isMobile ? '5m' : '30m'))
 */
export function session<V>(
  gap: (value: V, record: RecordContext) => Duration,
  options?: TimedWindowOptions,
): DynamicSessionWindows<V>
export function session<V>(
  gap: Duration | ((value: V, record: RecordContext) => Duration),
  options: TimedWindowOptions = {},
): SessionWindows | DynamicSessionWindows<V> {
  const fixed =
    typeof gap === 'function'
      ? { gapOf: (value: V, record: RecordContext) => positiveMs(gap(value, record), gapInWords) }
      : { gapMs: positiveMs(gap, gapInWords) }
  checkOptions('the session window', options, timedOptions)
  return { kind: 'session', ...fixed, ...timed(options) }
}

const gapInWords = 'the gap of a session window'

/**
 * Look-back windows: one for each distinct set of records of a key that are `size` or less apart. A window
 * ends at each record, and one starts 1 ms after each record if any record is in it; both bounds are
 * included. Kafka Streams' `SlidingWindows`; Flink has none.
 * @example sliding('5m', { allowedLateness: '1h' })
 * @throws MillraceError INVALID_DURATION, INVALID_ARGUMENT
 */
export function sliding(size: Duration, options: WindowOptions = {}): SlidingWindows {
  const sizeMs = positiveMs(size, 'the size of a sliding window')
  checkOptions('the sliding window', options, lateOptions)
  return { kind: 'sliding', sizeMs, allowedLatenessMs: latenessMs(options) }
}

/**
 * One window for each key, which holds all of its records, however late. It is complete at the end of time:
 * of a run `until: 'end'`, when the input has ended. So it is for policies of `emit` that give results before
 * that. Their timestamps are the largest in the window; windows over them are refused. Flink's
 * `GlobalWindows`, Kafka Streams' `UnlimitedWindows`.
 * @example grouped.windowedBy(global()).count().emit({ everyRecords: 100 })
 */
export function global(...options: readonly never[]): AlignedWindows {
  if (options.length > 0)
    throw new MillraceError('INVALID_ARGUMENT', 'global() takes no options: no record is late for it.')
  const sizeMs = timestampMax + 1
  return { kind: 'global', sizeMs, advanceMs: sizeMs, offsetMs: 0, allowedLatenessMs: 0, time: 'event' }
}

const lateOptions = { allowedLateness: 'duration' } as const
const timedOptions = { ...lateOptions, time: ['event', 'processing'] } as const
const alignedOptions = { ...timedOptions, offset: 'any' } as const

function aligned(
  kind: AlignedWindows['kind'],
  sizeMs: number,
  advanceMs: number,
  /** Starts are at multiples of this, moved by the offset. */
  unitMs: number,
  options: AlignedWindowOptions,
): AlignedWindows {
  const moved = signedMs(options.offset ?? 0, 'the offset of a window') % unitMs
  const offsetMs = moved < 0 ? moved + unitMs : moved + 0
  return { kind, sizeMs, advanceMs, offsetMs, ...timed(options) }
}

/** The time of windows, and the lateness that they allow. */
function timed(options: TimedWindowOptions): { allowedLatenessMs: number; time: WindowTime } {
  const { time = 'event' } = options
  const allowedLatenessMs = latenessMs(options)
  if (time === 'processing' && allowedLatenessMs > 0)
    throw new MillraceError(
      'INVALID_ARGUMENT',
      "Windows with time: 'processing' cannot allow lateness: no record is late by the wall clock. Leave out one of the two.",
    )
  return { allowedLatenessMs, time }
}
