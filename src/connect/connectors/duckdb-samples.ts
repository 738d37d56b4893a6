/**
 * Sample values tell whether a column can hold any value of a schema's type. If it cannot, the column is
 * wrong, and not each record.
 */
import type { ColumnType } from '../../schema/index.ts'
import type { Carrier } from './duckdb-carriers.ts'

/** Chosen so that one fits each type that takes any value of the kind. */
const samples: Record<Exclude<ColumnType, 'json'>, readonly unknown[]> = {
  boolean: [true],
  integer: [1, 1n],
  double: [1, 0.5],
  varchar: ['', '1', '1970-01-01', '1970-01-01T00:00:00Z', '00:00', '00000000-0000-0000-0000-000000000000'],
  timestamp: [new Date(0), '1970-01-01T00:00:00Z'],
  date: ['1970-01-01'],
}

/** @param own texts that the column's type defines: those of an ENUM */
export function mayHold(carrier: Carrier, holds: ColumnType, own: readonly string[]): boolean {
  if (holds === 'json') return true
  const texts = holds === 'varchar' ? own : []
  return [...samples[holds], ...texts].some(value => carrier.convert(value) !== undefined)
}
