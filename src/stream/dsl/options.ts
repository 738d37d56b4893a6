/** The options that operators of all kinds take. Those of one method are in its file. */

/**
 * Options of every operator. The name identifies the operator's state across changes of the program. Default:
 * the operator's kind and a number.
 */
export interface Named {
  readonly name?: string
}

/** Options of an operator that keeps state. */
export interface Versioned extends Named {
  /**
   * The version of the state's values: a whole number, raised when a changed function makes the old values
   * wrong. State of another version is refused when the app starts. If the version is given, and is the same,
   * the shape of the values may change.
   */
  readonly version?: number
}
