/** Opens the warehouse to query it. */
import { DuckDBInstance } from '@duckdb/node-api'

export interface Warehouse extends AsyncDisposable {
  ask(sql: string): Promise<Record<string, unknown>[]>
}

export async function openWarehouse(path: string): Promise<Warehouse> {
  const instance = await DuckDBInstance.create(path, {
    access_mode: 'READ_ONLY',
    memory_limit: '128MB',
    preserve_insertion_order: 'false',
    threads: '2',
  })
  const connection = await instance.connect()
  return {
    // Rows as JSON would have them: integers that may be large, as text.
    ask: async sql => await (await connection.run(sql)).getRowObjectsJson(),
    async [Symbol.asyncDispose]() {
      connection.closeSync()
      instance.closeSync()
      return Promise.resolve()
    },
  }
}
