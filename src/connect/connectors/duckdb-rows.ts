/**
 * Converts DuckDB's values to rows of a program.
 *
 * SQL converts values to types that JavaScript and JSON hold: BIGINT to DOUBLE, times to epoch milliseconds,
 * dates, decimals and UUIDs to text, nested values to JSON. So DuckDB returns only numbers, booleans, text
 * and bytes.
 *
 * A value that a kind cannot hold (a whole number beyond 2^53, an infinity, a date of another era) is a
 * **misfit**: null after the conversion and not before. One more column has the texts of a row's misfits as
 * DuckDB writes them, and is null in rows without any.
 */
import type { DuckDBBlobValue, DuckDBDataChunk } from '@duckdb/node-api'
import { rowMaker, type Column, type ColumnKind } from '../columns.ts'
import { Inexact, parseExactly } from '../exact-json.ts'
import { BadRow, textOf } from '../source.ts'

const small = new Set(['TINYINT', 'SMALLINT', 'INTEGER', 'UTINYINT', 'USMALLINT', 'UINTEGER'])
const large = new Set(['BIGINT', 'HUGEINT'])
const largeUnsigned = new Set(['UBIGINT', 'UHUGEINT'])
const textual = new Set([
  'VARCHAR',
  'UUID',
  'ENUM',
  'DECIMAL',
  'TIME',
  'TIME WITH TIME ZONE',
  'TIME_NS',
  'INTERVAL',
  'HUGEINT',
  'UHUGEINT',
  'BIGNUM',
  'BIT',
  '"NULL"',
])
const nested = /\[\d*\]$|^(STRUCT|MAP|UNION|LIST|ARRAY)\b|^JSON$/
/** `to_json` writes a VARIANT, at any depth, as a text that is not JSON. */
const variant = /\bVARIANT(?=[),[])/

/** `DECIMAL(10,2)` is a DECIMAL. */
const family = (type: string): string => (nested.test(type) ? 'NESTED' : type.replace(/\(.*$/s, ''))

/** The default kind of a DuckDB type; undefined if no kind holds it. */
export function kindOfType(type: string): ColumnKind | undefined {
  const found = family(type)
  if (small.has(found) || found === 'BIGINT' || found === 'UBIGINT') return 'integer'
  if (found === 'FLOAT' || found === 'DOUBLE') return 'number'
  if (found === 'BOOLEAN') return 'boolean'
  if (found === 'DATE') return 'date'
  if (found === 'BLOB' || found === 'GEOMETRY') return 'bytes'
  if (found === 'NESTED') return variant.test(type) ? undefined : 'json'
  if (found.startsWith('TIMESTAMP')) return 'timestamp'
  return textual.has(found) ? 'string' : undefined
}

/** The conversion of a column's values. */
export interface Conversion {
  /** The SQL of the converted value. */
  readonly sql: string
  /** Whether it can be null although the column is not. */
  readonly hasMisfits: boolean
}

const always = (sql: string): Conversion => ({ sql, hasMisfits: false })
const where = (condition: string, sql: string): Conversion => ({
  sql: `CASE WHEN ${condition} THEN ${sql} END`,
  hasMisfits: true,
})

/**
 * The conversion of the column `name` from DuckDB's `type` to `kind`; undefined if the kind cannot hold the
 * type.
 */
export function conversionOf(name: string, type: string, kind: ColumnKind): Conversion | undefined {
  const found = family(type)
  switch (kind) {
    case 'integer':
      return small.has(found) ? always(name) : wholeNumber(name, found)
    case 'number':
      if (small.has(found)) return always(name)
      if (found === 'FLOAT' || found === 'DOUBLE')
        return where(`isfinite(${name})`, `CAST(${name} AS DOUBLE)`)
      return found === 'DECIMAL' ? decimalNumber(name, type) : wholeNumber(name, found)
    case 'boolean':
      return found === 'BOOLEAN' ? always(name) : undefined
    case 'timestamp':
      return found.startsWith('TIMESTAMP') ? instant(name, found) : undefined
    case 'date':
      return found === 'DATE'
        ? where(`${name} BETWEEN DATE '0001-01-01' AND DATE '9999-12-31'`, `CAST(${name} AS VARCHAR)`)
        : undefined
    case 'string':
      return textual.has(found) ? always(`CAST(${name} AS VARCHAR)`) : undefined
    case 'bytes':
      if (found === 'GEOMETRY') return always(`ST_AsWKB(${name})`)
      return found === 'BLOB' ? always(name) : undefined
    case 'json':
      if (type === 'JSON') return always(`CAST(${name} AS VARCHAR)`)
      return found === 'NESTED' && !variant.test(type)
        ? always(`CAST(to_json(${name}) AS VARCHAR)`)
        : undefined
  }
}

function wholeNumber(name: string, found: string): Conversion | undefined {
  const safe = Number.MAX_SAFE_INTEGER
  if (large.has(found)) return where(`${name} BETWEEN -${safe} AND ${safe}`, `CAST(${name} AS DOUBLE)`)
  return largeUnsigned.has(found) ? where(`${name} <= ${safe}`, `CAST(${name} AS DOUBLE)`) : undefined
}

/** Through text: DuckDB's cast of wide decimals does not give the nearest double. */
function decimalNumber(name: string, type: string): Conversion {
  const [, width = '38', scale = '0'] = /\((\d+),\s*(\d+)\)/.exec(type) ?? []
  const number = Number(width) <= 15 ? `CAST(${name} AS DOUBLE)` : `CAST(CAST(${name} AS VARCHAR) AS DOUBLE)`
  if (Number(width) - Number(scale) <= 15) return always(number)
  return where(`abs(${number}) < ${Number.MAX_SAFE_INTEGER + 1} OR ${name} <> trunc(${name})`, number)
}

/** The bounds of a Date in milliseconds, and of DuckDB in nanoseconds; its infinities are outside. */
const instantMsMax = 8_640_000_000_000_000n
const instantNsMax = 9_223_372_036_854_000_000n

/** Epoch milliseconds, rounded down: also before 1970, where SQL's division rounds up. */
function instant(name: string, found: string): Conversion {
  const [unit, perMs, most] =
    found === 'TIMESTAMP_NS' ? ['ns', 1_000_000n, instantNsMax] : ['us', 1000n, instantMsMax * 1000n]
  const ticks = `epoch_${unit}(${name})`
  const ms = `(${ticks} - CASE WHEN ${ticks} < 0 THEN ${perMs - 1n} ELSE 0 END) // ${perMs}`
  return where(`${ticks} BETWEEN -${most} AND ${most}`, `CAST(${ms} AS DOUBLE)`)
}

/** DuckDB itself cannot write some times. */
const textOfAny = (name: string): string => `coalesce(TRY(CAST(${name} AS VARCHAR)), 'a value out of range')`

/**
 * The SQL of the column with the texts of a row's misfits: a JSON list, by the index of their column. `raw`
 * and `fitting` are the names of the columns before and after the conversion.
 */
export function misfitsOf(
  conversions: readonly Conversion[],
  raw: readonly string[],
  fitting: readonly string[],
): string | undefined {
  const texts = conversions.map(({ hasMisfits }, c) => {
    const isMisfit = `${fitting[c]} IS NULL AND ${raw[c]} IS NOT NULL`
    return hasMisfits ? { isMisfit, text: `CASE WHEN ${isMisfit} THEN ${textOfAny(raw[c]!)} END` } : undefined
  })
  const any = texts.flatMap(found => (found ? [`(${found.isMisfit})`] : []))
  if (any.length === 0) return undefined
  const list = texts.map(found => found?.text ?? 'NULL')
  return `CASE WHEN ${any.join(' OR ')} THEN CAST(to_json([${list.join(', ')}]) AS VARCHAR) END`
}

/**
 * Turns the first columns of a chunk into rows. A row with a misfit is a {@link BadRow}.
 *
 * @param misfits the index of the column of {@link misfitsOf}, if the query has it
 */
export function rowReader(
  columns: readonly Column[],
  misfits: number | undefined,
): (chunk: DuckDBDataChunk) => (Record<string, unknown> | BadRow)[] {
  const makeRows = rowMaker(columns.map(({ name }) => name))
  const checks = columns.map(checkOf)
  return chunk => {
    const bad = new BadRows(columns)
    if (misfits !== undefined) bad.addMisfits(chunk.getColumnValues(misfits) as (string | null)[])
    const values = checks.map((check, c) => {
      const column: unknown[] = chunk.getColumnValues(c)
      check(column, bad)
      return column
    })
    const rows: (Record<string, unknown> | BadRow)[] = makeRows(values, chunk.rowCount)
    bad.putInto(rows, values)
    return rows
  }
}

/** The bad rows of a chunk. */
class BadRows {
  readonly #columns: readonly Column[]
  readonly #reasons = new Map<number, string>()
  /** Texts of misfits, by row and column. */
  readonly #texts = new Map<number, readonly (string | null)[]>()

  constructor(columns: readonly Column[]) {
    this.#columns = columns
  }

  addMisfits(texts: readonly (string | null)[]): void {
    for (let i = 0; i < texts.length; i++) {
      const text = texts[i]!
      if (text === null) continue
      const found = JSON.parse(text) as (string | null)[]
      const c = found.findIndex(one => one !== null)
      const { name, kind } = this.#columns[c]!
      this.#texts.set(i, found)
      this.add(i, `column '${name}' holds ${found[c]}, which is not a safe ${kind}`)
    }
  }

  /** The first reason of a row is kept. */
  add(i: number, reason: string): void {
    if (!this.#reasons.has(i)) this.#reasons.set(i, reason)
  }

  putInto(rows: (Record<string, unknown> | BadRow)[], values: readonly (readonly unknown[])[]): void {
    for (const [i, reason] of this.#reasons) {
      const texts = this.#texts.get(i)
      const fields = this.#columns.map(({ name }, c) => [name, texts?.[c] ?? values[c]![i]] as const)
      rows[i] = new BadRow(reason, textOf(Object.fromEntries(fields)))
    }
  }
}

/** Checks and finishes the values of a column in place. */
type Check = (values: unknown[], bad: BadRows) => void

function checkOf({ name, kind, nullable }: Column): Check {
  const missing = nullable ? undefined : `column '${name}' is null; declare it '${kind}?' if it may be`
  const finish = finisherOf(kind)
  if (finish === undefined)
    return (values, bad) => {
      if (missing !== undefined)
        for (let i = 0; i < values.length; i++) if (values[i] === null) bad.add(i, missing)
    }
  return (values, bad) => {
    for (let i = 0; i < values.length; i++) {
      const value = values[i]
      if (value === null) {
        if (missing !== undefined) bad.add(i, missing)
        continue
      }
      const result = finish(value)
      if (result instanceof Inexact) bad.add(i, `column '${name}' holds ${result.reason}`)
      else values[i] = result
    }
  }
}

/**
 * Finishes a value for the row; {@link Inexact} for one that the kind cannot hold. Undefined: values are used
 * unchanged.
 */
function finisherOf(kind: ColumnKind): ((value: unknown) => unknown) | undefined {
  switch (kind) {
    case 'integer':
    case 'timestamp':
      return smallest
    case 'json':
      return value => parseExactly(value as string)
    case 'bytes':
      return value => Uint8Array.from((value as DuckDBBlobValue).bytes)
    case 'number':
    case 'boolean':
    case 'date':
    case 'string':
      return undefined
  }
}

/** Small numbers become V8's small integers, which are faster than doubles in JSON and comparisons. */
function smallest(value: unknown): unknown {
  const int32 = (value as number) | 0
  return int32 === value ? int32 : value
}
