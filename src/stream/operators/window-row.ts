/**
 * What a window keeps per key: its aggregate, and the largest timestamp in it, which an update of it carries.
 */
export interface Row<A> {
  readonly value: A
  readonly timestamp: number
}
