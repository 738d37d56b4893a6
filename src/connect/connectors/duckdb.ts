/**
 * DuckDB as a sink: a topic becomes a table.
 *
 * With keys the table has the **last** value of each key: rows are inserted or updated by key, a null value
 * deletes. Without keys (or with `mode: 'append'`) every record is a row.
 *
 * Exactly once: offsets are stored in the same database and move in the transaction that writes the rows (see
 * duckdb-offsets.ts).
 */
import type { DuckDBConnection } from '@duckdb/node-api'
import { checkOptions, inWords, MillraceError } from '../../base/index.ts'
import type { Sink, SinkContext } from '../sink.ts'
import { carrierOf } from './duckdb-carriers.ts'
import { tableColumns, type ColumnChoice, type TableColumn } from './duckdb-columns.ts'
import { firstLine, openDatabase, quoted, type Database } from './duckdb-database.ts'
import { databaseOptionKinds, type DatabaseOptions, type OpenDuckDB } from './duckdb-options.ts'
import { writingStatement } from './duckdb-merge.ts'
import { RowChecks } from './duckdb-row-checks.ts'
import { mayHold } from './duckdb-samples.ts'
import { TransactionalOffsets } from '../transactional-offsets.ts'
import { DuckDBOffsets, ownerOf, ownTables } from './duckdb-offsets.ts'
import { ask, foldedName, inTransaction, tableIn, whyNot, type Place } from './duckdb-statements.ts'
import { checkTable, createTable, findTable } from './duckdb-table.ts'
import { DuckDBWriter, type Writing, type WrittenColumn } from './duckdb-writer.ts'

/** The table of a topic, and how it is kept. */
export interface DuckDBOptions<K, V> extends DatabaseOptions {
  /** The table's name, in the schema `main`; a dot is a part of the name. */
  readonly table: string
  /**
   * The table's columns in their order, each with its path. Default: all properties of the key, then all of
   * the value.
   */
  readonly columns?: Readonly<Record<string, ColumnChoice<K, V>>>
  /** Default: `upsert` for topics with keys, `append` for others. */
  readonly mode?: 'upsert' | 'append'
  /** Default: `duckdb-` and the table's name. */
  readonly name?: string
}

const optionKinds = {
  table: 'string',
  columns: 'object',
  mode: ['upsert', 'append'],
  name: 'string',
  ...databaseOptionKinds,
} as const

/**
 * Keeps a table of a DuckDB file equal to a topic. A missing table is created; an existing one must have
 * these columns. Several sinks in one process may share a file.
 *
 * A value is stored exactly, or refused: nothing is rounded, cut or guessed. Whole numbers and bigints go
 * into every whole type, `DECIMAL`, `DOUBLE` (where it holds them) and text; `DECIMAL`, `HUGEINT` and
 * `UHUGEINT` take decimal text too.
 *
 * To query the tables while they are loaded, open the database yourself, and give the instance to the sinks.
 *
 * @example
 * duckdb('warehouse.duckdb', {
 *   table: 'delays_by_hour',
 *   columns: { origin: 'key.key', hour: { from: 'key.start', type: 'TIMESTAMP' }, flights: 'value.flights' },
 * })
 * @example
 * const warehouse = await DuckDBInstance.create('warehouse.duckdb') // of @duckdb/node-api
 * deliver(log, delays, duckdb(warehouse, { table: 'delays' }))
 * const connection = await warehouse.connect() // for queries
 * @param database the path of a file, or an open `DuckDBInstance`, which the sink does not close
 * @throws MillraceError INVALID_ARGUMENT; from `open`: SCHEMA_NOT_TABULAR, SCHEMA_MISMATCH, SINK_CHANGED,
 *   SINK_IN_USE, SINK_FAILED, MISSING_DRIVER; from `write`: SINK_REFUSED, SINK_FENCED, SINK_FAILED
 */
export function duckdb<K, V>(database: string | OpenDuckDB, options: DuckDBOptions<K, V>): Sink<K, V> {
  if (typeof database !== 'string' && typeof (database as OpenDuckDB | undefined)?.connect !== 'function')
    throw new MillraceError(
      'INVALID_ARGUMENT',
      `duckdb needs the path of a file, or an open DuckDBInstance, got ${inWords(database)}.`,
    )
  checkOptions('duckdb', options, optionKinds)
  const { table } = options
  checkName('table', table)
  if (ownTables.includes(foldedName(table)))
    throw new MillraceError(
      'INVALID_ARGUMENT',
      `millrace keeps its own offsets in the table ${table}. Give the sink another table.`,
    )
  const name = options.name ?? `duckdb-${table}`
  checkName('name', name)
  return {
    name,
    async open(context) {
      const found = tableColumns(
        context.topic,
        options.columns as Readonly<Record<string, ColumnChoice<never, never>>> | undefined,
      )
      const mode = options.mode ?? (found.some(({ isKey }) => isKey) ? 'upsert' : 'append')
      if (mode === 'upsert' && !found.some(({ isKey }) => isKey))
        throw new MillraceError(
          'INVALID_ARGUMENT',
          `The table ${table} is updated by key, but none of its columns comes from the key. Add one, or set mode: 'append'.`,
        )
      const opened = await openDatabase(database, options)
      try {
        const [[catalog]] = (await ask(opened.connection, 'SELECT current_database()')) as [[string]]
        const { topic, topicId } = context
        const place = { sink: name, topic: topic.name, topicId, path: opened.path, catalog, table, mode }
        const writing = await opened.exclusive(() =>
          inTransaction(opened.connection, place, 'target', () => prepare(opened, place, found, context)),
        )
        return new DuckDBWriter(opened, context.clock, writing)
      } catch (error) {
        await opened.close()
        throw error
      }
    },
  }
}

function checkName(option: string, name: unknown): void {
  if (typeof name === 'string' && name !== '' && !name.includes('\0')) return
  throw new MillraceError(
    'INVALID_ARGUMENT',
    `The option '${option}' of duckdb must be text that is not empty, without NUL, got ${inWords(name)}.`,
  )
}

/**
 * Checks the target, creates missing tables, creates this connection's staging table, and fences earlier
 * writers.
 */
async function prepare(
  { connection, module }: Database,
  place: Place,
  chosen: readonly TableColumn[],
  { partitions }: SinkContext<unknown, unknown>,
): Promise<Writing> {
  const columns = await withTypes(connection, chosen)
  let table = await findTable(connection, place)
  const store = await DuckDBOffsets.open(connection, place)
  const offsets = await TransactionalOffsets.open(store, ownerOf(place))
  if (await offsets.isMoved()) await store.checkTable(table !== undefined)
  if (!table) {
    await createTable(connection, place, columns)
    table = (await findTable(connection, place))!
  }
  checkTable(place, columns, table)
  const mayBeNull = new Map(table.columns.map(({ name, nullable }) => [foldedName(name), nullable]))

  // Created from the table itself, so that columns compare in the same way, collations included.
  const types = (
    await connection.run(
      `SELECT ${columns.map(({ name }) => quoted(name)).join(', ')} FROM ${tableIn(place, place.table)} LIMIT 0`,
    )
  ).columnTypes()
  const carried = columns.map((column, c) => {
    const { name, type, holds } = column
    const carrier = carrierOf(module, types[c]!)
    if (!carrier)
      throw new MillraceError(
        'SCHEMA_MISMATCH',
        `The column ${name} of the table ${place.table} is of the type ${type}, which takes no value. Give it another type.`,
      )
    const own = 'values' in types[c]! ? types[c].values : []
    if (holds !== undefined && !mayHold(carrier, holds, own))
      throw new MillraceError(
        'SCHEMA_MISMATCH',
        `The column ${name} of the table ${place.table} is of the type ${type}, and its values are of the kind ${holds}, by the schema of topic '${place.topic}': none of them fits. Give the column another type.`,
      )
    return { ...column, carrier }
  })
  const staged = carried.map(({ name }, c) => `${quoted(name)} AS c${c}`)
  const texts = carried.flatMap(({ carrier }, c) =>
    carrier.isText ? [`CAST(NULL AS VARCHAR) AS r${c}`] : [],
  )
  await connection.run(`CREATE TEMP TABLE millrace_staging AS
    SELECT ${[...staged, ...texts].join(', ')}, false AS deleted, CAST(0 AS INTEGER) AS i
    FROM ${tableIn(place, place.table)} LIMIT 0`)
  const cannot = await whyNot(connection, writingStatement(place, columns, false))
  if (cannot !== undefined)
    throw new MillraceError(
      'SCHEMA_MISMATCH',
      `No record can be written into the table ${place.table} in ${place.path}: ${cannot}. Change the table, or set columns.`,
    )
  const collated = await collatedColumns(connection)
  const written = carried.map((column, c): WrittenColumn => ({
    ...column,
    nullable: column.nullable && mayBeNull.get(foldedName(column.name))!,
    identity: collated(c) ? undefined : column.carrier.identity,
  }))
  const checks = await RowChecks.of(
    connection,
    place,
    written.map(({ name, type, isKey, carrier: { isText } }) => ({ name, type, isKey, isText })),
    table,
  )
  await offsets.claim(partitions)
  return { place, columns: written, checks, offsets, store }
}

/** The columns with DuckDB's own names of their types; most types have several names. */
async function withTypes(
  connection: DuckDBConnection,
  columns: readonly TableColumn[],
): Promise<TableColumn[]> {
  const named = []
  for (const column of columns)
    try {
      const [[type]] = (await ask(connection, `SELECT typeof(CAST(NULL AS ${column.type}))`)) as [[string]]
      named.push({ ...column, type })
    } catch (error) {
      throw new MillraceError(
        'INVALID_ARGUMENT',
        `The column ${column.name} cannot have the type '${column.type}': ${firstLine((error as Error).message)}.`,
        { cause: error },
      )
    }
  return named
}

/** The staged columns with a collation, by which different texts may be one key. */
async function collatedColumns(connection: DuckDBConnection): Promise<(c: number) => boolean> {
  const [[sql, general]] = (await ask(
    connection,
    `SELECT sql, current_setting('default_collation') FROM duckdb_tables() WHERE database_name = 'temp' AND table_name = 'millrace_staging'`,
  )) as [[string, string | null]]
  return c => (general ?? '') !== '' || new RegExp(`\\bc${c} VARCHAR COLLATE`).test(sql)
}
