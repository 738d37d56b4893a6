/**
 * The columns of a Parquet file, as DuckDB's SQL can name them.
 *
 * They are identified by position, not by name: DuckDB takes `A` and `a` for the same, and some names have a
 * special meaning. Each gets an alias, which is its name if DuckDB can distinguish it. So a program's
 * expressions see the names of the file.
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
  /** Its name within the query. */
  readonly alias: string
  readonly type: string
  /** Names of fields within it that DuckDB takes for the same. */
  readonly twins: readonly string[]
}

/** An open file with its columns. */
export interface Relation {
  readonly columns: readonly FileColumn[]
  /** The SQL after FROM. */
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

/** The fields below the root of a schema in depth-first order, each with its number of children. */
function fieldsOf(schema: readonly (readonly [name: string, fields: number])[]): readonly SchemaField[] {
  let at = 0
  const next = (): SchemaField => {
    const [name, count] = schema[at++] ?? ['', 0]
    return { name, fields: Array.from({ length: count }, next) }
  }
  return next().fields
}

/** Fields of one struct whose names differ only in case: DuckDB renames the second one. */
function twinsWithin({ fields }: SchemaField): readonly string[] {
  const folded = fields.map(({ name }) => foldCase(name))
  const twins = fields.filter((_, f) => folded.indexOf(folded[f]!) !== folded.lastIndexOf(folded[f]!))
  return [...twins.map(({ name }) => name), ...fields.flatMap(twinsWithin)]
}

/** Names that DuckDB can distinguish: those of the file, as far as possible. */
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

/** The form in which DuckDB compares names. */
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
