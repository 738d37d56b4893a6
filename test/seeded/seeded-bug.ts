/** A bug that our tests must catch, as a small patch of the sources. */
export interface SeededBug {
  readonly name: string
  readonly file: string
  /** Occurs exactly once in the file. */
  readonly find: string
  readonly replace: string
  /** Test files, of which at least one fails. */
  readonly tests: readonly string[]
}
