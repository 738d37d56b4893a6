/**
 * What went wrong first, where `await using` has failed once more on the way out: a log on a full disk, say,
 * that cannot be closed cleanly either.
 */
export function firstFailure(error: unknown): unknown {
  let first = error
  while (first instanceof SuppressedError) first = first.suppressed
  return first
}
