/**
 * Windows: how event time is cut into pieces.
 *
 * Semantics: "The Dataflow Model" (Akidau et al., VLDB 2015) for windows, panes and allowed lateness; bounds are `[start, end)` in ms since the
 * epoch. Aligned windows start at multiples of their advance, plus an offset. A session ends at its last record + gap.
 */
import { durationMs, MillraceError, type Duration } from '../base/index.ts'

/** Three thousand years. No timestamp that is let in, with a window's size and lateness on top, is past what a number holds exactly. */
const durationMsMax = 100_000_000_000_000

/** Windows whose bounds depend on the time alone. */
export interface AlignedWindows {
  readonly kind: 'tumbling' | 'hopping'
  readonly sizeMs: number
  /** From the start of one window to that of the next. */
  readonly advanceMs: number
  /** Where windows start, beside multiples of the advance. */
  readonly offsetMs: number
  /** How long after its end, in watermark time, a window still takes records and corrects its result. */
  readonly allowedLatenessMs: number
}

/** Windows that grow with the records in them and end after a gap without any. */
export interface SessionWindows {
  readonly kind: 'session'
  /** The longest time without a record within a session. */
  readonly gapMs: number
  /** As of {@link AlignedWindows.allowedLatenessMs}. */
  readonly allowedLatenessMs: number
}

export type Windows = AlignedWindows | SessionWindows

/** How long windows wait for what is late. */
export interface WindowOptions {
  /** How long after its end, in watermark time, a window still takes records and corrects its result. Default 0: a record that comes after its window's end was passed is late at once. */
  readonly allowedLateness?: Duration
}

/**
 * Fixed windows of `size`, side by side: `[start, end)` in ms since the epoch, from multiples of `size` on, moved by `offset`. As Flink's and Kafka Streams'
 * tumbling windows.
 * @example tumbling('1h', { allowedLateness: '48h' })
 * @throws MillraceError INVALID_DURATION, INVALID_ARGUMENT
 */
export function tumbling(
  size: Duration,
  options: WindowOptions & { readonly offset?: Duration } = {},
): AlignedWindows {
  const sizeMs = positive(size, 'the size of a tumbling window')
  return aligned('tumbling', sizeMs, sizeMs, options)
}

/**
 * Windows of `size` that begin every `advance`; a record is in size / advance of them. Kafka Streams' hopping windows, Flink's sliding ones.
 * @example hopping('1h', '15m')
 * @throws MillraceError INVALID_DURATION; INVALID_ARGUMENT, also for an advance longer than the size
 */
export function hopping(
  size: Duration,
  advance: Duration,
  options: WindowOptions & { readonly offset?: Duration } = {},
): AlignedWindows {
  const sizeMs = positive(size, 'the size of a hopping window')
  const advanceMs = positive(advance, 'the advance of a hopping window')
  if (advanceMs > sizeMs)
    throw new MillraceError(
      'INVALID_ARGUMENT',
      `A hopping window must not advance (${advanceMs} ms) by more than its size (${sizeMs} ms): records between two windows would be in none.`,
    )
  return aligned('hopping', sizeMs, advanceMs, options)
}

/**
 * Sessions: records of one key with `gap` or less between one and the next are in one window.
 * @example session('30m', { allowedLateness: '48h' })
 * @throws MillraceError INVALID_DURATION, INVALID_ARGUMENT
 */
export function session(gap: Duration, options: WindowOptions = {}): SessionWindows {
  return {
    kind: 'session',
    gapMs: positive(gap, 'the gap of a session window'),
    allowedLatenessMs: lateness(options),
  }
}

/** Windows in words, all that makes them what they are: `tumbling 1h from 15m, lateness 2d`. */
export function describeWindows(windows: Windows): string {
  const offset =
    windows.kind !== 'session' && windows.offsetMs > 0 ? ` from ${inWords(windows.offsetMs)}` : ''
  const allowed = windows.allowedLatenessMs > 0 ? `, lateness ${inWords(windows.allowedLatenessMs)}` : ''
  switch (windows.kind) {
    case 'tumbling':
      return `tumbling ${inWords(windows.sizeMs)}${offset}${allowed}`
    case 'hopping':
      return `hopping ${inWords(windows.sizeMs)} every ${inWords(windows.advanceMs)}${offset}${allowed}`
    case 'session':
      return `session gap ${inWords(windows.gapMs)}${allowed}`
  }
}

/** The start of the last window that begins at or before `timestamp`. */
export function lastStart(windows: AlignedWindows, timestamp: number): number {
  const sinceStart = (timestamp - windows.offsetMs) % windows.advanceMs
  return timestamp - (sinceStart < 0 ? sinceStart + windows.advanceMs : sinceStart)
}

function aligned(
  kind: AlignedWindows['kind'],
  sizeMs: number,
  advanceMs: number,
  options: WindowOptions & { readonly offset?: Duration },
): AlignedWindows {
  const offsetMs = options.offset === undefined ? 0 : durationMs(options.offset) % advanceMs
  return { kind, sizeMs, advanceMs, offsetMs, allowedLatenessMs: lateness(options) }
}

function lateness(options: WindowOptions): number {
  return options.allowedLateness === undefined
    ? 0
    : bounded(options.allowedLateness, 'the allowed lateness of a window')
}

function positive(duration: Duration, what: string): number {
  const ms = bounded(duration, what)
  if (!(ms > 0))
    throw new MillraceError('INVALID_ARGUMENT', `${what} must be longer than nothing; got ${duration}.`)
  return ms
}

function bounded(duration: Duration, what: string): number {
  const ms = durationMs(duration)
  if (ms > durationMsMax)
    throw new MillraceError(
      'INVALID_ARGUMENT',
      `${what} is ${duration}; ${inWords(durationMsMax)} is the most, so that times stay exact numbers.`,
    )
  return ms
}

/** A duration as people write it: in the largest unit that it is a whole number of. */
export function inWords(ms: number): string {
  for (const [unit, size] of [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['m', 60_000],
    ['s', 1000],
  ] as const)
    if (ms >= size && ms % size === 0) return `${ms / size}${unit}`
  return `${ms}ms`
}
