/** How a DuckDB database is opened. Apart from what opens it, so that the types of `connect` do without the driver's. */
export interface DatabaseOptions {
  /** DuckDB's `memory_limit`, as `'256MB'`: what is more goes to disk, beside the file. */
  readonly memoryLimit?: string
  readonly threads?: number
}
