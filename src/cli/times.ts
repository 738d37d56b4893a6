/** Times on the command line. */

const form = /^(\d{4}-\d\d-\d\d)(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)?)?$/

/**
 * Milliseconds since the epoch of an ISO 8601 time; undefined for anything else, and for times before 1970.
 * Without a zone it is in UTC, wherever the command runs.
 *
 * `Date.parse` alone is not enough: it takes '-1' for a day in 2001, the 30th of February for the 2nd of
 * March, and a time without a zone for local time.
 */
export function timeOf(text: string): number | undefined {
  const [, day, zone] = form.exec(text) ?? []
  if (day === undefined || !isDay(day)) return undefined
  const timestamp = Date.parse(zone === undefined && text !== day ? `${text}Z` : text)
  return timestamp >= 0 ? timestamp : undefined
}

function isDay(day: string): boolean {
  const midnight = new Date(`${day}T00:00Z`)
  return !Number.isNaN(midnight.getTime()) && midnight.toISOString().startsWith(day)
}
