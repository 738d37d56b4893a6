/** Durations that a program passes, in ms: within the bounds of exact numbers. */
import { type Duration, durationInWords, durationMs, inWords, MillraceError } from '../../base/index.ts'

/**
 * Three thousand years. So an accepted timestamp plus a window's size and lateness is still an exact number.
 */
const durationMsMax = 100_000_000_000_000

/** A duration that may be negative: `'-8h'` or -28_800_000. */
export function signedMs(duration: Duration, what: string): number {
  if (typeof duration === 'number') return duration < 0 ? -bounded(-duration, what) : bounded(duration, what)
  if (typeof duration !== 'string')
    throw new MillraceError(
      'INVALID_DURATION',
      `Invalid duration ${inWords(duration)} for ${what}: use milliseconds, or text such as '6h' or '-8h'.`,
    )
  const text = duration.trim()
  return text.startsWith('-') ? -bounded(text.slice(1) as Duration, what) : bounded(duration, what)
}

/** The allowed lateness of these options, in ms. Default 0. */
export function latenessMs(options: { readonly allowedLateness?: Duration }): number {
  return options.allowedLateness === undefined ? 0 : bounded(options.allowedLateness, 'the allowed lateness')
}

/** A duration in ms, greater than 0. */
export function positiveMs(duration: Duration, what: string): number {
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
      `${what} is ${duration}; ${durationInWords(durationMsMax)} is the most, so that times stay exact numbers.`,
    )
  return ms
}
