/**
 * Different keys of the log that are one key of the table: in any order, set or deleted, the last one counts.
 * Compared with a model that knows which keys are the same.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { forSeeds } from '../../../test/for-seeds.ts'
import { json, topic } from '../../schema/index.ts'
import { inMemory, open, rowsOf } from './duckdb.test-support.ts'
import { duckdb } from './duckdb.ts'

const capitals = 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'
const noon = '2001-06-14T12:00:00Z'

interface KeyCase {
  readonly type: string
  /** Keys of the log, in groups that are one key of the table. */
  readonly keys: readonly (readonly unknown[])[]
  /**
   * For types that the sink cannot create: the definition of the column `id` in a table that the test
   * creates.
   */
  readonly made?: string
}

const cases: readonly KeyCase[] = [
  {
    type: 'UUID',
    keys: [
      [capitals, capitals.toLowerCase(), capitals.replaceAll('-', '')],
      ['00000000-0000-0000-0000-000000000001'],
    ],
  },
  {
    type: 'DECIMAL(10, 2)',
    keys: [
      ['1', '1.0', 1, 1n, '1e0', '+01.00'],
      ['0', 0, -0, '-0.0'],
      ['0.1', 0.1],
    ],
  },
  {
    type: 'DATE',
    keys: [['2001-06-14', Date.parse(noon), new Date(noon), Date.parse(noon) + 1], ['2001-06-15']],
  },
  {
    type: 'TIMESTAMP',
    keys: [
      [noon, '2001-06-14T14:00:00+02:00', Date.parse(noon), new Date(noon), '2001-06-14 12:00'],
      ['2001-06-14T12:00:00.000001Z', '2001-06-14T14:00:00.000001000+0200'],
      [-1, '1969-12-31T23:59:59.999Z'],
    ],
  },
  {
    type: 'TIMESTAMPTZ',
    keys: [
      [noon, '2001-06-14T14:00:00+02:00', Date.parse(noon)],
      [0, -0],
    ],
  },
  { type: 'TIMESTAMP_S', keys: [[noon, Date.parse(noon)], [0]] },
  { type: 'TIMESTAMP_MS', keys: [[noon, Date.parse(noon)], [1]] },
  { type: 'TIMESTAMP_NS', keys: [[noon, Date.parse(noon)], ['2001-06-14T12:00:00.000000001Z']] },
  { type: 'TIME', keys: [['12:00', '12:00:00', '12:00:00.000000'], ['12:00:00.000001']] },
  { type: 'TIMETZ', keys: [['12:00:00+00', '12:00:00+00:00'], ['14:00:00+02'], ['12:00:00+01']] },
  { type: 'VARCHAR', keys: [['1', 1, 1n], ['true', true], [''], ['a'], ['A'], ['nul\0'], ['nul']] },
  { type: 'VARCHAR', made: 'VARCHAR COLLATE NOCASE', keys: [['a', 'A'], ['Ab', 'aB', 'ab'], ['c']] },
  { type: 'VARCHAR', made: 'VARCHAR COLLATE NOACCENT', keys: [['a', 'á', 'ä'], ['b']] },
  { type: 'DOUBLE', keys: [[0, -0], [NaN], [1, 1n], [0.1], [Infinity], [5e-324]] },
  { type: 'FLOAT', keys: [[0, -0].slice(0, 1), [NaN], [0.5], [-Infinity]] },
  { type: 'BOOLEAN', keys: [[true], [false]] },
  { type: 'TINYINT', keys: [[1, 1n], [-128]] },
  { type: 'BIGINT', keys: [[1, 1n], [2n ** 63n - 1n], [2n ** 63n - 2n]] },
  { type: 'UBIGINT', keys: [[1, 1n], [2n ** 64n - 1n], [2n ** 64n - 2n]] },
  {
    type: 'HUGEINT',
    keys: [
      [1, 1n, '1', '01', '1.0'],
      [2n ** 100n, `${2n ** 100n}`],
    ],
  },
  { type: `ENUM('a', 'A')`, keys: [['a'], ['A']] },
  { type: 'JSON', keys: [[{ a: 1, b: 2 }], [{ b: 2, a: 1 }], ['1'], [1, 1n], [[1, 2]]] },
  { type: 'BIT', keys: [['1'], ['01'], ['11']] },
  { type: 'BLOB', keys: [[Uint8Array.of(1), Uint8Array.of(1)], [Uint8Array.of(0, 255)], [Uint8Array.of()]] },
  { type: 'INTERVAL', made: 'INTERVAL', keys: [['30 days', '1 month'], ['1 day', '24 hours'], ['1 second']] },
  {
    type: 'INTEGER[]',
    made: 'INTEGER[]',
    keys: [
      [
        [1, 2],
        [1n, 2n],
      ],
      [[2, 1]],
      [[]],
      [[null]],
    ],
  },
  {
    type: 'STRUCT(a DECIMAL(4, 1), b UUID)',
    made: 'STRUCT(a DECIMAL(4, 1), b UUID)',
    keys: [
      [
        { a: 1, b: capitals },
        { b: capitals.toLowerCase(), a: '1.0' },
      ],
      [{ a: 1 }],
    ],
  },
]

const fields = topic('t', { key: json<{ id: unknown; part: unknown }>(), value: json<{ n: number }>() })

describe('the last of equal keys counts', () => {
  const duck = inMemory()
  for (const [number, { type, keys, made }] of cases.entries())
    test(made ?? type, () =>
      forSeeds(10, async (random, seed) => {
        const table = `t${number}_${seed}`
        // With one key column and with two.
        const isWide = (number + seed) % 2 === 1
        if (made !== undefined)
          await duck.connection.run(
            `CREATE TABLE ${table} (id ${made}${isWide ? ', part UUID' : ''}, n BIGINT)`,
          )
        const sink = duckdb<{ id: unknown; part: unknown }, { n: number }>(duck.instance, {
          table,
          columns: {
            id: { from: 'key.id', type },
            ...(isWide && { part: { from: 'key.part', type: 'UUID' } }),
            n: { from: 'value.n', type: 'BIGINT' },
          } as never,
        })
        const writer = await open(sink, fields)
        const model = new Map<number, number>()
        let offset = 0
        for (let write = 0; write < 3; write++) {
          const records = Array.from({ length: 1 + random.int(20) }, (_, i) => {
            const group = random.int(keys.length)
            const id = keys[group]![random.int(keys[group]!.length)]
            const n = offset + i
            if (random.int(4) > 0) model.set(group, n)
            else model.delete(group)
            const part = random.int(2) === 0 ? capitals : capitals.toLowerCase()
            return [{ id, part }, model.has(group) ? { n } : null] as const
          })
          const rows = rowsOf(records, offset)
          offset += rows.length
          await writer.write(rows, new Map([[0, offset]]))
          const found = (await duck.connection.runAndReadAll(`SELECT n FROM ${table}`))
            .getRows()
            .flat()
            .map(Number)
          assert.deepEqual(
            found.toSorted((a, b) => a - b),
            [...model.values()].toSorted((a, b) => a - b),
            `write ${write}`,
          )
        }
        await writer.close()
      }),
    )

  test('10,000 UUIDs, in capitals, in small letters and in capitals, in one write', async () => {
    const uuids = Array.from(
      { length: 10_000 },
      (_, n) => `A0EEBC99-9C0B-4EF8-BB6D-${String(n).padStart(12, '0')}`,
    )
    const sink = duckdb<string, { n: number }>(duck.instance, {
      table: 't',
      columns: { id: { from: 'key', type: 'UUID' }, n: { from: 'value.n', type: 'BIGINT' } },
    })
    const writer = await open(sink, topic('t', { key: json<string>(), value: json<{ n: number }>() }))
    const records: (readonly [string, { n: number }])[] = [
      ...uuids.map(id => [id, { n: 1 }] as const),
      ...uuids.map(id => [id.toLowerCase(), { n: 2 }] as const),
      ...uuids.map(id => [id, { n: 3 }] as const),
    ]
    await writer.write(rowsOf(records), new Map([[0, records.length]]))
    await writer.close()
    const found = (await duck.connection.runAndReadAll('SELECT n, count(*) FROM t GROUP BY n')).getRowsJson()
    assert.deepEqual(found, [['3', '10000']])
  })
})
