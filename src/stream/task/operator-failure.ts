import { messageOf } from '../../base/index.ts'

/**
 * A failure on its way out of a chain of operators: it remembers the innermost operator that it came through.
 */
export class OperatorFailure extends Error {
  readonly operator: string

  static of(operator: string, error: unknown): OperatorFailure {
    return error instanceof OperatorFailure ? error : new OperatorFailure(operator, error)
  }

  constructor(operator: string, cause: unknown) {
    const why = messageOf(cause)
    const advice = isChangeOfFrozen(cause)
      ? '. Values that come from state, or go to several branches, are frozen: return a new one, as ({ ...value, n: 1 })'
      : ''
    super(`operator '${operator}' failed: ${why}${advice}`, { cause })
    this.operator = operator
  }
}

/** Recognized by the messages of V8 and JavaScriptCore: the language has no code for such errors. */
function isChangeOfFrozen(cause: unknown): boolean {
  return (
    cause instanceof TypeError &&
    /read[ -]?only|not extensible|non-extensible|Cannot delete property|Cannot redefine|that the state of the app shares/i.test(
      cause.message,
    )
  )
}
