/** Statements on a connection: queries, transactions, and their errors. */
import type { DuckDBConnection } from '@duckdb/node-api'
import { isMillraceError, MillraceError } from '../../base/index.ts'
import { firstLine, literal, quoted } from './duckdb-database.ts'

/** The place of a sink's rows and offsets. */
export interface Place {
  readonly sink: string
  readonly topic: string
  /** Identifies the topic, also among topics of the same name in this log and in others. */
  readonly topicId: string
  /** The path of the database's file, for people. */
  readonly path: string
  /** The database's name in SQL. */
  readonly catalog: string
  readonly table: string
  readonly mode: 'upsert' | 'append'
}

/** A table of the database in SQL; a temporary one of its name does not hide it. */
export const tableIn = ({ catalog }: Place, name: string): string => `${quoted(catalog)}.main.${quoted(name)}`

/** The SQL condition for this sink and topic in millrace's own tables. */
export const mine = ({ sink, topic }: Place): string =>
  `sink = ${literal(sink)} AND topic = ${literal(topic)}`

/** SQL does not tell the case of names apart, in ASCII. */
export const foldedName = (name: string): string => name.replace(/[A-Z]+/g, part => part.toLowerCase())

export async function ask(connection: DuckDBConnection, query: string): Promise<unknown[][]> {
  return await (await connection.run(query)).getRows()
}

/** Why DuckDB cannot run the statement; undefined if it can. Runs nothing. */
export async function whyNot(connection: DuckDBConnection, sql: string): Promise<string | undefined> {
  try {
    const statement = await connection.prepare(sql)
    statement.destroySync()
    return undefined
  } catch (error) {
    return firstLine((error as Error).message)
  }
}

/** @param about the subject of a fault: only where rows are written can a row be at fault */
export async function inTransaction<T>(
  connection: DuckDBConnection,
  place: Place,
  about: 'rows' | 'target',
  work: () => Promise<T>,
): Promise<T> {
  await connection.run('BEGIN TRANSACTION').catch((error: unknown) => {
    throw failed(place, 'target', error)
  })
  try {
    const result = await work()
    await connection.run('COMMIT')
    return result
  } catch (error) {
    // A failed commit has rolled back by itself; then there is nothing to do.
    await connection.run('ROLLBACK').catch(() => {})
    throw failed(place, about, error)
  }
}

/** DuckDB's messages about rows, as opposed to files and memory. */
const rowFaults = /^(Constraint|Conversion|Invalid Input|Out of Range|Mismatch Type) Error/
const passing = /^(IO|TransactionContext) Error|Conflict/

function failed({ table, path }: Place, about: 'rows' | 'target', error: unknown): MillraceError {
  if (isMillraceError(error)) return error
  const message = firstLine((error as Error).message).replace(/[.!]+$/, '')
  if (about === 'rows' && rowFaults.test(message))
    return new MillraceError('SINK_REFUSED', `The table ${table} in ${path} refuses a row: ${message}.`, {
      cause: error,
    })
  return new MillraceError('SINK_FAILED', `The table ${table} in ${path} cannot be written: ${message}.`, {
    cause: error,
    retriable: passing.test(message),
  })
}
