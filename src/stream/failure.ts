/** A failure on its way out of a chain of operators: it remembers the innermost operator that it came through. */
export class OperatorFailure extends Error {
  readonly operator: string

  static of(operator: string, error: unknown): OperatorFailure {
    return error instanceof OperatorFailure ? error : new OperatorFailure(operator, error)
  }

  constructor(operator: string, cause: unknown) {
    super(`operator '${operator}' failed: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    })
    this.operator = operator
  }
}
