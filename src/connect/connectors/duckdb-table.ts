/** The table of a sink: created from the columns if missing. An existing one must be able to take records. */
import type { DuckDBConnection } from '@duckdb/node-api'
import { MillraceError } from '../../base/index.ts'
import type { TableColumn } from './duckdb-columns.ts'
import { firstLine, literal, quoted } from './duckdb-database.ts'
import { ask, foldedName, tableIn, type Place } from './duckdb-statements.ts'

/** A column of the table. */
export interface FoundColumn {
  readonly name: string
  readonly type: string
  readonly nullable: boolean
  /** The SQL of its default, or of a generated column's content. */
  readonly default: string | undefined
}

/**
 * A constraint of a table: a CHECK, or expressions that must be unique. All in SQL, over the table's columns.
 */
export type Constraint =
  | { readonly kind: 'check'; readonly expression: string; readonly columns: readonly string[] }
  | { readonly kind: 'unique'; readonly expressions: readonly string[]; readonly columns: readonly string[] }

/** An existing table. */
export interface FoundTable {
  readonly columns: readonly FoundColumn[]
  readonly constraints: readonly Constraint[]
}

/** Undefined if it does not exist. Throws SCHEMA_MISMATCH for a view. */
export async function findTable(connection: DuckDBConnection, place: Place): Promise<FoundTable | undefined> {
  const { catalog, table, path } = place
  // Case folds in ASCII only, which SQL's lower() does not.
  const found = (kind: string): string =>
    `database_name = ${literal(catalog)} AND schema_name = 'main' AND translate(${kind}, '${upper}', '${lower}') = ${literal(foldedName(table))}`
  const views = await ask(connection, `SELECT 1 FROM duckdb_views() WHERE ${found('view_name')}`)
  if (views.length > 0)
    throw new MillraceError(
      'SCHEMA_MISMATCH',
      `${table} in ${path} is a view, which takes no rows. Give the sink a table of another name.`,
    )
  const columns = (await ask(
    connection,
    `SELECT column_name, data_type, is_nullable, column_default FROM duckdb_columns()
     WHERE ${found('table_name')} ORDER BY column_index`,
  )) as [string, string, boolean, string | null][]
  if (columns.length === 0) return undefined
  const constraints = (await ask(
    connection,
    `SELECT constraint_type, expression, constraint_column_names FROM duckdb_constraints() WHERE ${found('table_name')}`,
  )) as [string, string | null, { items: string[] }][]
  const indexes = (await ask(
    connection,
    `SELECT CAST(expressions AS VARCHAR[]) FROM duckdb_indexes() WHERE ${found('table_name')} AND is_unique AND NOT is_primary`,
  )) as [{ items: string[] }][]
  return {
    columns: columns.map(([name, type, nullable, content]) => ({
      name,
      type,
      nullable,
      default: content ?? undefined,
    })),
    constraints: [
      ...constraints.flatMap(([kind, expression, { items }]): Constraint[] => {
        if (kind === 'CHECK' && expression !== null) return [{ kind: 'check', expression, columns: items }]
        const isUnique = kind === 'PRIMARY KEY' || kind === 'UNIQUE'
        return isUnique ? [{ kind: 'unique', expressions: items.map(quoted), columns: items }] : []
      }),
      ...indexes.map(([{ items }]): Constraint => {
        // An index is over expressions; a column among them is written as in SQL.
        const named = new Map(columns.flatMap(([name]) => [[name, name] as const, [quoted(name), name]]))
        return { kind: 'unique', expressions: items, columns: items.map(item => named.get(item) ?? item) }
      }),
    ],
  }
}

const upper = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ'
const lower = upper.toLowerCase()

/**
 * A dot in a name is an ordinary character, so that topics such as `orders.v1` have their tables. But where
 * the part before it is a schema or a database, SQL would look there for the table.
 */
async function checkUnqualified(
  connection: DuckDBConnection,
  { catalog, table, path }: Place,
): Promise<void> {
  const dot = table.indexOf('.')
  if (dot < 0) return
  const first = table.slice(0, dot)
  const spaces = await ask(
    connection,
    `SELECT schema_name FROM duckdb_schemas() WHERE database_name = ${literal(catalog)}
     UNION SELECT database_name FROM duckdb_databases()`,
  )
  if (!spaces.some(([name]) => foldedName(String(name)) === foldedName(first))) return
  throw new MillraceError(
    'INVALID_ARGUMENT',
    `The sink's table '${table}' in ${path} would have a dot in its name, while '${first}' is a schema or a database there. ` +
      `The sink writes into the schema main. Set table: '${table.slice(table.lastIndexOf('.') + 1)}', or a name without '${first}.'.`,
  )
}

/**
 * @throws MillraceError INVALID_ARGUMENT if DuckDB does not index the type of a key, or where the name is
 * that of a table in a schema
 */
export async function createTable(
  connection: DuckDBConnection,
  place: Place,
  columns: readonly TableColumn[],
): Promise<void> {
  await checkUnqualified(connection, place)
  const definitions = columns.map(
    ({ name, type, nullable }) => `${quoted(name)} ${type}${nullable ? '' : ' NOT NULL'}`,
  )
  const key = columns.filter(({ isKey }) => place.mode === 'upsert' && isKey)
  if (key.length > 0) definitions.push(`PRIMARY KEY (${key.map(({ name }) => quoted(name)).join(', ')})`)
  try {
    await connection.run(`CREATE TABLE ${tableIn(place, place.table)} (${definitions.join(', ')})`)
  } catch (error) {
    const message = firstLine((error as Error).message)
    if (!message.includes('Invalid type for index key')) throw error
    throw new MillraceError(
      'INVALID_ARGUMENT',
      `The table ${place.table} in ${place.path} cannot be created: a column of its key has a type that DuckDB does not index (${message}). Give ${key.map(({ name }) => name).join(', ')} other types with columns, or create the table without a primary key yourself.`,
      { cause: error },
    )
  }
}

/**
 * Checks that a table takes the delivered rows: it has the columns, in any order, with these types, and
 * nothing else in it makes valid rows fail.
 * @throws MillraceError SCHEMA_MISMATCH, which names the columns
 */
export function checkTable(
  { table, path, mode }: Place,
  columns: readonly TableColumn[],
  found: FoundTable,
): void {
  const refuse = (what: string): never => {
    throw new MillraceError('SCHEMA_MISMATCH', `The table ${table} in ${path} ${what}`)
  }
  const inWords = (list: readonly { name: string; type: string }[]): string =>
    `(${list.map(({ name, type }) => `${name} ${type}`).join(', ')})`
  const there = new Map(found.columns.map(column => [foldedName(column.name), column]))
  const wrong = columns.filter(({ name, type }) => there.get(foldedName(name))?.type !== type)
  if (wrong.length > 0)
    refuse(
      `does not have the columns of its topic (${wrong.map(({ name }) => name).join(', ')}). Expected ${inWords(columns)}, found ${inWords(found.columns)}. Change the table, or set columns.`,
    )

  const delivered = new Set(columns.map(({ name }) => foldedName(name)))
  const demanded = found.columns.filter(
    column => !delivered.has(foldedName(column.name)) && !column.nullable && column.default === undefined,
  )
  if (demanded.length > 0)
    refuse(
      `has other columns that may not be null and have no default, so that no record fits: ${inWords(demanded)}. Give them a default, or fill them with columns.`,
    )

  if (mode === 'append') return
  const key = columns.filter(({ isKey }) => isKey).map(({ name }) => foldedName(name))
  for (const constraint of found.constraints) {
    if (constraint.kind === 'check') continue
    const over = new Set(constraint.columns.map(foldedName))
    if (key.every(name => over.has(name))) continue
    refuse(
      `requires rows to be unique by (${constraint.columns.join(', ')}) as well, while it is updated by its key (${key.join(', ')}). Whether a record fits would depend on which records are written together. Drop that constraint or index, or deliver with mode: 'append'.`,
    )
  }
}
