/** Parses numbers and durations of the command line, and prints counts. */
import { InvalidArgumentError } from 'commander'
import { durationMs, type Duration, isMillraceError } from '../base/index.ts'

/** Parses an argument that counts something: a whole number from 1. */
export function parseCount(text: string): number {
  const count = Number(text)
  if (/^\d+$/.test(text) && Number.isSafeInteger(count) && count > 0) return count
  throw new InvalidArgumentError('Give a whole number from 1.')
}

/** Parses a duration, in ms: digits alone are ms. */
export function parseDuration(text: string): number {
  try {
    return durationMs(/^\d+$/.test(text) ? Number(text) : (text as Duration))
  } catch (error) {
    if (isMillraceError(error)) throw new InvalidArgumentError(error.message)
    throw error
  }
}

const units: Readonly<Record<string, number>> = { '': 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 }

/** Parses a size of memory, at least 1 MiB: `'512MiB'`; digits alone are bytes. */
export function parseBytes(text: string): number {
  const [, digits, unit = ''] = /^(\d+) *(|KiB|MiB|GiB)$/.exec(text) ?? []
  const bytes = Number(digits) * units[unit]!
  if (Number.isSafeInteger(bytes) && bytes >= 2 ** 20) return bytes
  throw new InvalidArgumentError("Give a size of at least 1MiB, as '512MiB' or '2GiB'.")
}

/** `1 record`, `2 records`. */
export function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`
}
