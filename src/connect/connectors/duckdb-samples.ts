/**
 * Whether any value that a schema tells of can go into a column: if none can, that is the fault of the
 * column, and of no record.
 */
import type { ColumnType } from '../../schema/index.ts'
import type { Carrier } from './duckdb-carriers.ts'

/** Such that of a type that takes any value of the kind, one fits. */
const samples: Record<Exclude<ColumnType, 'json'>, readonly unknown[]> = {
  boolean: [true],
  integer: [1, 1n],
  double: [1, 0.5],
  varchar: ['', '1', '1970-01-01', '1970-01-01T00:00:00Z', '00:00', '00000000-0000-0000-0000-000000000000'],
  timestamp: [new Date(0), '1970-01-01T00:00:00Z'],
  date: ['1970-01-01'],
}

/** @param own texts that the column's type names itself: those of an ENUM */
export function mayHold(carrier: Carrier, holds: ColumnType, own: readonly string[]): boolean {
  if (holds === 'json') return true
  const texts = holds === 'varchar' ? own : []
  return [...samples[holds], ...texts].some(value => carrier.convert(value) !== undefined)
}
