/**
 * Random tables, written by DuckDB to Parquet, read by the Parquet source, sent through a topic and delivered
 * to DuckDB. The tables are equal by SQL, except for rows with a value that JavaScript cannot hold. Exactly
 * those rows are counted as bad.
 */
import { deepEqual, equal } from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api'
import { z } from 'zod'
import type { Random } from '../../src/base/index.ts'
import { deliver, duckdb, parquet, publish } from '../../src/connect/index.ts'
import { CrashingLog } from '../../src/connect/crashing-log.test-support.ts'
import { json, topic } from '../../src/schema/index.ts'
import { forSeeds } from '../for-seeds.ts'
import { randomColumns, type RandomColumn } from './random-tables.test-support.ts'

/** A file has the columns of this many tables side by side: a file costs more than its columns. */
const tablesPerFile = 10
const folder = mkdtempSync(join(tmpdir(), 'millrace-round-trip-'))
after(() => rmSync(folder, { recursive: true }))

test('random tables from Parquet arrive in DuckDB unchanged', async () => {
  const warehouse = await DuckDBInstance.create(':memory:', { threads: '1' })
  const connection = await warehouse.connect()
  await connection.run("SET TimeZone = 'UTC'")
  await forSeeds(
    200,
    (random, seed) => roundTrip(warehouse, connection, random, seed),
    found => {
      const rows = found.reduce((sum, each) => sum + each.rows, 0)
      const bad = found.reduce((sum, each) => sum + each.bad, 0)
      // Both good and bad rows must occur often.
      equal(bad > rows / 20 && bad < rows / 2, true, `${bad} of ${rows} rows are bad`)
    },
  )
  connection.closeSync()
  warehouse.closeSync()
})

async function roundTrip(
  warehouse: DuckDBInstance,
  connection: DuckDBConnection,
  random: Random,
  of: number,
): Promise<{ rows: number; bad: number }> {
  const columns = Array.from({ length: tablesPerFile }, (_, table) => randomColumns(random, table)).flat()
  const [source, target, file] = [`s${of}`, `t${of}`, join(folder, `${of}.parquet`)]
  const bad = await write(connection, random, columns, source, file)
  const what = columns.map(({ name, type }) => `'${name}' ${type}`).join(', ')

  const log = new CrashingLog()
  const rows = topic(`rows-${of}`, { key: z.int(), value: json<Record<string, unknown>>(), partitions: 1 })
  const place = random.int(2) === 0 ? {} : { orderBy: ['-file_row_number'] }
  const refused: number[] = []
  const reasons: string[] = []
  const published = await publish(log, rows, parquet(file, { ...place, select: { id: 'file_row_number' } }), {
    key: row => row['id'] as number,
    value: row => Object.fromEntries(columns.map(({ name }, c) => [`c${c}`, inJson(row[name])])),
    onError: 'skip',
    observer: {
      onBadRecord: ({ place: at, reason }) => {
        refused.push(Number(/^row (\d+) /.exec(at)![1]))
        reasons.push(reason)
      },
    },
  })
  deepEqual(
    refused.sort((a, b) => a - b),
    bad,
    `${what}\n${reasons.join('\n')}`,
  )

  const choices = columns.map(({ target: type }, c) => [`c${c}`, { from: `value.c${c}`, type }] as const)
  const sink = duckdb<number, Record<string, unknown>>(warehouse, {
    table: target,
    columns: { id: { from: 'key', type: 'BIGINT' }, ...(Object.fromEntries(choices) as object) },
  })
  const delivered = await deliver(log, rows, sink, { until: 'end' }).done
  equal(delivered.delivered, published.published, what)

  const differences = columns.map(
    (column, c) =>
      `CASE WHEN t.id IS NOT NULL AND NOT (${column.same(`s.c${c}`, `t.c${c}`)}) THEN 'c${c}: ' || coalesce(CAST(s.c${c} AS VARCHAR), 'NULL') || ' became ' || coalesce(CAST(t.c${c} AS VARCHAR), 'NULL') END`,
  )
  const result = await connection.run(
    `SELECT * FROM (
       SELECT coalesce(s.id, t.id) AS id, (t.id IS NULL) = (s.id IN (${[-1, ...bad].join(', ')})) AS expected, concat_ws('; ', ${differences.join(', ')}) AS differences
       FROM ${source} s FULL JOIN ${target} t ON s.id = t.id)
     WHERE NOT expected OR differences <> ''`,
  )
  deepEqual(await result.getRowsJson(), [], what)
  await connection.run(`DROP TABLE ${source}; DROP TABLE ${target}`)
  rmSync(file)
  return { rows: published.published + bad.length, bad: bad.length }
}

/** Writes a random table and its file. Returns the numbers of the rows that do not fit, ascending. */
async function write(
  connection: DuckDBConnection,
  random: Random,
  columns: readonly RandomColumn[],
  table: string,
  file: string,
): Promise<number[]> {
  const rows = Array.from({ length: 1 + random.int(40) }, () => {
    // In every second row one or two columns may hold a value that does not fit.
    const wild = random.int(2) === 0 ? [random.int(columns.length), random.int(columns.length)] : []
    return columns.map(({ value }, c) => value(random, wild.includes(c)))
  })
  const values = rows.map((row, id) => `(${[id, ...row.map(({ sql }) => sql)].join(', ')})`)
  const quoted = columns.map(({ name }, c) => `c${c} AS "${name.replaceAll('"', '""')}"`)
  await connection.run(
    `CREATE TABLE ${table} (id BIGINT, ${columns.map(({ type }, c) => `c${c} ${type}`).join(', ')})`,
  )
  await connection.run(`INSERT INTO ${table} VALUES ${values.join(', ')}`)
  await connection.run(
    `COPY (SELECT ${quoted.join(', ')} FROM ${table} ORDER BY id) TO '${file}' (FORMAT parquet)`,
  )
  return rows.flatMap((row, id) => (row.every(({ fits }) => fits) ? [] : [id]))
}

/** Bytes as hexadecimal text. */
const inJson = (value: unknown): unknown =>
  value instanceof Uint8Array ? Buffer.from(value).toString('hex').toUpperCase() : value
