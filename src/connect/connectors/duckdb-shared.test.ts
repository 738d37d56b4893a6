/**
 * One file with several users in one process: sinks of different settings, and a program that queries tables
 * while they are loaded.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { DuckDBInstance } from '@duckdb/node-api'
import { z } from 'zod'
import { isCode } from '../../../test/is-code.ts'
import { topic } from '../../schema/index.ts'
import type { Sink } from '../sink.ts'
import { newFile, open, query, rowsOf } from './duckdb.test-support.ts'
import { duckdb, type DuckDBOptions } from './duckdb.ts'
import type { OpenDuckDB } from './duckdb-options.ts'

const from = topic('t', { key: z.string(), value: z.object({ n: z.int() }) })
type Value = { n: number }
const sinkOf = (
  database: string | OpenDuckDB,
  options: Partial<DuckDBOptions<string, Value>> = {},
): Sink<string, Value> => duckdb(database, { table: 't', ...options })

async function count(instance: DuckDBInstance, table = 't'): Promise<number> {
  const connection = await instance.connect()
  try {
    return Number((await connection.runAndReadAll(`SELECT count(*) FROM ${table}`)).getRows()[0]![0])
  } finally {
    connection.closeSync()
  }
}

describe('a program that has the file open', () => {
  test('as DuckDBInstance.fromCache opens it: the sink shares its instance', async () => {
    const file = newFile()
    const instance = await DuckDBInstance.fromCache(file)
    const writer = await open(sinkOf(file), from)
    await writer.write(rowsOf([['a', { n: 1 }]]), new Map([[0, 1]]))
    assert.equal(await count(instance), 1)
    await writer.close()
    assert.equal(await count(instance), 1)
    instance.closeSync()
  })

  test('with other settings: the message says so, and its advice works', async () => {
    const file = newFile()
    const instance = await DuckDBInstance.fromCache(file, { threads: '1' })
    await assert.rejects(open(sinkOf(file), from), isCode('SINK_IN_USE', /settings.*duckdb\(instance/))
    const writer = await open(sinkOf(instance), from)
    await writer.write(rowsOf([['a', { n: 1 }]]), new Map([[0, 1]]))
    assert.equal(await count(instance), 1)
    await writer.close()
    instance.closeSync()
  })

  test('as an instance that the sinks are given: it is queried meanwhile, and stays open', async () => {
    const file = newFile()
    const instance = await DuckDBInstance.create(file)
    const one = await open(sinkOf(instance), from)
    // A sink with the path joins it.
    const two = await open(sinkOf(file, { table: 'u' }), from)
    for (let n = 0; n < 5; n++)
      await Promise.all([
        one.write(rowsOf([[`${n}`, { n }]], n), new Map([[0, n + 1]])),
        two.write(rowsOf([[`${n}`, { n }]], n), new Map([[0, n + 1]])),
        count(instance),
      ])
    await one.close()
    await two.close()
    assert.deepEqual([await count(instance), await count(instance, 'u')], [5, 5])
    instance.closeSync()
    assert.deepEqual(await query(file, 'SELECT count(*) AS n FROM t'), [{ n: '5' }])
  })

  test('as a second instance, beside one of sinks: refused', async () => {
    const file = newFile()
    const writer = await open(sinkOf(file), from)
    const instance = await DuckDBInstance.create(file)
    await assert.rejects(open(sinkOf(instance), from), isCode('INVALID_ARGUMENT', /two instances/))
    instance.closeSync()
    await writer.close()
  })

  test('for reading only', async () => {
    const file = newFile()
    await query(file, 'CREATE TABLE x (n INTEGER)')
    const instance = await DuckDBInstance.create(file, { access_mode: 'READ_ONLY' })
    await assert.rejects(open(sinkOf(instance), from), isCode('SINK_FAILED', /read-only/))
    instance.closeSync()
  })
})

test('settings that differ between sinks of one file are refused; those that are left out are shared', async () => {
  const file = newFile()
  const one = await open(sinkOf(file, { memoryLimit: '100MB' }), from)
  await assert.rejects(
    open(sinkOf(file, { table: 'u', memoryLimit: '200MB' }), from),
    isCode('INVALID_ARGUMENT', /memoryLimit: "100MB"/),
  )
  await assert.rejects(
    open(sinkOf(file, { table: 'u', threads: 7 }), from),
    isCode('INVALID_ARGUMENT', /threads/),
  )
  for (const options of [{}, { memoryLimit: '100MB' }])
    await (await open(sinkOf(file, { table: 'u', ...options }), from)).close()
  await one.close()
  // Closing the last sink closes the file, and forgets its settings.
  await (await open(sinkOf(file, { memoryLimit: '200MB' }), from)).close()
  const instance = await DuckDBInstance.create(file)
  await assert.rejects(open(sinkOf(instance, { threads: 1 }), from), isCode('INVALID_ARGUMENT', /instance/))
  await (await open(sinkOf(instance), from)).close()
  instance.closeSync()
})

describe('names', () => {
  test('of tables and columns, in any case', async () => {
    const file = newFile()
    await query(file, 'CREATE TABLE "Airports" ("Key" VARCHAR PRIMARY KEY, "N" BIGINT)')
    for (const [i, table] of ['airports', 'AIRPORTS', 'Airports'].entries()) {
      const writer = await open(sinkOf(file, { table, name: 'one' }), from)
      assert.equal((await writer.committed()).get(0), i === 0 ? undefined : i)
      await writer.write(rowsOf([['a', { n: i }]], i), new Map([[0, i + 1]]))
      await writer.close()
    }
    assert.deepEqual(await query(file, 'SELECT * FROM airports'), [{ Key: 'a', N: '2' }])
  })

  test('of which SQL folds only ASCII', async () => {
    const file = newFile()
    for (const table of ['Ä', 'ä']) {
      const writer = await open(sinkOf(file, { table, columns: { Ö: 'key', ö: 'value.n' } as never }), from)
      await writer.write(rowsOf([['a', { n: 1 }]]), new Map([[0, 1]]))
      await writer.close()
    }
    assert.deepEqual(await query(file, 'SELECT * FROM "Ä" UNION ALL SELECT * FROM "ä"'), [
      { Ö: 'a', ö: '1' },
      { Ö: 'a', ö: '1' },
    ])
  })

  test('that a temporary table has, which is not meant', async () => {
    const file = newFile()
    const writer = await open(sinkOf(file, { table: 'millrace_staging' }), from)
    await writer.write(rowsOf([['a', { n: 1 }]]), new Map([[0, 1]]))
    await writer.close()
    assert.deepEqual(await query(file, 'SELECT key FROM millrace_staging'), [{ key: 'a' }])
  })

  test('that no column or table can have', async () => {
    const bad =
      (options: object): (() => unknown) =>
      () =>
        sinkOf(newFile(), options)
    for (const options of [
      { table: '' },
      { table: 'a\0b' },
      { table: undefined },
      { table: 7 },
      { table: '_Millrace_Offsets' },
      { table: '_millrace_sinks' },
      { name: '' },
      { tabel: 't' },
      { mode: 'merge' },
    ])
      assert.throws(bad(options), isCode('INVALID_ARGUMENT'))
    assert.throws(() => duckdb(undefined as never, { table: 't' }), isCode('INVALID_ARGUMENT', /path/))
    for (const columns of [
      { '': 'key' },
      { 'a\0': 'key' },
      { k: 'key', K: 'value.n' },
      {},
      { k: 'kee' },
      { k: { from: 'vlue.n', type: 'BIGINT' } },
      { k: 5 },
      { k: { from: 'key', type: 5 } },
    ])
      await assert.rejects(open(sinkOf(newFile(), { columns } as never), from), isCode('INVALID_ARGUMENT'))
    const empty = topic('t', { key: z.string(), value: z.object({ '': z.int(), n: z.int() }) })
    const sink = duckdb<string, { '': number; n: number }>(newFile(), { table: 't' })
    await assert.rejects(open(sink, empty), isCode('SCHEMA_NOT_TABULAR', /""/))
  })

  test('a property without a name, in a column that has one; a plain value beside it', async () => {
    const file = newFile()
    const empty = topic('t', { key: z.string(), value: z.object({ '': z.int(), n: z.int() }) })
    const sink = duckdb<string, { '': number; n: number }>(file, {
      table: 't',
      columns: { key: 'key', none: 'value.', n: 'value.n' } as never,
    })
    const writer = await open(sink, empty)
    await writer.write(rowsOf([['a', { '': 1, n: 2 }]]), new Map([[0, 1]]))
    await writer.close()
    assert.deepEqual(await query(file, 'SELECT * FROM t'), [{ key: 'a', none: '1', n: '2' }])
  })
})
