/**
 * What an aggregate says of the values that it keeps: learned from what it begins with, or stated by the
 * program as a version.
 */
import type { StoredValue } from '../plan/graph.ts'
import type { Aggregation } from '../operators/aggregate.ts'
import { type Shape, shapeOf } from '../operators/value-shape.ts'

/** `version`: stated by the program. */
export function storedValue({ initial }: Aggregation, version: number | undefined): StoredValue {
  return { shape: () => shapeOfInitial(initial), ...(version !== undefined && { version }) }
}

function shapeOfInitial(initial: () => unknown): Shape {
  try {
    return shapeOf(initial())
  } catch {
    return 'any' // it fails at the first record, and says why
  }
}
