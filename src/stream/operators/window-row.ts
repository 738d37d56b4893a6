/**
 * What a window keeps per key: its aggregate, and the largest timestamp in it, which an update of it carries.
 */
export interface Row {
  readonly value: unknown
  readonly timestamp: number
}
