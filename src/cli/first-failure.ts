/**
 * The first error, if `await using` has failed once more on the way out: a log on a full disk may also fail
 * to close.
 */
export function firstFailure(error: unknown): unknown {
  let first = error
  while (first instanceof SuppressedError) first = first.suppressed
  return first
}
