/**
 * A schema's output, from the text of other producers to a table. Columns follow from the output, whole
 * numbers stay whole, and an exception in a schema's function fails one record, wherever it is read.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { DuckDBInstance } from '@duckdb/node-api'
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { type } from 'arktype'
import * as v from 'valibot'
import { z } from 'zod'
import { csv, deliver, duckdb, publish, type DuckDBOptions } from '../../src/connect/index.ts'
import { createApp, json, openLog, text, topic, type Log } from '../../src/index.ts'
import { isCode } from '../is-code.ts'

const folder = mkdtempSync(join(tmpdir(), 'millrace-schema-output-'))
after(() => rmSync(folder, { recursive: true }))
let files = 0

/** A log with these texts as values, under the keys k0, k1, …. */
async function logOf(texts: readonly string[]): Promise<Log> {
  const log = await openLog(join(folder, `log-${files++}`), { durability: 'os' })
  const producer = log.producer(topic('in', { key: text(), value: text() }))
  for (const [n, value] of texts.entries()) await producer.send({ key: `k${n}`, value })
  await producer.close()
  return log
}

type Options = DuckDBOptions<string, never>

/** The table's content for these texts by this schema, and the names and types of its columns. */
async function tableOf(
  value: StandardSchemaV1,
  texts: readonly string[],
  columns?: Readonly<Record<string, unknown>>,
): Promise<{ columns: string[]; rows: unknown[][] }> {
  const file = join(folder, `${files++}.duckdb`)
  await using log = await logOf(texts)
  const source = topic('in', { key: text(), value, valueFormat: 'json' })
  const options = { table: 't', ...(columns && { columns }) } as unknown as Options
  await deliver(log, source, duckdb(file, options), { until: 'end' }).done
  const instance = await DuckDBInstance.create(file)
  const connection = await instance.connect()
  const result = await connection.runAndReadAll('SELECT * FROM t ORDER BY ALL')
  const names = result.columnNamesAndTypesJson() as { columnNames: string[] }
  const types = result.columnTypes().map(one => one.alias ?? String(one))
  const rows = result.getRowsJson()
  connection.closeSync()
  instance.closeSync()
  return { columns: names.columnNames.map((name, n) => `${name} ${types[n]}`), rows }
}

const outputs: readonly (readonly [
  name: string,
  schema: StandardSchemaV1,
  texts: readonly string[],
  columns: readonly string[],
  rows: readonly (readonly unknown[])[],
])[] = [
  [
    'a transform into another object, whose shape is said',
    z
      .object({ name: z.string().optional() })
      .transform(o => ({ full: o.name ?? 'nobody' }))
      .pipe(z.object({ full: z.string() })),
    ['{"name":"Bob"}', '{}'],
    ['full VARCHAR'],
    [['Bob'], ['nobody']],
  ],
  [
    'defaults, coerced values, codecs',
    z.object({
      d: z.int().default(7),
      at: z.coerce.date(),
      big: z.string().pipe(z.coerce.bigint()),
      on: z.codec(z.iso.datetime(), z.date(), {
        decode: iso => new Date(iso),
        encode: date => date.toISOString(),
      }),
    }),
    ['{"at":992516400000,"big":"9007199254740993","on":"2001-06-14T11:00:00Z"}'],
    ['d BIGINT', 'at TIMESTAMP', 'big BIGINT', 'on TIMESTAMP'],
    [['7', '2001-06-14 11:00:00', '9007199254740993', '2001-06-14 11:00:00']],
  ],
  [
    'names that mean something elsewhere',
    z.object({ constructor: z.string(), toString: z.boolean(), n: z.int() }),
    ['{"n":1,"constructor":"x","toString":true}'],
    ['constructor VARCHAR', 'toString BOOLEAN', 'n BIGINT'],
    [['x', true, '1']],
  ],
  [
    'a Date of arktype',
    type({ at: 'string.date.parse', n: 'string.integer.parse' }),
    ['{"at":"2001-06-14T11:00:00Z","n":"12"}'],
    ['at TIMESTAMP', 'n BIGINT'],
    [['2001-06-14 11:00:00', '12']],
  ],
]

for (const [name, schema, texts, columns, rows] of outputs)
  test(`a table has the columns and values of the schema's output: ${name}`, async () => {
    const found = await tableOf(schema, texts)
    assert.deepEqual(found.columns.slice(1).toSorted(), columns.toSorted())
    const order = columns.map(column => found.columns.indexOf(column))
    assert.deepEqual(
      found.rows.map(row => order.map(n => row[n])),
      rows,
    )
  })

test('a property that a record lacks is null, even if the prototype has it', async () => {
  const names = ['constructor', 'toString', '__proto__', 'hasOwnProperty', 'n']
  const columns = Object.fromEntries(
    names.map((name, n) => [`c${n}`, { from: `value.${name}`, type: 'VARCHAR' }]),
  )
  const found = await tableOf(json(), ['{"n":"1"}', '{"n":"2","__proto__":"x","toString":"y"}'], {
    key: 'key',
    ...columns,
  })
  assert.deepEqual(found.rows, [
    ['k0', null, null, null, null, '1'],
    ['k1', null, 'y', 'x', null, '2'],
  ])
})

test('bigints are delivered to the column types for whole numbers', async () => {
  const schema = z.object({ id: z.string().transform(BigInt) })
  for (const [sql, id] of [
    ['VARCHAR', '7'],
    ['BIGINT', '9223372036854775807'],
    ['HUGEINT', '9007199254740993'],
    ['DECIMAL(38,0)', '99999999999999999999999999999999999999'],
    ['UBIGINT', '18446744073709551615'],
    ['JSON', '9007199254740993'],
  ] as const) {
    const columns = { key: 'key', id: { from: 'value.id', type: sql } }
    const { rows } = await tableOf(schema, [`{"id":"${id}"}`], columns)
    assert.deepEqual(rows, [['k0', id]], sql)
  }
})

test('an output that no table can hold is refused when the sink opens, and the advice helps', async () => {
  const renamed = z.object({ name: z.string() }).transform(o => ({ full: o.name }))
  await assert.rejects(
    tableOf(renamed, ['{"name":"Bob"}']),
    isCode('SCHEMA_NOT_TABULAR', /[Ss]tate the columns/),
  )
  const byHand = { key: 'key', full: { from: 'value.full', type: 'VARCHAR' } }
  assert.deepEqual((await tableOf(renamed, ['{"name":"Bob"}'], byHand)).rows, [['k0', 'Bob']])
  const at = z.string().transform(iso => new Date(iso))
  await assert.rejects(
    tableOf(z.object({ at }), ['{"at":"2001-06-14"}']),
    isCode('SCHEMA_NOT_TABULAR', /'at'.*\.pipe\(z\.string\(\)\)/),
  )
  const piped = z.object({ at: at.pipe(z.date()) })
  assert.deepEqual((await tableOf(piped, ['{"at":"2001-06-14"}'])).rows, [['k0', '2001-06-14 00:00:00']])
  // DuckDB has no column without a name.
  const nameless = z.object({ '': z.int(), n: z.int() })
  await assert.rejects(tableOf(nameless, ['{"":1,"n":2}']), isCode('SCHEMA_NOT_TABULAR', /""/))
  const named = { key: 'key', empty: 'value.', n: 'value.n' }
  assert.deepEqual((await tableOf(nameless, ['{"":1,"n":2}'], named)).rows, [['k0', '1', '2']])
})

const toBigInt = (id: string): bigint => BigInt(id)
const throwing: readonly (readonly [string, StandardSchemaV1<unknown, { id: bigint }>])[] = [
  ['zod', z.object({ id: z.string().transform(toBigInt) })],
  ['valibot', v.object({ id: v.pipe(v.string(), v.transform(toBigInt)) })],
  ['arktype', type({ id: type('string').pipe(toBigInt) }) as never],
]
/** The second record is bad, and it is the first that a reader starting there gets. */
const texts = ['{"id":"12"}', '{"id":"x12"}', '{"id":"13"}']

for (const [library, schema] of throwing)
  test(`an exception in a schema fails one record, in consumers, apps, deliveries and publishing: ${library}`, async () => {
    await using log = await logOf(texts)
    const strict = topic('in', { key: text(), value: schema })
    const skipping = topic('in', { key: text(), value: schema, onError: 'skip' })
    for (const offset of [0, 1]) {
      const read: bigint[] = []
      for await (const { value } of log.consumer(skipping, { from: { offset }, until: 'end' }))
        read.push(value!.id)
      assert.deepEqual(read, offset === 0 ? [12n, 13n] : [13n])
    }
    await assert.rejects(
      async () => {
        for await (const _ of log.consumer(strict, { from: { offset: 1 }, until: 'end' }));
      },
      isCode('MALFORMED_RECORD', /its schema threw SyntaxError: Cannot convert x12/),
    )

    const app = createApp(`app-${library}`)
    app
      .stream(strict)
      .mapValues(value => String(value?.id))
      .to(topic('out', { key: text(), value: text(), partitions: 1 }))
    const { metrics } = await app.run({ log, until: 'end', onError: { deadLetter: 'dead' } })
    assert.equal(metrics.dropped.malformed, 1)

    const file = join(folder, `${files++}.duckdb`)
    const options = { table: 't', columns: { key: 'key', id: { from: 'value.id', type: 'BIGINT' } } }
    const { delivered, deadLettered } = await deliver(log, strict, duckdb(file, options as never), {
      until: 'end',
      onError: { deadLetter: 'dead' },
    }).done
    assert.deepEqual([delivered, deadLettered], [2, 1])

    const ids = join(folder, `${files++}.csv`)
    writeFileSync(ids, 'id\n12\nx12\n13\n')
    const target = topic('published', {
      value: schema as StandardSchemaV1 as StandardSchemaV1<{ id: string }>,
    })
    const stats = await publish(log, target, csv(ids, { columns: { id: 'string' } }), { onError: 'skip' })
    assert.deepEqual([stats.published, stats.skipped], [2, 1])
  })

test('the policy of the app decides on an output that its own schema could not read', async () => {
  await using log = await logOf(['{"n":2}', '{"n":0}', '{"n":4}'])
  const numbers = topic('in', { key: text(), value: json<{ n: number }>() })
  for (const [library, value] of [
    ['zod', z.object({ mean: z.union([z.number(), z.nan(), z.literal(Infinity)]) })],
    ['valibot', v.object({ mean: v.number() })],
    ['arktype', type({ mean: 'number' })],
    ['json', json<{ mean: number }>()],
  ] as const) {
    const means = topic(`means-${library}`, { key: text(), value, partitions: 1 })
    const app = createApp(`means-${library}`)
    app
      .stream(numbers)
      .mapValues(one => ({ mean: 1 / (one?.n ?? 1) }))
      .to(means)
    const { metrics } = await app.run({ log, until: 'end', onError: 'skip' })
    assert.equal(metrics.dropped.failed, 1, library)
    const read: unknown[] = []
    for await (const record of log.consumer(means, { until: 'end' })) read.push(record.value)
    assert.deepEqual(read, [{ mean: 0.5 }, { mean: 0.25 }], library)
  }
})

test('a number that does not fit is one bad record of a delivery as well', async () => {
  await using log = await logOf(['{"id":9007199254740993}', '{"id":1e400}', '{"id":1}'])
  const numbers = topic('in', { key: text(), value: json<{ id: number }>() })
  const file = join(folder, `${files++}.duckdb`)
  const columns = { key: 'key', id: { from: 'value.id', type: 'DOUBLE' } } as const
  const { delivered, skipped } = await deliver(log, numbers, duckdb(file, { table: 't', columns }), {
    until: 'end',
    onError: 'skip',
  }).done
  assert.deepEqual([delivered, skipped], [1, 2])
})
