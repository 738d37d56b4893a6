/**
 * The options of a DuckDB database. In its own file, so that the types of `connect` do not need the driver's.
 */
export interface DatabaseOptions {
  /**
   * DuckDB's `memory_limit`; beyond it data goes to disk, beside the file. Default `'256MB'`. All sinks of a
   * file must agree.
   */
  readonly memoryLimit?: string
  /** Threads of DuckDB. Default 2. All sinks of a file must agree. */
  readonly threads?: number
}

export const databaseOptionKinds = { memoryLimit: 'string', threads: 'count' } as const

/** An open database: a `DuckDBInstance` of `@duckdb/node-api`. */
export interface OpenDuckDB {
  connect(): Promise<unknown>
}
