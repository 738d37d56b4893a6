/**
 * The query over a Parquet file.
 *
 * ```
 * SELECT c0, c1, …, texts of what does not fit, n                     -- crosses over
 * FROM (SELECT *, conversions AS c0, c1, … FROM (
 *   SELECT x0, x1, …, n FROM (
 *     SELECT columns and expressions AS x0, x1, …, order AS k0, k1, …, file_row_number AS n FROM file WHERE …)
 *   ORDER BY k0, k1, …, n))
 * ```
 *
 * DuckDB keeps the order of a subquery (https://duckdb.org/docs/stable/sql/dialect/order_preservation). So a
 * sort moves only the file's own values: converting before the sort took half as long again. All names of the
 * query begin with `millrace_`, since expressions see them too.
 */
import type { DuckDBConnection } from '@duckdb/node-api'
import { createHash } from 'node:crypto'
import { MillraceError, nearestName } from '../../base/index.ts'
import { columnOf, columnsInWords, type Column, type ColumnKind, type ColumnSpecs } from '../columns.ts'
import { firstLine, quoted } from './duckdb-database.ts'
import { conversionOf, kindOfType, misfitsOf, type Conversion } from './duckdb-rows.ts'
import type { ParquetFile } from './parquet-file.ts'
import { rowNumber, type FileColumn, type Relation } from './parquet-relation.ts'

/** The program's SQL. */
export interface Expressions {
  readonly select: Readonly<Record<string, string | undefined>>
  readonly where: string | undefined
  readonly orderBy: readonly string[]
}

/** The name of a row's column within the query, before its conversion. */
const rawName = (c: number): string => `millrace_x${c}`

/** A column of the rows. */
export interface Output extends Column {
  readonly type: string
  /** Its source, for the fingerprint of the query. */
  readonly origin: string
  /** The SQL of its source. */
  readonly sql: string
  readonly conversion: Conversion
  /** The file's column, if the source is an unchanged column. */
  readonly of: FileColumn | undefined
}

/**
 * The columns of the rows, after a check that the file has them, with types that fit.
 * @throws MillraceError SCHEMA_MISMATCH
 */
export async function outputsOf(
  connection: DuckDBConnection,
  file: string,
  relation: Relation,
  specs: ColumnSpecs | undefined,
  select: Expressions['select'],
): Promise<Output[]> {
  const names = specs
    ? Object.keys(specs)
    : [...new Set([...relation.columns.map(({ name }) => name), ...Object.keys(select)])]
  checkNames(file, relation, names, select, specs)
  const found = names.map(name => {
    const expression = expressionFor(select, name)
    const of = expression === undefined ? relation.columns.find(column => column.name === name) : undefined
    const sql = expression === undefined ? quoted(of?.alias ?? rowNumber) : expressionOf(expression)
    return { name, of, sql, origin: expression ?? quoted(name) }
  })
  const types = await typesOf(
    connection,
    file,
    relation,
    found.map(({ sql }) => sql),
  )
  const outputs = found.map((output, c) => {
    const type = types[c]!
    const column = specs
      ? columnOf(output.name, specs[output.name]!)
      : { name: output.name, kind: kindOfType(type), nullable: true }
    const conversion = column.kind && conversionOf(rawName(c), type, column.kind)
    return { ...output, ...column, type, conversion }
  })
  const fitting = outputs.filter(
    (one): one is Output & { kind: ColumnKind; conversion: Conversion } => one.conversion !== undefined,
  )
  if (fitting.length < outputs.length) {
    const wrong = outputs.filter(({ conversion }) => conversion === undefined)
    throw specs ? otherTypes(file, outputs, wrong) : unreadable(file, fitting, wrong)
  }
  return fitting
}

const expressionFor = (select: Expressions['select'], name: string): string | undefined =>
  Object.hasOwn(select, name) ? select[name] : undefined

/** On a separate line, so that a comment at its end ends there. */
const expressionOf = (sql: string): string => `(${sql}\n)`

/** @throws MillraceError for names that the file does not have, or that are ambiguous */
function checkNames(
  file: string,
  { columns }: Relation,
  names: readonly string[],
  select: Expressions['select'],
  specs: ColumnSpecs | undefined,
): void {
  const inFile = columns.map(({ name }) => name)
  const unused = specs && Object.keys(select).find(name => !Object.hasOwn(specs, name))
  if (unused !== undefined)
    throw new MillraceError(
      'INVALID_ARGUMENT',
      `select has '${unused}' of ${file}, but columns does not have it. Add it to columns, or remove it from select.`,
    )
  const plain = names.filter(name => expressionFor(select, name) === undefined)
  const twice = plain.filter(name => inFile.indexOf(name) !== inFile.lastIndexOf(name))
  if (twice.length > 0)
    throw new MillraceError(
      'SCHEMA_MISMATCH',
      `${file} has several columns of one name: ${inQuotes(twice)}. A row can hold one. Set columns without that name, or write the file with other names.`,
    )
  const within = columns.find(({ name, twins }) => twins.length > 0 && plain.includes(name))
  if (within)
    throw new MillraceError(
      'SCHEMA_MISMATCH',
      `The column '${within.name}' of ${file} has fields that DuckDB, which reads it, takes for the same: ${inQuotes(within.twins)}. Leave it out with columns, or write the file with other names.`,
    )
  const missing = plain.filter(name => !inFile.includes(name) && name !== rowNumber)
  if (missing.length === 0) return
  const near = nearestName(missing[0]!, inFile)
  const hint = near === undefined ? '' : ` Did you mean '${near}'?`
  throw new MillraceError(
    'SCHEMA_MISMATCH',
    `${file} does not have the columns that the program expects: ${missing.join(', ')} missing.${hint} Found ${inWords(columns)}. Change columns, or define them in select.`,
  )
}

async function typesOf(
  connection: DuckDBConnection,
  file: string,
  { from, columns }: Relation,
  sql: readonly string[],
): Promise<string[]> {
  if (sql.length === 0) return []
  const list = sql.map((expression, c) => `${expression} AS ${rawName(c)}`)
  try {
    const result = await connection.run(`DESCRIBE SELECT ${list.join(', ')} FROM ${from}`)
    return (await result.getRows()).map(([, type]) => String(type))
  } catch (error) {
    const hidden = columns.filter(({ name, alias }) => name !== alias).map(({ name }) => name)
    const why =
      hidden.length === 0
        ? ''
        : ` DuckDB takes these for the same, so SQL cannot name them: ${inQuotes(hidden)}.`
    throw new MillraceError(
      'SCHEMA_MISMATCH',
      `An expression in select does not fit ${file}: ${firstLine((error as Error).message)}.${why} Found ${inWords(columns)}. Change select.`,
      { cause: error },
    )
  }
}

interface Typed {
  readonly name: string
  readonly type: string
  readonly kind: ColumnKind | undefined
  readonly nullable: boolean
}

function otherTypes(file: string, outputs: readonly Typed[], wrong: readonly Typed[]): MillraceError {
  const expected = outputs.map(({ name, kind, nullable }) => ({ name, kind: kind!, nullable }))
  return new MillraceError(
    'SCHEMA_MISMATCH',
    `${file} does not have the columns that the program expects: ${wrong.map(({ name }) => name).join(', ')} of another type. Expected ${columnsInWords(expected)}, found ${inWords(outputs)}. Change the columns, or cast in select.`,
  )
}

/** Without `columns` no type is expected: some columns have types that no kind holds. */
function unreadable(file: string, fitting: readonly Output[], wrong: readonly Typed[]): MillraceError {
  const rest = fitting.map(({ name, kind }) => `${JSON.stringify(name)}: '${kind}?'`)
  const without = rest.length === 0 ? '' : `Leave them out, as columns: { ${rest.join(', ')} }. `
  const cast = `select: { ${JSON.stringify(wrong[0]!.name)}: 'CAST(… AS VARCHAR)' }`
  return new MillraceError(
    'SCHEMA_MISMATCH',
    `${file} has columns of types that the Parquet source does not read: ${inWords(wrong)}. ${without}Or give their text, as ${cast}.`,
  )
}

const inQuotes = (names: readonly string[]): string => [...new Set(names)].map(name => `'${name}'`).join(', ')

const inWords = (found: readonly { readonly name: string; readonly type: string }[]): string =>
  columnsInWords(found.map(({ name, type }) => ({ name, kind: type })))

/** The query, ready to run. */
export interface Query {
  /** Counts all rows, and those after the last row that was handed out. */
  readonly count: string
  /** Selects the rows after that one, with {@link misfits} and the row's number as last columns. */
  readonly rows: string
  /** The index of the column with the texts of misfits, if the query has it. */
  readonly misfits: number | undefined
}

/** @param after the number of the last row that was handed out */
export function queryOver(
  { from }: Relation,
  outputs: readonly Output[],
  { where, orderBy }: Expressions,
  after: number | undefined,
): Query {
  const filter = where === undefined ? 'true' : expressionOf(where)
  const order = [...orderBy.map(expressionOf), rowNumber]
  // Compared as one value, nulls sort last, as in the order.
  const key = `row(${order.join(', ')})`
  const rest =
    after === undefined
      ? 'true'
      : orderBy.length === 0
        ? `${rowNumber} > ${after}`
        : `${key} > (SELECT ${key} FROM ${from} WHERE ${rowNumber} = ${after})`

  const raw = outputs.map((_, c) => rawName(c))
  const fitting = outputs.map((_, c) => `millrace_c${c}`)
  const keys = orderBy.map((_, k) => `millrace_k${k}`)
  const inner = [
    ...outputs.map(({ sql }, c) => `${sql} AS ${raw[c]}`),
    ...orderBy.map((sql, k) => `${expressionOf(sql)} AS ${keys[k]}`),
    `${rowNumber} AS millrace_n`,
  ]
  // In the order of the file DuckDB streams: a sort would hold whole row groups of text.
  const sorted = orderBy.length === 0 ? '' : `ORDER BY ${[...keys, 'millrace_n'].join(', ')}`
  const conversions = outputs.map(({ conversion }) => conversion)
  const converted = ['*', ...conversions.map(({ sql }, c) => `${sql} AS ${fitting[c]}`)]
  const misfits = misfitsOf(conversions, raw, fitting)
  const outer = [...fitting, ...(misfits === undefined ? [] : [misfits]), 'CAST(millrace_n AS DOUBLE)']
  const left = after === undefined ? 'count(*)' : `count(*) FILTER (WHERE ${rest})`
  return {
    count: `SELECT CAST(count(*) AS DOUBLE), CAST(${left} AS DOUBLE) FROM ${from} WHERE ${filter}`,
    rows: `SELECT ${outer.join(', ')} FROM (SELECT ${converted.join(', ')} FROM (
      SELECT ${[...raw, 'millrace_n'].join(', ')} FROM (
        SELECT ${inner.join(', ')} FROM ${from} WHERE ${filter} AND ${rest}) ${sorted}))`,
    misfits: misfits === undefined ? undefined : outputs.length,
  }
}

/**
 * Changes with the query and with the file. It is computed from the SQL of 0.1.0, not the one above: so
 * resume states of 0.1.0 stay valid.
 */
export function fingerprintOf(
  { size, footer }: ParquetFile,
  outputs: readonly Output[],
  { where, orderBy }: Expressions,
): string {
  const select = outputs.map(({ origin, type, kind }) => originOf(`(${origin})`, type, kind))
  const order = [...orderBy.map(expression => `(${expression})`), rowNumber]
  return createHash('sha256')
    .update(JSON.stringify([select, where === undefined ? 'true' : `(${where})`, order, size]))
    .update(footer)
    .digest('hex')
    .slice(0, 16)
}

function originOf(sql: string, type: string, kind: ColumnKind): string {
  const isSmall = /^U?(TINYINT|SMALLINT|INTEGER)$/.test(type)
  switch (kind) {
    case 'integer':
    case 'number':
      return isSmall ? sql : `CAST(${sql} AS DOUBLE)`
    case 'timestamp':
      return `CAST(epoch_ms(${sql}) AS DOUBLE)`
    case 'json':
      return `CAST(to_json(${sql}) AS VARCHAR)`
    case 'date':
    case 'string':
      return `CAST(${sql} AS VARCHAR)`
    case 'boolean':
    case 'bytes':
      return sql
  }
}
