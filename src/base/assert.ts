/** Checks for programmer errors: a failure means that millrace itself is wrong, never that its input is. */

/** Throws when `condition` does not hold. `message` says what was assumed. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`millrace: assertion failed: ${message}`)
}

/** Ends an exhaustive switch: the compiler proves that it is not reached. */
export function unreachable(value: never): never {
  throw new Error(`millrace: unreachable value ${JSON.stringify(value)}`)
}
