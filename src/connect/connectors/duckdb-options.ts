/**
 * How a DuckDB database is opened. Apart from what opens it, so that the types of `connect` do without the
 * driver's.
 */
export interface DatabaseOptions {
  /**
   * DuckDB's `memory_limit`: what is more goes to disk, beside the file. Default `'256MB'`. All sinks of a
   * file have the same.
   */
  readonly memoryLimit?: string
  /** How many DuckDB works with. Default 2. All sinks of a file have the same. */
  readonly threads?: number
}

export const databaseOptionKinds = { memoryLimit: 'string', threads: 'count' } as const

/** An open database: a `DuckDBInstance` of `@duckdb/node-api`. */
export interface OpenDuckDB {
  connect(): Promise<unknown>
}
