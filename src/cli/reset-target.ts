/** The option `--to` of the commands that move offsets. */
import { InvalidArgumentError, Option } from 'commander'
import type { ResetTarget } from '../port/index.ts'
import { timeOf } from './times.ts'

export function toOption(): Option {
  return new Option(
    '--to <where>',
    "'earliest', 'latest', an offset, or a time such as 2026-01-31T08:00:00Z: the first record at or after it",
  )
    .argParser(target)
    .makeOptionMandatory()
}

function target(text: string): ResetTarget {
  if (text === 'earliest' || text === 'latest') return text
  if (/^\d{1,15}$/.test(text)) return Number(text)
  const timestamp = timeOf(text)
  if (timestamp !== undefined) return { timestamp }
  throw new InvalidArgumentError(
    "Use 'earliest', 'latest', an offset, or a time such as 2026-01-31T08:00:00Z.",
  )
}
