/** A DuckDB for the tests of a file. */
import { after, before } from 'node:test'
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'

/** Runs a query that gives a column of text, in the tests of the file that calls this. */
export type Texts = (sql: string) => Promise<string[]>

export function database(): Texts {
  let connection: DuckDBConnection
  before(async () => {
    const instance = await DuckDBInstance.create(':memory:')
    connection = await instance.connect()
  })
  after(() => connection.closeSync())
  return async sql => {
    const rows = await connection.runAndReadAll(sql)
    return rows.getRowsJS().map(([text]) => text as string)
  }
}
