/** Helpers for tests of the Parquet source. */
import { DuckDBInstance } from '@duckdb/node-api'
import { systemClock } from '../../base/index.ts'
import type { ColumnSpecs } from '../columns.ts'
import type { BadRow, ResumeState, Source, SourceBatch } from '../source.ts'
import { parquet, type ParquetOptions } from './parquet.ts'

/** All rows of a source. */
export async function rowsOf<R>(source: Source<R>, resume?: ResumeState): Promise<(R | BadRow)[]> {
  const reader = await source.open(resume, { clock: systemClock, signal: new AbortController().signal })
  try {
    const rows: (R | BadRow)[] = []
    for (let batch: SourceBatch<R> | undefined; (batch = await reader.next());) rows.push(...batch.rows)
    return rows
  } finally {
    await reader.close()
  }
}

/** All rows of a file. */
export function rowsIn(
  file: string,
  { columns, ...options }: ParquetOptions<ColumnSpecs> = {},
): Promise<(Record<string, unknown> | BadRow)[]> {
  return rowsOf(columns ? parquet(file, { ...options, columns }) : parquet(file, options))
}

/** Writes the rows of each query to its file, by DuckDB. */
export async function copyTo(files: Readonly<Record<string, string>>, options = ''): Promise<void> {
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  for (const [file, query] of Object.entries(files))
    await connection.run(`COPY (${query}) TO '${file.replaceAll("'", "''")}' (FORMAT parquet${options})`)
  connection.closeSync()
  instance.closeSync()
}
