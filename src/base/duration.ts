/** Durations as people write them: `'5m'`, `'1h 30m'`, or a number of milliseconds. */
import { MillraceError } from './errors.ts'
import { inWords } from './in-words.ts'

type Unit = 'ms' | 's' | 'm' | 'h' | 'd' | 'w'

/** Milliseconds, or text such as `'250ms'`, `'30s'`, `'5m'`, `'6h'`, `'2d'`, `'1w'`, `'1h 30m'`. */
export type Duration = number | `${number}${Unit}` | `${number}${Unit} ${string}`

const sizes: Record<Unit, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 }

/** A duration in milliseconds. Throws INVALID_DURATION unless it is a whole, non-negative number of them. */
export function durationMs(duration: Duration): number {
  const ms = typeof duration === 'string' ? parse(duration) : duration
  if (!Number.isSafeInteger(ms) || ms < 0) throw invalid(duration)
  return ms
}

/** A duration as people write it: in the largest unit that it is a whole number of. */
export function durationInWords(ms: number): string {
  for (const [unit, size] of [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['m', 60_000],
    ['s', 1000],
  ] as const)
    if (ms >= size && ms % size === 0) return `${ms / size}${unit}`
  return `${ms}ms`
}

function parse(text: string): number {
  let sum = 0
  for (const part of text.trim().split(/\s+/)) {
    const [, number, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d|w)$/.exec(part) ?? []
    if (number === undefined) throw invalid(text)
    sum += Number(number) * sizes[unit as Unit]
  }
  return Math.round(sum)
}

function invalid(duration: unknown): MillraceError {
  return new MillraceError(
    'INVALID_DURATION',
    `Invalid duration ${typeof duration === 'number' ? `'${duration}'` : inWords(duration)}: use a whole number of milliseconds, or text such as '250ms', '30s', '5m', '6h', '2d' or '1h 30m'.`,
  )
}
