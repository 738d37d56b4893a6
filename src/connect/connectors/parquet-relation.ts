/**
 * The columns of a Parquet file, as DuckDB's SQL can name them.
 *
 * They go by their place, not by their name: DuckDB does not tell `A` from `a`, and gives some names a
 * meaning of its own. Each gets an alias, which is its name where DuckDB tells that apart; so the expressions
 * of a program see the names of the file.
 */
import type { DuckDBConnection } from '@duckdb/node-api'
import { MillraceError } from '../../base/index.ts'
import { quoted } from './duckdb-database.ts'
import { readFault, type Reading } from './parquet-faults.ts'
import type { ParquetFile } from './parquet-file.ts'

/** The row's number in the file, from 0: DuckDB's own column. */
export const rowNumber = 'file_row_number'

/** A column of the file. */
export interface FileColumn {
  readonly name: string
  /** What it is called within the query. */
  readonly alias: string
  readonly type: string
  /** Names of fields within it that DuckDB does not tell apart. */
  readonly twins: readonly string[]
}

/** An open file with its columns. */
export interface Relation {
  readonly columns: readonly FileColumn[]
  /** What stands after FROM. */
  readonly from: string
}

/** The file's columns, by their exact names. */
export async function relationOf(
  connection: DuckDBConnection,
  file: ParquetFile,
  reading: Reading,
): Promise<Relation> {
  const fileOnly = { ...reading, hasExpressions: false }
  const schema = await ask(
    connection,
    fileOnly,
    `SELECT name, CAST(coalesce(num_children, 0) AS DOUBLE) FROM parquet_schema(${file.sql}) ORDER BY column_id`,
  )
  const fields = fieldsOf(schema as [string, number][])
  const names = fields.map(({ name }) => name)
  const table = `read_parquet(${file.sql}, hive_partitioning = false)`
  const types = await ask(connection, fileOnly, `DESCRIBE SELECT * FROM ${table}`)
  if (types.length !== names.length)
    throw new MillraceError(
      'SOURCE_MALFORMED',
      `${file.name} cannot be read: it names ${names.length} columns, of which DuckDB reads ${types.length}. Write it without columns that hold nothing.`,
    )
  const aliases = aliasesOf(names)
  return {
    columns: fields.map((field, c) => ({
      name: field.name,
      alias: aliases[c]!,
      type: String(types[c]![1]),
      twins: twinsWithin(field),
    })),
    from: `${table} AS millrace_file(${aliases.map(quoted).join(', ')})`,
  }
}

interface SchemaField {
  readonly name: string
  readonly fields: readonly SchemaField[]
}

/** The fields below the root of a schema that lies in depth-first order, each with the count of its own. */
function fieldsOf(schema: readonly (readonly [name: string, fields: number])[]): readonly SchemaField[] {
  let at = 0
  const next = (): SchemaField => {
    const [name, count] = schema[at++] ?? ['', 0]
    return { name, fields: Array.from({ length: count }, next) }
  }
  return next().fields
}

/** Fields of one struct whose names differ in case only: DuckDB gives the second one another name. */
function twinsWithin({ fields }: SchemaField): readonly string[] {
  const folded = fields.map(({ name }) => foldCase(name))
  const twins = fields.filter((_, f) => folded.indexOf(folded[f]!) !== folded.lastIndexOf(folded[f]!))
  return [...twins.map(({ name }) => name), ...fields.flatMap(twinsWithin)]
}

/** Names that DuckDB tells apart: those of the file, as far as it does. */
function aliasesOf(names: readonly string[]): string[] {
  const folded = names.map(foldCase)
  const taken = new Set(folded)
  return names.map((name, c) => {
    const isAlone = folded.indexOf(folded[c]!) === folded.lastIndexOf(folded[c]!)
    if (isAlone && name !== '' && !name.includes('\0') && folded[c] !== rowNumber) return name
    let alias = `column ${c + 1} of the file`
    while (taken.has(alias)) alias += "'"
    taken.add(alias)
    return alias
  })
}

/** As DuckDB compares names. */
const foldCase = (name: string): string => name.replace(/[A-Z]/g, letter => letter.toLowerCase())

/** The rows of a query over the file. */
export async function ask(
  connection: DuckDBConnection,
  reading: Reading,
  query: string,
): Promise<unknown[][]> {
  try {
    return await (await connection.run(query)).getRows()
  } catch (error) {
    throw readFault(reading, error)
  }
}
