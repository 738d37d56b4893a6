/** Times as text: the ISO 8601 profile that JSON Schema calls `date-time` and `date`, read as UTC where no zone is given. */

const form = /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(Z|z|[+-]\d\d:?\d\d)?$/
const dateForm = /^(\d{4})-(\d\d)-(\d\d)$/

/** Nanoseconds since the epoch; undefined for what is not a time. */
export function nanosOfInstant(text: string): bigint | undefined {
  const match = form.exec(text)
  if (!match) return undefined
  const [, year, month, day, hour, minute, second = '00', fraction = '', zone = 'Z'] = match
  const days = daysOfDate(`${year}-${month}-${day}`)
  if (days === undefined || Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return undefined
  const seconds =
    days * 86_400 + Number(hour) * 3600 + Number(minute) * 60 + Number(second) - zoneSeconds(zone)
  return BigInt(seconds) * 1_000_000_000n + BigInt(fraction.padEnd(9, '0'))
}

/** Milliseconds since the epoch; undefined for what is not a time. What is finer is cut, towards the past. */
export function millisOfInstant(text: string): number | undefined {
  const nanos = nanosOfInstant(text)
  if (nanos === undefined) return undefined
  const millis = nanos / 1_000_000n
  return Number(nanos % 1_000_000n < 0n ? millis - 1n : millis)
}

/** Days since the epoch of `2001-06-14`; undefined for what is no day of the calendar. */
export function daysOfDate(text: string): number | undefined {
  const match = dateForm.exec(text)
  if (!match) return undefined
  const [year, month, day] = [Number(match[1]), Number(match[2]), Number(match[3])]
  const date = new Date(Date.UTC(2000, month - 1, day))
  date.setUTCFullYear(year, month - 1, day)
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day
    ? date.getTime() / 86_400_000
    : undefined
}

function zoneSeconds(zone: string): number {
  if (zone === 'Z' || zone === 'z') return 0
  const sign = zone.startsWith('-') ? -1 : 1
  return sign * (Number(zone.slice(1, 3)) * 3600 + Number(zone.slice(-2)) * 60)
}
