/** Warehouse files for tests, queries of them, and sinks without a delivery. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before } from 'node:test'
import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api'
import { systemClock } from '../../base/index.ts'
import type { Sink, SinkRow, SinkTopic, SinkWriter } from '../sink.ts'

export const folder: string = mkdtempSync(join(tmpdir(), 'millrace-duckdb-'))
after(() => rmSync(folder, { recursive: true }))

let files = 0
export const newFile = (): string => join(folder, `${files++}.duckdb`)

/** DuckDB in memory for the tests of a `describe`: its fields are there once a test runs. */
export function inMemory(): { readonly instance: DuckDBInstance; readonly connection: DuckDBConnection } {
  const opened = {} as { instance: DuckDBInstance; connection: DuckDBConnection }
  before(async () => {
    opened.instance = await DuckDBInstance.create(':memory:')
    opened.connection = await opened.instance.connect()
  })
  after(() => {
    opened.connection.closeSync()
    opened.instance.closeSync()
  })
  return opened
}

/** Runs queries as another user of the file; opened in the same way as the sink, so that both share it. */
export async function query(file: string, ...queries: string[]): Promise<Record<string, unknown>[]> {
  const instance = await DuckDBInstance.fromCache(file, { memory_limit: '256MB', threads: '2' })
  const connection = await instance.connect()
  try {
    let rows: Record<string, unknown>[] = []
    for (const sql of queries) rows = (await connection.runAndReadAll(sql)).getRowObjectsJson()
    return rows
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}

export function open<K, V>(
  sink: Sink<K, V>,
  from: SinkTopic<K, V>,
  topicId = 'an id',
): Promise<SinkWriter<K, V>> {
  const signal = new AbortController().signal
  return sink.open({ topic: from, topicId, partitions: 2, clock: systemClock, signal, observer: {} })
}

/** Rows of partition 0, from an offset on. */
export function rowsOf<K, V>(records: readonly (readonly [K, V | null])[], from = 0): SinkRow<K, V>[] {
  return records.map(([key, value], i) => ({ partition: 0, offset: from + i, timestamp: 0, key, value }))
}
