import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import * as v from 'valibot'
import { z } from 'zod'
import { isCode } from '../../../test/is-code.ts'
import { isMillraceError } from '../../base/index.ts'
import { json, topic, windowed } from '../../schema/index.ts'
import { sinkConformance, type Sample, type SinkTarget } from '../sink-conformance.ts'
import type { SinkTopic } from '../sink.ts'
import { folder, newFile, open, query } from './duckdb.test-support.ts'
import { duckdb } from './duckdb.ts'

describe('conformance', () => {
  const make = (): Promise<SinkTarget> => {
    const file = newFile()
    return Promise.resolve({
      sink: () => duckdb<string, Sample>(file, { table: 'samples' }),
      read: async () =>
        (await query(file, 'SELECT * FROM samples')).map(({ key, n, note }) => ({
          key: String(key),
          n: Number(n),
          note: note as string | null,
        })),
      close: () => Promise.resolve(),
    })
  }
  const makeOfUuids = (): Promise<SinkTarget> => {
    const file = newFile()
    return Promise.resolve({
      sink: () =>
        duckdb<string, Sample>(file, {
          table: 'samples',
          columns: { id: { from: 'key', type: 'UUID' }, n: 'value.n' },
        }),
      read: async () =>
        (await query(file, 'SELECT * FROM samples')).map(({ id, n }) => ({
          key: String(id),
          n: Number(n),
          note: null,
        })),
      close: () => Promise.resolve(),
    })
  }
  const refused = { n: 1.5, note: null }
  const capitals = 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'
  const oneKey = { make: makeOfUuids, keys: [capitals, capitals.toLowerCase()] } as const
  for (const { name, run } of sinkConformance({ make, upserts: true, refused, names: true, oneKey }))
    test(name, run)
})

describe('tables', () => {
  interface TableCase<K, V> {
    from: SinkTopic<K, V>
    options?: Partial<Parameters<typeof duckdb<K, V>>[1]>
    key: K
    value: V
    columns: string[]
    row: Record<string, unknown>
  }
  const check = <K, V>(name: string, { from, options, key, value, columns, row }: TableCase<K, V>): void => {
    test(name, async () => {
      const file = newFile()
      const writer = await open(duckdb<K, V>(file, { table: 't', ...options }), from)
      await writer.write([{ partition: 0, offset: 4, timestamp: 1000, key, value }], new Map([[0, 5]]))
      await writer.close()
      const described = await query(file, 'DESCRIBE t')
      assert.deepEqual(
        described.map(
          ({ column_name, column_type, key: isKey }) =>
            `${String(column_name)} ${String(column_type)}${isKey === 'PRI' ? ' key' : ''}`,
        ),
        columns,
      )
      assert.deepEqual(await query(file, 'SELECT * FROM t'), [row])
    })
  }

  check('from the schemas: a plain key, and every kind of value', {
    from: topic('t', {
      key: z.string(),
      value: z.object({
        count: z.int(),
        mean: z.number(),
        late: z.boolean(),
        name: z.string().nullable(),
        note: z.string().optional(),
        at: z.iso.datetime({ offset: true }),
        day: z.iso.date(),
        list: z.array(z.int()),
      }),
    }),
    key: 'DFW',
    value: {
      count: 5e9,
      mean: 1.5,
      late: true,
      name: null,
      at: '2001-06-14T08:30:00.123456+02:00',
      day: '2001-06-14',
      list: [1, 2],
    },
    columns: [
      'key VARCHAR key',
      'count BIGINT',
      'mean DOUBLE',
      'late BOOLEAN',
      'name VARCHAR',
      'note VARCHAR',
      'at TIMESTAMP',
      'day DATE',
      'list JSON',
    ],
    row: {
      key: 'DFW',
      count: '5000000000',
      mean: 1.5,
      late: true,
      name: null,
      note: null,
      at: '2001-06-14 06:30:00.123456',
      day: '2001-06-14',
      list: '[1,2]',
    },
  })
  check('a key of several columns', {
    from: topic('t', {
      key: z.object({ origin: z.string(), day: z.iso.date() }),
      value: z.object({ n: z.int() }),
    }),
    key: { origin: 'DFW', day: '1969-07-20' },
    value: { n: 1 },
    columns: ['origin VARCHAR key', 'day DATE key', 'n BIGINT'],
    row: { origin: 'DFW', day: '1969-07-20', n: '1' },
  })
  check('chosen columns with other types; a TIMESTAMP takes numbers as epoch milliseconds', {
    from: topic('t', {
      key: windowed(z.string()),
      value: z.object({ flights: z.int(), cost: z.string(), id: z.int() }),
    }),
    options: {
      columns: {
        hour: {
          from: 'key.start',
          type: 'TIMESTAMP',
        },
        origin: 'key.key',
        flights: {
          from: 'value.flights',
          type: 'INTEGER',
        },
        cost: {
          from: 'value.cost',
          type: 'DECIMAL(10, 2)',
        },
        zoned: {
          from: 'key.end',
          type: 'TIMESTAMPTZ',
        },
        day: {
          from: 'record.timestamp',
          type: 'DATE',
        },
        place: 'record.offset',
      },
    },
    key: { key: 'DFW', start: 992_505_600_000, end: 992_509_200_000 },
    value: { flights: 3, cost: '12.3', id: 7 },
    columns: [
      'hour TIMESTAMP key',
      'origin VARCHAR key',
      'flights INTEGER',
      'cost DECIMAL(10,2)',
      'zoned TIMESTAMP WITH TIME ZONE key',
      'day DATE',
      'place BIGINT',
    ],
    row: {
      hour: '2001-06-14 08:00:00',
      origin: 'DFW',
      flights: 3,
      cost: '12.30',
      zoned: '2001-06-14 09:00:00+00',
      day: '1970-01-01',
      place: '4',
    },
  })
  check('a topic without keys is appended to', {
    from: topic('t', { value: z.object({ n: z.int() }) }),
    key: null,
    value: { n: 1 },
    columns: ['n BIGINT'],
    row: { n: '1' },
  })
  check('a plain value', {
    from: topic('t', { key: z.string(), value: z.int() }),
    key: 'a',
    value: 7,
    columns: ['key VARCHAR key', 'value BIGINT'],
    row: { key: 'a', value: '7' },
  })
  check('a schema without JSON Schema, with stated columns', {
    from: topic('t', { key: v.string(), value: json<{ n: number }>() }),
    options: { columns: { id: { from: 'key', type: 'VARCHAR' }, n: { from: 'value.n', type: 'DOUBLE' } } },
    key: 'a',
    value: { n: 1.5 },
    columns: ['id VARCHAR key', 'n DOUBLE'],
    row: { id: 'a', n: 1.5 },
  })

  test('appending keeps every record', async () => {
    const file = newFile()
    const from = topic('t', { key: z.string(), value: z.object({ n: z.int() }) })
    const writer = await open(duckdb(file, { table: 't', mode: 'append' }), from)
    const rows = [1, 2, 3].map(n => ({ partition: 0, offset: n, timestamp: 0, key: 'a', value: { n } }))
    await writer.write(rows, new Map([[0, 4]]))
    await assert.rejects(
      writer.write([{ ...rows[0]!, value: null }], new Map([[0, 5]])),
      isCode('SINK_REFUSED'),
    )
    await writer.close()
    assert.deepEqual(
      (await query(file, 'SELECT n FROM t ORDER BY n')).map(({ n }) => n),
      ['1', '2', '3'],
    )
  })

  test('several sinks share a file and do not meet', async () => {
    const file = newFile()
    const from = topic('t', { key: z.string(), value: z.object({ n: z.int() }) })
    const writers = await Promise.all(
      ['one', 'two', 'three'].map(table => open(duckdb(file, { table }), from)),
    )
    const rows = Array.from({ length: 2000 }, (_, n) => ({
      partition: 0,
      offset: n,
      timestamp: 0,
      key: `${n % 700}`,
      value: { n },
    }))
    for (let i = 0; i < rows.length; i += 200)
      await Promise.all(writers.map(writer => writer.write(rows.slice(i, i + 200), new Map([[0, i + 200]]))))
    await Promise.all(writers.map(writer => writer.close()))
    assert.deepEqual(
      await query(
        file,
        `SELECT count(*) AS n, sum(n) AS total FROM one UNION ALL SELECT count(*), sum(n) FROM three`,
      ),
      [
        { n: '700', total: '1154650' },
        { n: '700', total: '1154650' },
      ],
    )
  })

  test('an existing table may have its columns in another order, and more columns', async () => {
    const file = newFile()
    const from = topic('t', { key: z.string(), value: z.object({ n: z.int() }) })
    await query(file, `CREATE TABLE t (extra VARCHAR DEFAULT 'x', n BIGINT, key VARCHAR)`)
    const writer = await open(duckdb(file, { table: 't' }), from)
    await writer.write(
      [{ partition: 0, offset: 0, timestamp: 0, key: 'a', value: { n: 1 } }],
      new Map([[0, 1]]),
    )
    await writer.close()
    assert.deepEqual(await query(file, 'SELECT * FROM t'), [{ extra: 'x', n: '1', key: 'a' }])
  })
})

describe('refused targets', () => {
  const from = topic('t', { key: z.string(), value: z.object({ n: z.int() }) })

  test('a table with other columns: expected and found are named', async () => {
    const file = newFile()
    await query(file, 'CREATE TABLE t (key VARCHAR, n VARCHAR)')
    await assert.rejects(
      open(duckdb(file, { table: 't' }), from),
      isCode('SCHEMA_MISMATCH', /n BIGINT.*n VARCHAR/),
    )
  })
  test('a schema that cannot become a table', async () => {
    for (const value of [
      z.object({ at: z.string().transform(text => new Date(text)) }),
      z.array(z.int()),
      v.object({ n: v.number() }),
      json<{ n: number }>(),
    ])
      await assert.rejects(
        open(
          duckdb(newFile(), { table: 't' }),
          topic('t', { key: z.string(), value }) as SinkTopic<string, unknown>,
        ),
        isCode('SCHEMA_NOT_TABULAR', /columns/),
      )
  })
  test('key and value with one name', async () => {
    const twice = topic('t', { key: z.object({ id: z.string() }), value: z.object({ ID: z.int() }) })
    await assert.rejects(open(duckdb(newFile(), { table: 't' }), twice), isCode('SCHEMA_NOT_TABULAR', /'ID'/))
  })
  test('an update by key without a key', async () => {
    await assert.rejects(
      open(
        duckdb(newFile(), { table: 't', mode: 'upsert' }),
        topic('t', { value: z.object({ n: z.int() }) }),
      ),
      isCode('INVALID_ARGUMENT'),
    )
  })
  test('a file of another format', async () => {
    const file = newFile()
    writeFileSync(file, 'not a database '.repeat(1000))
    await assert.rejects(
      open(duckdb(file, { table: 't' }), from),
      isCode('SINK_FAILED', /not a valid DuckDB/),
    )
  })
  test('does not change a short file of another format', async () => {
    for (const content of ['a,b\n1,2\n', 'x', '']) {
      const file = newFile()
      writeFileSync(`${file}.csv`, content)
      await assert.rejects(
        open(duckdb(`${file}.csv`, { table: 't' }), from),
        isCode('SINK_FAILED', /not a valid DuckDB/),
      )
      assert.equal(readFileSync(`${file}.csv`, 'utf8'), content)
    }
  })
  test('a folder that is not there', async () => {
    await assert.rejects(
      open(duckdb(join(folder, 'none', 'x.duckdb'), { table: 't' }), from),
      isCode('SINK_FAILED'),
    )
  })
  test('a file that another process has open: it is named, and may be tried again', async () => {
    const file = newFile()
    const script = `const { DuckDBInstance } = await import('@duckdb/node-api'); const keep = await DuckDBInstance.create(${JSON.stringify(file)}); console.log('open'); setInterval(() => keep, 1000)`
    const other = spawn(process.execPath, ['--input-type=module', '-e', script], {
      cwd: import.meta.dirname,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    try {
      await new Promise(resolve => other.stdout.once('data', resolve))
      await assert.rejects(
        open(duckdb(file, { table: 't' }), from),
        error =>
          isMillraceError(error, 'SINK_IN_USE') &&
          error.retriable &&
          error.message.includes(String(other.pid)),
      )
    } finally {
      other.kill('SIGKILL')
      await new Promise(resolve => other.once('exit', resolve))
    }
    await (await open(duckdb(file, { table: 't' }), from)).close()
  })
  for (const [name, value] of [
    ['a value of another type', 'seven'],
    ['a fraction in a whole column', 1.5],
    ['a number past its type', 3e9],
    ['nothing where something must be', null],
  ] as const)
    test(`${name} is refused`, async () => {
      const loose = topic('t', { key: z.string(), value: json<{ n: unknown }>() })
      const file = newFile()
      await query(file, 'CREATE TABLE t (key VARCHAR PRIMARY KEY, n INTEGER NOT NULL)')
      const sink = duckdb<string, { n: unknown }>(file, {
        table: 't',
        columns: { key: 'key', n: { from: 'value.n', type: 'INTEGER' } },
      })
      const writer = await open(sink, loose)
      await assert.rejects(
        writer.write(
          [{ partition: 0, offset: 0, timestamp: 0, key: 'a', value: { n: value } }],
          new Map([[0, 1]]),
        ),
        isCode('SINK_REFUSED'),
      )
      assert.deepEqual(await writer.committed(), new Map())
      await writer.close()
    })
  test('names with quotes are names', async () => {
    const plain = topic('odd', { key: z.string(), value: z.object({ [`a"b'c`]: z.int() }) })
    // Topic names cannot hold quotes today, but the sink must not depend on that.
    const odd = { ...plain, name: `o'dd` }
    const file = newFile()
    const writer = await open(duckdb(file, { table: `t"'; DROP TABLE x`, name: `n'` }), odd)
    await writer.write(
      [{ partition: 0, offset: 0, timestamp: 0, key: `'`, value: { [`a"b'c`]: 1 } }],
      new Map([[0, 1]]),
    )
    assert.deepEqual(await writer.committed(), new Map([[0, 1]]))
    await writer.close()
  })
})
