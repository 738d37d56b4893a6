/**
 * Rows that only DuckDB can refuse are found together; the others are written in one transaction, which
 * readers see as a whole.
 */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api'
import { isCode } from '../../../test/is-code.ts'
import { topic } from '../../schema/index.ts'
import { json } from '../../schema/index.ts'
import { BatchBuilder } from '../../wire/index.ts'
import { deliver } from '../deliver.ts'
import { CrashingLog } from '../crashing-log.test-support.ts'
import { duckdb } from './duckdb.ts'

type Value = Record<string, string | number | null>
type Record_ = readonly [key: string, value: Value | null]
const from = topic('t', { key: json<string>(), value: json<Value>(), partitions: 1 })

interface CheckCase {
  readonly name: string
  /**
   * The definition of the table; its columns besides `key` are filled from properties of their names, as
   * integers where they are not said here.
   */
  readonly table: string
  readonly columns: Readonly<Record<string, string>>
  readonly before?: string
  readonly mode?: 'append'
  readonly records: readonly Record_[]
  /** The refused rows, by their index, with their reasons. */
  readonly bad: readonly (readonly [index: number, reason: RegExp])[]
  readonly rows: readonly (readonly unknown[])[]
  /** Transactions that it takes. Default 1. */
  readonly commits?: number
}

const cases: readonly CheckCase[] = [
  {
    name: 'CHECK, also of rows that later ones replace',
    table: 'key VARCHAR PRIMARY KEY, n INTEGER CHECK (n > 0)',
    columns: { n: 'INTEGER' },
    records: [
      ['a', { n: 1 }],
      ['b', { n: -1 }],
      ['a', { n: 0 }],
      ['c', { n: 0 }],
      ['c', { n: 3 }],
      ['d', { n: null }],
    ],
    bad: [
      [1, /CHECK \(n > 0\)/],
      [2, /CHECK/],
      [3, /CHECK/],
    ],
    rows: [
      ['a', 1],
      ['c', 3],
      ['d', null],
    ],
  },
  {
    name: "CHECK over a column that is not delivered: its default, or the row's value",
    table: `key VARCHAR PRIMARY KEY, "at most" INTEGER DEFAULT 10, n INTEGER, CHECK (n <= "at most")`,
    columns: { n: 'INTEGER' },
    before: `INSERT INTO TABLE_ VALUES ('a', 100, 5)`,
    records: [
      ['a', { n: 50 }],
      ['b', { n: 50 }],
      ['b', { n: 9 }],
      ['x', null],
    ],
    bad: [[1, /at most/]],
    rows: [
      ['a', 100, 50],
      ['b', 10, 9],
    ],
  },
  {
    name: 'NOT NULL of the table, where the schema says nothing',
    table: 'key VARCHAR, n INTEGER NOT NULL, note VARCHAR',
    columns: { n: 'INTEGER', note: 'VARCHAR' },
    records: [
      ['a', { n: 1 }],
      ['b', { n: null }],
      ['c', { note: 'x' }],
    ],
    bad: [
      [1, /n may not be null/],
      [2, /n may not be null/],
    ],
    rows: [['a', 1, null]],
  },
  {
    name: 'texts of types that DuckDB casts, and a fault of a converted column in the same row',
    table: 'key VARCHAR PRIMARY KEY, pause INTERVAL, n INTEGER CHECK (n <> 4)',
    columns: { pause: 'INTERVAL', n: 'INTEGER' },
    records: [
      ['a', { pause: '1 day', n: 1 }],
      ['b', { pause: 'soon', n: 2 }],
      ['c', { pause: 'soon', n: 1.5 }],
      ['d', { pause: null, n: 4 }],
    ],
    bad: [
      [1, /soon does not fit the column pause INTERVAL/],
      [2, /1.5/],
      [3, /CHECK/],
    ],
    rows: [['a', '1 day', 1]],
  },
  {
    name: 'unique keys of a table that is appended to: the first one stays, over transactions too',
    table: 'key VARCHAR PRIMARY KEY, n INTEGER UNIQUE, m INTEGER',
    columns: { n: 'INTEGER', m: 'INTEGER' },
    before: `INSERT INTO TABLE_ VALUES ('z', 26, 0)`,
    mode: 'append',
    records: [
      ['a', { n: 1, m: 0 }],
      ['a', { n: 2, m: 0 }],
      ['b', { n: 2, m: 0 }],
      ['c', { n: 1, m: 0 }],
      ['c', { n: null, m: 0 }],
      ['d', { n: null, m: 1 }],
      ['e', { n: 26, m: 1 }],
      ['z', { n: 5, m: 1 }],
      ['f', { n: 5, m: 1 }],
      ['g', { n: 6, m: 1.5 }],
      ['g', { n: 6, m: 2 }],
    ],
    bad: [
      [1, /a already/],
      [3, /1 already/],
      [6, /26 already/],
      [7, /z already/],
      [9, /1.5/],
    ],
    rows: [
      ['a', 1, 0],
      ['b', 2, 0],
      ['c', null, 0],
      ['d', null, 1],
      ['f', 5, 1],
      ['g', 6, 2],
      ['z', 26, 0],
    ],
  },
  {
    name: 'a unique index over an expression',
    table: 'key VARCHAR, n INTEGER',
    columns: { n: 'INTEGER' },
    before: 'CREATE UNIQUE INDEX INDEX_ ON TABLE_ (lower(key), n)',
    mode: 'append',
    records: [
      ['a', { n: 1 }],
      ['A', { n: 1 }],
      ['A', { n: 2 }],
    ],
    bad: [[1, /already/]],
    rows: [
      ['A', 2],
      ['a', 1],
    ],
  },
  {
    name: 'numbers that a sequence gives',
    table: `id INTEGER PRIMARY KEY DEFAULT nextval('ids'), key VARCHAR, n INTEGER CHECK (n > 0)`,
    columns: { n: 'INTEGER' },
    mode: 'append',
    records: [
      ['a', { n: 1 }],
      ['b', { n: 0 }],
      ['c', { n: 2 }],
    ],
    bad: [[1, /CHECK/]],
    rows: [
      [1, 'a', 1],
      [2, 'c', 2],
    ],
  },
  {
    name: 'a foreign key, which only the write checks: the row is found by halving',
    table: 'key VARCHAR, n INTEGER REFERENCES parents(n)',
    columns: { n: 'INTEGER' },
    mode: 'append',
    records: [
      ['a', { n: 1 }],
      ['b', { n: 7 }],
      ['c', { n: 2 }],
    ],
    bad: [[1, /foreign key/i]],
    rows: [
      ['a', 1],
      ['c', 2],
    ],
    commits: 3,
  },
]

describe('rows that the table refuses', () => {
  let instance: DuckDBInstance
  let connection: DuckDBConnection
  before(async () => {
    instance = await DuckDBInstance.create(':memory:')
    connection = await instance.connect()
    await connection.run('CREATE SEQUENCE ids; CREATE TABLE parents (n INTEGER PRIMARY KEY)')
    await connection.run('INSERT INTO parents VALUES (1), (2)')
  })
  after(() => {
    connection.closeSync()
    instance.closeSync()
  })

  for (const [number, one] of cases.entries())
    test(one.name, async () => {
      const table = `t${number}`
      await connection.run(`CREATE TABLE ${table} (${one.table})`)
      if (one.before !== undefined)
        await connection.run(one.before.replaceAll('TABLE_', table).replaceAll('INDEX_', `i${number}`))
      const log = await logOf(one.records)
      const columns = Object.entries(one.columns).map(([name, type]) => [
        name,
        { from: `value.${name}`, type },
      ])
      const sink = duckdb<string, Value>(instance, {
        table,
        ...(one.mode && { mode: one.mode }),
        columns: { key: { from: 'key', type: 'VARCHAR' }, ...Object.fromEntries(columns) } as never,
      })
      const seen: string[] = []
      const stats = await deliver(log, from, sink, {
        until: 'end',
        onError: { deadLetter: 'letters' },
        observer: { onBadRecord: ({ place, reason }) => seen.push(`${place}: ${reason}`) },
      }).done
      assert.equal(stats.deadLettered, one.bad.length, seen.join('\n'))
      for (const [i, [index, reason]] of one.bad.entries()) {
        assert.match(seen[i]!, new RegExp(`offset ${index}: `))
        assert.match(seen[i]!, reason)
      }
      assert.equal(stats.commits, one.commits ?? 1)
      assert.equal((await log.read('letters')).length, one.bad.length)
      const found = await connection.runAndReadAll(`SELECT * FROM ${table}`)
      const text = (row: readonly unknown[]): string => JSON.stringify(row)
      const shown = found
        .getRows()
        .map(row => row.map(value => (typeof value === 'object' ? value && String(value) : value)))
      assert.deepEqual(shown.map(text).sort(), one.rows.map(text).sort())
    })

  test('under fail, earlier rows are written, and the refused row is named', async () => {
    await connection.run('CREATE TABLE strict (key VARCHAR PRIMARY KEY, n INTEGER CHECK (n > 0))')
    const log = await logOf([
      ['a', { n: 1 }],
      ['b', { n: 2 }],
      ['c', { n: 0 }],
      ['d', { n: 4 }],
    ])
    const sink = duckdb<string, Value>(instance, {
      table: 'strict',
      columns: { key: { from: 'key', type: 'VARCHAR' }, n: { from: 'value.n', type: 'INTEGER' } } as never,
    })
    await assert.rejects(
      deliver(log, from, sink, { until: 'end' }).done,
      isCode('SINK_REFUSED', /offset 2 .*CHECK/),
    )
    const found = await connection.runAndReadAll('SELECT key FROM strict ORDER BY key')
    assert.deepEqual(found.getRows().flat(), ['a', 'b'])
  })
})

async function logOf(records: readonly Record_[]): Promise<CrashingLog> {
  const log = new CrashingLog()
  await log.createTopic('t', { partitions: 1 })
  await log.createTopic('letters', { partitions: 1 })
  const builder = new BatchBuilder()
  for (const [key, value] of records) builder.append(0, JSON.stringify(key), value && JSON.stringify(value))
  await (await log.openWriter()).append('t', 0, builder)
  return log
}
