/** The times that records may have: ms since the epoch, as far as a `Date` goes. */

/** The latest one. A window's end after it is still an exact number. */
export const timestampMax = 8_640_000_000_000_000

/** Whether it is the time of a record: a whole number of milliseconds from 1970 to the year 275760. */
export function isTimestamp(timestamp: unknown): boolean {
  return (
    Number.isSafeInteger(timestamp) && (timestamp as number) >= 0 && (timestamp as number) <= timestampMax
  )
}
