/**
 * Deliveries of a real log into DuckDB after the log or the table has changed: refused, with ways out that
 * work.
 */
import assert from 'node:assert/strict'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { DuckDBInstance } from '@duckdb/node-api'
import { z } from 'zod'
import { isMillraceError } from '../../src/base/index.ts'
import {
  deliver,
  duckdb,
  type DeliverOptions,
  type DeliverStats,
  type DuckDBOptions,
} from '../../src/connect/index.ts'
import { openLog } from '../../src/index.ts'
import { topic } from '../../src/schema/index.ts'
import { isCode } from '../is-code.ts'

const things = topic('things', { key: z.string(), value: z.object({ n: z.int() }), partitions: 1 })
type Options = Partial<DuckDBOptions<string, { n: number }>>

/** A log in a folder, opened for each call, and a warehouse in memory, since files cost the most here. */
class Site {
  readonly folder = mkdtempSync(join(tmpdir(), 'millrace-warehouse-'))
  readonly #data = join(this.folder, 'data')
  readonly #warehouse = DuckDBInstance.create(':memory:')

  async send(...keys: string[]): Promise<void> {
    const log = await openLog(this.#data, { durability: 'os' })
    const producer = log.producer(things)
    for (const [n, key] of keys.entries()) producer.send({ key, value: { n } }).catch(() => {})
    await producer.flush()
    await log.close()
  }

  async deliver(options: Options = {}, more: DeliverOptions = {}): Promise<DeliverStats> {
    const log = await openLog(this.#data, { durability: 'os' })
    try {
      const sink = duckdb<string, { n: number }>(await this.#warehouse, { table: 'x', ...options })
      return await deliver(log, things, sink, { until: 'end', ...more }).done
    } finally {
      await log.close()
    }
  }

  async again(): Promise<void> {
    const log = await openLog(this.#data, { durability: 'os' })
    await log.deleteTopic('things')
    await log.close()
  }

  backUp(): void {
    cpSync(this.#data, `${this.#data}.backup`, { recursive: true })
  }

  restore(): void {
    this.loseLog()
    cpSync(`${this.#data}.backup`, this.#data, { recursive: true })
  }

  loseLog(): void {
    rmSync(this.#data, { recursive: true })
  }

  async sql(...statements: string[]): Promise<unknown[]> {
    const connection = await (await this.#warehouse).connect()
    try {
      let rows: unknown[] = []
      for (const sql of statements) rows = (await connection.runAndReadAll(sql)).getRowsJson().flat()
      return rows
    } finally {
      connection.closeSync()
    }
  }

  async end(): Promise<void> {
    ;(await this.#warehouse).closeSync()
    rmSync(this.folder, { recursive: true })
  }

  keys(table = 'x'): Promise<unknown[]> {
    return this.sql(`SELECT key FROM ${table} ORDER BY key`)
  }
}

/** The SQL that a refusal advises: the text after `run`, up to each semicolon. */
async function advised(refused: Promise<unknown>): Promise<{ scratch: string[]; onPurpose: string[] }> {
  try {
    await refused
  } catch (error) {
    assert.ok(isMillraceError(error, 'SINK_CHANGED'), String(error))
    const [, scratch, onPurpose = ''] =
      /run in DuckDB: (.*;) To keep the present rows, give the sink another table, and another name\.(?: .* run: (.*;))?$/.exec(
        error.message,
      ) ?? assert.fail(error.message)
    const statements = (text: string): string[] => text.split(';').filter(part => part.trim() !== '')
    return { scratch: statements(scratch!), onPurpose: statements(onPurpose) }
  }
  return assert.fail('it was not refused')
}

interface ChangeCase {
  readonly name: string
  /** Runs after a and b are delivered. */
  readonly change: (site: Site) => Promise<void> | void
  readonly options?: Options
  /** The result of a load from the start, and of one into another table. */
  readonly all: readonly string[]
}

const changes: readonly ChangeCase[] = [
  {
    name: 'another log has more records than the first one',
    change: async site => {
      site.loseLog()
      await site.send('c', 'd', 'e')
    },
    all: ['c', 'd', 'e'],
  },
  { name: 'another log, which is empty', change: site => site.loseLog(), all: [] },
  {
    name: 'the topic was deleted and created again',
    change: async site => {
      await site.again()
      await site.send('c', 'd', 'e')
    },
    all: ['c', 'd', 'e'],
  },
  {
    name: 'the table was dropped',
    change: async site => {
      await site.sql('DROP TABLE x')
      await site.send('c')
    },
    all: ['a', 'b', 'c'],
  },
  {
    name: 'the table was dropped, and no record is new',
    change: site => site.sql('DROP TABLE x').then(),
    all: ['a', 'b'],
  },
  {
    name: 'a user dropped the table and created it again',
    change: site =>
      site.sql('DROP TABLE x', 'CREATE TABLE x (key VARCHAR PRIMARY KEY, n BIGINT NOT NULL)').then(),
    all: ['a', 'b'],
  },
  { name: 'another mode', change: () => {}, options: { mode: 'append' }, all: ['a', 'b'] },
]

describe('a delivery is refused if its log or table is no longer the one that was loaded', () => {
  for (const { name, change, options, all } of changes)
    test(`${name}: the delivery is refused, and both ways out work`, async () => {
      const site = new Site()
      try {
        await site.send('a', 'b')
        await site.deliver()
        await change(site)
        await assert.rejects(site.deliver(options), isCode('SINK_CHANGED'))
        // Another table, and so another sink name: the old table stays.
        await site.deliver({ ...options, table: 'y' })
        assert.deepEqual(await site.keys('y'), all)
        const { scratch } = await advised(site.deliver(options))
        await site.sql(...scratch)
        await site.deliver(options)
        assert.deepEqual(await site.keys(), all)
        assert.equal((await site.deliver(options)).delivered, 0)
      } finally {
        await site.end()
      }
    })

  test('another table under the name of the same sink is refused', async () => {
    const site = new Site()
    try {
      await site.send('a', 'b')
      await site.deliver({ name: 'own' })
      await assert.rejects(
        site.deliver({ name: 'own', table: 'y' }),
        isCode('SINK_CHANGED', /to the table x/),
      )
      await site.deliver({ name: 'other', table: 'y' })
      assert.deepEqual(await site.keys('y'), ['a', 'b'])
    } finally {
      await site.end()
    }
  })

  test('a log from an older backup, with records missing, is refused; another table under another name is loaded', async () => {
    const site = new Site()
    try {
      await site.send('a', 'b')
      site.backUp()
      await site.send('c')
      await site.deliver()
      site.restore()
      await assert.rejects(
        site.deliver(),
        isCode('OFFSET_OUT_OF_RANGE', /new target, with a sink of another name/),
      )
      await site.deliver({ table: 'y' })
      assert.deepEqual(await site.keys('y'), ['a', 'b'])
    } finally {
      await site.end()
    }
  })

  test('a table that a user emptied takes new records once the advised SQL confirms it', async () => {
    const site = new Site()
    try {
      await site.send('a', 'b')
      await site.deliver()
      await site.sql('DELETE FROM x')
      await site.send('c')
      const { onPurpose } = await advised(site.deliver())
      await site.sql(...onPurpose)
      await site.deliver()
      assert.deepEqual(await site.keys(), ['c'])
    } finally {
      await site.end()
    }
  })

  test('a table that tombstones have emptied is accepted as it is', async () => {
    const site = new Site()
    try {
      await site.send('a')
      await site.deliver()
      const log = await openLog(join(site.folder, 'data'), { durability: 'os' })
      const producer = log.producer(things)
      await producer.send({ key: 'a', value: null })
      await log.close()
      await site.deliver()
      await site.send('b')
      await site.deliver()
      assert.deepEqual(await site.keys(), ['b'])
    } finally {
      await site.end()
    }
  })

  test('a table that 0.1.0 loaded is continued, and is bound from then on', async () => {
    const site = new Site()
    try {
      await site.send('a', 'b')
      await site.sql(
        `CREATE TABLE _millrace_offsets (sink VARCHAR, topic VARCHAR, partition INTEGER, next_offset BIGINT,
           epoch BIGINT NOT NULL, PRIMARY KEY (sink, topic, partition))`,
        `INSERT INTO _millrace_offsets VALUES ('duckdb-x', 'things', 0, 2, 7)`,
        'CREATE TABLE x (key VARCHAR NOT NULL, n BIGINT NOT NULL, PRIMARY KEY (key))',
        `INSERT INTO x VALUES ('a', 0), ('b', 1)`,
      )
      await site.send('c')
      assert.equal((await site.deliver()).delivered, 1)
      assert.deepEqual(await site.keys(), ['a', 'b', 'c'])
      assert.deepEqual(await site.sql('SELECT epoch FROM _millrace_offsets'), ['8'])
      site.loseLog()
      await site.send('d', 'e', 'f', 'g')
      await assert.rejects(site.deliver(), isCode('SINK_CHANGED', /another log/))
    } finally {
      await site.end()
    }
  })

  test('a table of 0.1.0 that is gone is refused', async () => {
    const site = new Site()
    try {
      await site.send('a', 'b')
      await site.deliver()
      await site.sql('DROP TABLE x', 'DROP TABLE _millrace_sinks')
      await assert.rejects(site.deliver(), isCode('SINK_CHANGED', /gone/))
    } finally {
      await site.end()
    }
  })
})

describe('tables that cannot take any record are refused at the start, under any policy', () => {
  const shapes: readonly (readonly [name: string, table: string, message: RegExp, options?: Options])[] = [
    ['another column without a default', 'key VARCHAR, n BIGINT, loaded_at TIMESTAMP NOT NULL', /loaded_at/],
    ['another key', 'key VARCHAR, n BIGINT, id INTEGER PRIMARY KEY', /id/],
    ['a column that is generated', 'key VARCHAR, m BIGINT, n BIGINT GENERATED ALWAYS AS (m + 1)', /n/],
    ['another type', 'key VARCHAR, n VARCHAR', /n BIGINT.*n VARCHAR/],
    ['a column that is missing', 'key VARCHAR', /n/],
    ['unique by another column as well', 'key VARCHAR PRIMARY KEY, n BIGINT UNIQUE', /unique by \(n\)/],
    ['unique by a part of its key', 'key VARCHAR, n BIGINT PRIMARY KEY', /unique by \(n\)/],
    [
      'a type that nothing goes into',
      'key VARCHAR, n UNION(a BIGINT)',
      /UNION/,
      { columns: { key: 'key', n: { from: 'value.n', type: 'UNION(a BIGINT)' } } },
    ],
  ]
  const shared = new Site()
  before(() => shared.send('a', 'b'))
  after(() => shared.end())
  for (const [number, [name, table, message, options]] of shapes.entries())
    test(`refuses ${name}`, async () => {
      await shared.sql(`CREATE TABLE x${number} (${table})`)
      await assert.rejects(
        shared.deliver({ ...options, table: `x${number}` }, { onError: 'skip' }),
        isCode('SCHEMA_MISMATCH', message),
      )
      assert.deepEqual(await shared.sql(`SELECT count(*) FROM x${number}`), ['0'])
    })

  for (const table of ['other.y', 'OTHER.y', 'main.y', 'memory.main.y', 'temp.y'])
    test(`refuses the name ${table}, which SQL looks up elsewhere`, async () => {
      await shared.sql('CREATE SCHEMA IF NOT EXISTS other')
      await assert.rejects(shared.deliver({ table }), isCode('INVALID_ARGUMENT', /Set table: 'y'/))
      assert.deepEqual(await shared.sql(`SELECT 1 FROM duckdb_tables() WHERE table_name LIKE '%.y'`), [])
    })

  test('a name with a dot, and no schema before it, is a plain name', async () => {
    await shared.deliver({ table: 'orders.v1' })
    assert.deepEqual(await shared.keys('"orders.v1"'), ['a', 'b'])
  })

  const types: readonly (readonly [from: 'key' | 'value.n', type: string])[] = [
    ['key', 'BIGINT'],
    ['key', 'BOOLEAN'],
    ['key', 'BLOB'],
    ['key', 'INTEGER[]'],
    ['value.n', 'BOOLEAN'],
    ['value.n', 'UUID'],
    ['value.n', 'INTERVAL'],
    ['value.n', 'STRUCT(a INTEGER)'],
  ]
  for (const [source, type] of types)
    test(`refuses ${source} in a column of the type ${type}`, async () => {
      const columns = { key: 'key', x: { from: source, type } } as const
      await assert.rejects(
        shared.deliver({ columns, mode: 'append', table: 'wrong' }, { onError: 'skip' }),
        isCode('SCHEMA_MISMATCH', /column x .*none of them fits/),
      )
      assert.deepEqual(await shared.sql(`SELECT 1 FROM duckdb_tables() WHERE table_name = 'wrong'`), [])
    })

  test('texts can be delivered to columns of types that read text', async () => {
    const kinds = [
      'UUID',
      'DECIMAL(5, 2)',
      'HUGEINT',
      'TIME',
      'TIMESTAMP_S',
      'DATE',
      'JSON',
      'INTERVAL',
      "ENUM('x')",
    ]
    for (const [i, type] of kinds.entries()) {
      const columns = { n: 'value.n', x: { from: 'key', type } } as const
      const { delivered } = await shared.deliver(
        { columns, mode: 'append', table: `text${i}` },
        { onError: 'skip' },
      )
      assert.equal(delivered, type === 'JSON' ? 2 : 0)
    }
  })

  test('refuses a unique index, a view and an unknown type', async () => {
    const site = new Site()
    try {
      await site.send('a')
      await site.sql('CREATE TABLE x (key VARCHAR, n BIGINT)', 'CREATE UNIQUE INDEX i ON x (lower(key))')
      await assert.rejects(site.deliver(), isCode('SCHEMA_MISMATCH', /lower\(/))
      await site.sql('DROP TABLE x', `CREATE VIEW x AS SELECT 'a' AS key, 1::BIGINT AS n`)
      await assert.rejects(site.deliver(), isCode('SCHEMA_MISMATCH', /view/))
      const columns = { key: 'key', n: { from: 'value.n', type: 'BIGINTS' } } as const
      await assert.rejects(
        site.deliver({ table: 'y', columns }),
        isCode('INVALID_ARGUMENT', /column n .*BIGINTS/),
      )
    } finally {
      await site.end()
    }
  })

  test('accepts columns with a default, and unique keys that contain the key', async () => {
    const site = new Site()
    try {
      await site.send('a', 'a', 'b')
      await site.sql(
        `CREATE TABLE x (n BIGINT, loaded TIMESTAMP NOT NULL DEFAULT '2001-01-01', "Key" VARCHAR, UNIQUE ("Key", n))`,
      )
      assert.equal((await site.deliver()).delivered, 3)
      assert.deepEqual(await site.keys(), ['a', 'b'])
    } finally {
      await site.end()
    }
  })
})
