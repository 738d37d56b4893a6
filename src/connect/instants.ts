/**
 * Times as text: ISO 8601, as in JSON Schema's `date-time` and `date`, and the forms of databases. These have
 * a space for the T, a zone of hours alone (`+02`), after a space, or `UTC`; no seconds; or a date alone,
 * which is its midnight. Without a zone the time is in UTC.
 */

const form =
  /^(\d{4}-\d\d-\d\d)(?:[Tt ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(?: ?([Zz]|[+-]\d\d(?::?\d\d)?|UTC|GMT))?)?$/
const dateForm = /^(\d{4})-(\d\d)-(\d\d)$/

/** Nanoseconds since the epoch; undefined if the text is not a time. */
export function nanosOfInstant(text: string): bigint | undefined {
  const match = form.exec(text)
  if (!match) return undefined
  const [, date = '', hour = '00', minute = '00', second = '00', fraction = '', zone = 'Z'] = match
  const days = daysOfDate(date)
  const zoneSeconds = secondsOfZone(zone)
  if (days === undefined || zoneSeconds === undefined) return undefined
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return undefined
  const seconds = days * 86_400 + Number(hour) * 3600 + Number(minute) * 60 + Number(second) - zoneSeconds
  return BigInt(seconds) * 1_000_000_000n + BigInt(fraction.padEnd(9, '0'))
}

/** Milliseconds since the epoch, rounded towards the past; undefined if the text is not a time. */
export function millisOfInstant(text: string): number | undefined {
  const nanos = nanosOfInstant(text)
  if (nanos === undefined) return undefined
  const millis = nanos / 1_000_000n
  return Number(nanos % 1_000_000n < 0n ? millis - 1n : millis)
}

/** Days since the epoch of `2001-06-14`; undefined if the calendar has no such day. */
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

/** The offset of a zone from UTC; undefined for impossible hours or minutes. */
function secondsOfZone(zone: string): number | undefined {
  const [, sign, hours, minutes = '00'] = /^([+-])(\d\d):?(\d\d)?$/.exec(zone) ?? []
  if (sign === undefined) return 0
  if (Number(hours) > 23 || Number(minutes) > 59) return undefined
  return (sign === '-' ? -1 : 1) * (Number(hours) * 3600 + Number(minutes) * 60)
}
