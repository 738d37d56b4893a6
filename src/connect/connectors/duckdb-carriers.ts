/**
 * How values travel into DuckDB: in one of a few *carrier* types that the appender writes fast. Columns of other types (DECIMAL, UUID, …) travel as text, and DuckDB
 * casts on the way from the staging table.
 */
import type { DuckDBAppender } from '@duckdb/node-api'
import { daysOfDate, microsOfInstant } from '../instants.ts'
import { textOf } from '../source.ts'
import type { DuckDBModule } from './duckdb-database.ts'

export interface Carrier {
  /** The SQL type of the staging column. */
  readonly type: string
  /** Whether a value, neither null nor undefined, can travel. */
  fits(value: unknown): boolean
  /** Appends a value that fits. */
  append(to: DuckDBAppender, value: unknown): void
}

type CarrierName =
  | 'BOOLEAN'
  | 'BIGINT'
  | 'DOUBLE'
  | 'VARCHAR'
  | 'JSON'
  | 'TIMESTAMP'
  | 'TIMESTAMPTZ'
  | 'DATE'
  | 'BLOB'

const names: readonly (readonly [RegExp, CarrierName])[] = [
  [/^BOOL/, 'BOOLEAN'],
  [/^(TINYINT|SMALLINT|INTEGER|INT|BIGINT|UTINYINT|USMALLINT|UINTEGER|UBIGINT)\d*$/, 'BIGINT'],
  [/^(FLOAT|REAL|DOUBLE)/, 'DOUBLE'],
  [/^(TIMESTAMPTZ|TIMESTAMP WITH TIME ZONE)$/, 'TIMESTAMPTZ'],
  [/^(TIMESTAMP|DATETIME)/, 'TIMESTAMP'],
  [/^DATE$/, 'DATE'],
  [/^(BLOB|BYTEA)$/, 'BLOB'],
  [/^JSON$/, 'JSON'],
]

/** What values of a column of this SQL type travel in. */
export function carrierOf(module: DuckDBModule, type: string): Carrier {
  const name = names.find(([form]) => form.test(type.toUpperCase()))?.[1] ?? 'VARCHAR'
  const { DuckDBDateValue, DuckDBTimestampTZValue, DuckDBTimestampValue } = module
  switch (name) {
    case 'BOOLEAN':
      return {
        type: name,
        fits: value => typeof value === 'boolean',
        append: (to, value) => to.appendBoolean(value as boolean),
      }
    case 'BIGINT':
      return {
        type: name,
        fits: isInt64,
        append: (to, value) => to.appendBigInt(BigInt(value as number | bigint)),
      }
    case 'DOUBLE':
      return {
        type: name,
        fits: value => typeof value === 'number',
        append: (to, value) => to.appendDouble(value as number),
      }
    case 'TIMESTAMP':
      return {
        type: name,
        fits: value => microsOf(value) !== undefined,
        append: (to, value) => to.appendTimestamp(new DuckDBTimestampValue(microsOf(value)!)),
      }
    case 'TIMESTAMPTZ':
      return {
        type: name,
        fits: value => microsOf(value) !== undefined,
        append: (to, value) => to.appendTimestampTZ(new DuckDBTimestampTZValue(microsOf(value)!)),
      }
    case 'DATE':
      return {
        type: name,
        fits: value => daysOf(value) !== undefined,
        append: (to, value) => to.appendDate(new DuckDBDateValue(daysOf(value)!)),
      }
    case 'BLOB':
      return {
        type: name,
        fits: value => value instanceof Uint8Array,
        append: (to, value) => to.appendBlob(value as Uint8Array),
      }
    case 'JSON':
      return { type: 'VARCHAR', fits: isJson, append: (to, value) => to.appendVarchar(JSON.stringify(value)) }
    case 'VARCHAR':
      return { type: name, fits: () => true, append: (to, value) => to.appendVarchar(plainText(value)) }
  }
}

function isInt64(value: unknown): boolean {
  return Number.isSafeInteger(value) || (typeof value === 'bigint' && BigInt.asIntN(64, value) === value)
}

function isJson(value: unknown): boolean {
  if (typeof value === 'string') return true
  try {
    return JSON.stringify(value) !== undefined
  } catch {
    return false
  }
}

const plainText = (value: unknown): string => (value instanceof Date ? value.toISOString() : textOf(value))

/** Numbers are milliseconds since the epoch, text is ISO 8601; a schema may have made a Date of either. */
function microsOf(value: unknown): bigint | undefined {
  const ms = value instanceof Date ? value.getTime() : value
  if (typeof ms === 'string') return microsOfInstant(ms)
  return Number.isSafeInteger(ms) ? BigInt(ms as number) * 1000n : undefined
}

/** The same, for the day it is in UTC. */
function daysOf(value: unknown): number | undefined {
  if (typeof value === 'string') return daysOfDate(value)
  const ms = value instanceof Date ? value.getTime() : value
  return Number.isSafeInteger(ms) ? Math.floor((ms as number) / 86_400_000) : undefined
}
