/**
 * From DuckDB's values to rows of a program.
 *
 * The conversion to what JavaScript and JSON hold is made in SQL: BIGINT comes as DOUBLE and is checked to be exact, times as epoch milliseconds,
 * dates, decimals and UUIDs as text, nested values as JSON. So each value that crosses over is a number, a boolean, text or bytes.
 */
import type { DuckDBBlobValue, DuckDBDataChunk } from '@duckdb/node-api'
import { rowMaker, type Column, type ColumnKind } from '../columns.ts'
import { BadRow, textOf } from '../source.ts'

const small = new Set(['TINYINT', 'SMALLINT', 'INTEGER', 'UTINYINT', 'USMALLINT', 'UINTEGER'])
const large = new Set(['BIGINT', 'UBIGINT', 'HUGEINT', 'UHUGEINT'])
const approximate = new Set(['FLOAT', 'DOUBLE', 'DECIMAL'])
const textual = new Set([
  'VARCHAR',
  'UUID',
  'ENUM',
  'DECIMAL',
  'TIME',
  'TIME WITH TIME ZONE',
  'INTERVAL',
  'HUGEINT',
  'UHUGEINT',
  'BIT',
])
const nested = /\[\d*\]$|^(STRUCT|MAP|UNION|LIST|ARRAY)\b|^JSON$/

/** `DECIMAL(10,2)` is a DECIMAL. */
const family = (type: string): string => (nested.test(type) ? 'NESTED' : type.replace(/\(.*$/s, ''))

/** The kind that a column of this DuckDB type has where the program asks for none. */
export function kindOfType(type: string): ColumnKind {
  const found = family(type)
  if (small.has(found) || found === 'BIGINT' || found === 'UBIGINT') return 'integer'
  if (found === 'FLOAT' || found === 'DOUBLE') return 'number'
  if (found === 'BOOLEAN') return 'boolean'
  if (found === 'DATE') return 'date'
  if (found === 'BLOB') return 'bytes'
  if (found === 'NESTED') return 'json'
  return found.startsWith('TIMESTAMP') ? 'timestamp' : 'string'
}

/** The SQL that brings `expression` of DuckDB's `type` over as `kind`; undefined where it does not fit without loss. */
export function converted(expression: string, type: string, kind: ColumnKind): string | undefined {
  const found = family(type)
  const e = `(${expression})`
  switch (kind) {
    case 'integer':
      return small.has(found) ? e : large.has(found) ? `CAST(${e} AS DOUBLE)` : undefined
    case 'number':
      return small.has(found)
        ? e
        : large.has(found) || approximate.has(found)
          ? `CAST(${e} AS DOUBLE)`
          : undefined
    case 'boolean':
      return found === 'BOOLEAN' ? e : undefined
    case 'timestamp':
      return found.startsWith('TIMESTAMP') ? `CAST(epoch_ms(${e}) AS DOUBLE)` : undefined
    case 'date':
      return found === 'DATE' ? `CAST(${e} AS VARCHAR)` : undefined
    case 'string':
      return textual.has(found) ? `CAST(${e} AS VARCHAR)` : undefined
    case 'bytes':
      return found === 'BLOB' ? e : undefined
    case 'json':
      return found === 'NESTED' ? `CAST(to_json(${e}) AS VARCHAR)` : undefined
  }
}

/** Turns the first columns of a chunk into rows; what a column cannot hold makes its row a {@link BadRow}. */
export function rowReader(
  columns: readonly Column[],
): (chunk: DuckDBDataChunk) => (Record<string, unknown> | BadRow)[] {
  const makeRows = rowMaker(columns.map(({ name }) => name))
  const checks = columns.map(checkOf)
  return chunk => {
    const faults = new Map<number, string>()
    const values = checks.map((check, c) => {
      const column: unknown[] = chunk.getColumnValues(c)
      check(column, faults)
      return column
    })
    const rows: (Record<string, unknown> | BadRow)[] = makeRows(values, chunk.rowCount)
    for (const [i, reason] of faults) rows[i] = new BadRow(reason, textOf(rows[i]))
    return rows
  }
}

/** Checks and finishes the values of a column in place, and notes the first fault of a row. */
type Check = (values: unknown[], faults: Map<number, string>) => void

function checkOf({ name, kind, nullable }: Column): Check {
  const finish = finisherOf(kind)
  return (values, faults) => {
    for (let i = 0; i < values.length; i++) {
      const value = values[i]
      if (value === null) {
        if (!nullable) note(faults, i, `column '${name}' is null; declare it '${kind}?' if it may be`)
        continue
      }
      const result = finish(value)
      if (result === undefined)
        note(faults, i, `column '${name}' holds ${textOf(value)}, which is not a safe ${kind}`)
      else values[i] = result
    }
  }
}

/** What goes into the row; undefined for a value that the kind does not hold. */
function finisherOf(kind: ColumnKind): (value: unknown) => unknown {
  switch (kind) {
    case 'integer':
    case 'timestamp':
      return wholeNumber
    case 'number':
      return value => (Number.isFinite(value) ? value : undefined)
    case 'json':
      return value => JSON.parse(value as string)
    case 'bytes':
      return value => Uint8Array.from((value as DuckDBBlobValue).bytes)
    case 'boolean':
    case 'date':
    case 'string':
      return value => value
  }
}

/** Small numbers leave as V8's small integers, which JSON and comparisons are quicker with than with doubles. */
function wholeNumber(value: unknown): number | undefined {
  const int32 = (value as number) | 0
  if (int32 === value) return int32
  return Number.isSafeInteger(value) ? (value as number) : undefined
}

function note(faults: Map<number, string>, i: number, reason: string): void {
  if (!faults.has(i)) faults.set(i, reason)
}
