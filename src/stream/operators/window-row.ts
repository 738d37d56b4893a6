/** The row of a key in a window: the aggregate, and the largest timestamp in it, which updates carry. */
export interface Row<A> {
  readonly value: A
  readonly timestamp: number
}
