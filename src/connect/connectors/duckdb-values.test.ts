/** A value is stored exactly or refused: every type, at its bounds and past them. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { json, topic } from '../../schema/index.ts'
import { RowsRefused } from '../sink.ts'
import { inMemory, open, rowsOf } from './duckdb.test-support.ts'
import { duckdb } from './duckdb.ts'

const any = topic('t', { key: json<number>(), value: json<{ v: unknown }>() })
const int64 = 2n ** 63n
const cyclic: unknown[] = []
cyclic.push(cyclic)
class Money {
  readonly cents = 1
}

/** By type: values, each with its text in the table, and values that are refused. */
const types: readonly {
  readonly type: string
  readonly kept: readonly (readonly [value: unknown, text: string])[]
  readonly refused: readonly unknown[]
}[] = [
  {
    type: 'BOOLEAN',
    kept: [
      [true, 'true'],
      [false, 'false'],
    ],
    refused: [1, 0, 'true', ''],
  },
  {
    type: 'TINYINT',
    kept: [
      [-128, '-128'],
      [127n, '127'],
    ],
    refused: [128, -129n, 1.5, '1', NaN, true],
  },
  {
    type: 'UTINYINT',
    kept: [
      [0, '0'],
      [255, '255'],
    ],
    refused: [256, -1],
  },
  { type: 'SMALLINT', kept: [[-32768, '-32768']], refused: [32768] },
  { type: 'USMALLINT', kept: [[65535, '65535']], refused: [65536, -1n] },
  {
    type: 'INTEGER',
    kept: [
      [2147483647, '2147483647'],
      [-0, '0'],
    ],
    refused: [2147483648, 1.5, '1.5', Infinity, '7'],
  },
  { type: 'UINTEGER', kept: [[4294967295n, '4294967295']], refused: [4294967296] },
  {
    type: 'BIGINT',
    kept: [
      [2 ** 53 - 1, '9007199254740991'],
      [int64 - 1n, `${int64 - 1n}`],
      [-int64, `${-int64}`],
    ],
    refused: [int64, -int64 - 1n, 2 ** 53, 1e300, '7'],
  },
  { type: 'UBIGINT', kept: [[2n ** 64n - 1n, `${2n ** 64n - 1n}`]], refused: [2n ** 64n, -1n, -1] },
  {
    type: 'HUGEINT',
    kept: [
      [9007199254740993n, '9007199254740993'],
      [2n ** 127n - 1n, `${2n ** 127n - 1n}`],
      [-(2n ** 127n), `${-(2n ** 127n)}`],
      ['9007199254740993', '9007199254740993'],
    ],
    refused: [2n ** 127n, '1.5', 'x', '', 2 ** 53],
  },
  { type: 'UHUGEINT', kept: [[2n ** 128n - 1n, `${2n ** 128n - 1n}`]], refused: [-1n, 2n ** 128n] },
  { type: 'BIGNUM', kept: [[10n ** 60n, `${10n ** 60n}`]], refused: [1.5] },
  {
    type: 'DECIMAL(38, 0)',
    kept: [
      [10n ** 38n - 1n, `${10n ** 38n - 1n}`],
      ['-12345678901234567890123', '-12345678901234567890123'],
      ['1e3', '1000'],
    ],
    refused: [10n ** 38n, 0.5, '0.5', '1e-1', '1e99'],
  },
  {
    type: 'DECIMAL(4, 2)',
    kept: [
      ['12.30', '12.30'],
      [12.3, '12.30'],
      ['.5', '0.50'],
      ['99.990', '99.99'],
      ['-1e1', '-10.00'],
      [7n, '7.00'],
      ['1230e-2', '12.30'],
    ],
    refused: ['12.345', 0.125, '100', 100, '1e2', 'abc', '', '.', '1,5', NaN, '0x1', '1_0', ' 1', true],
  },
  {
    type: 'FLOAT',
    kept: [
      [0.5, '0.5'],
      [NaN, 'nan'],
      [-Infinity, '-inf'],
    ],
    refused: [0.1, 16777217, 1e300, '0.5', 1n],
  },
  {
    type: 'DOUBLE',
    kept: [
      [0.1, '0.1'],
      [5e-324, '5e-324'],
      [2 ** 53, '9007199254740992.0'],
      [2n ** 60n, '1.152921504606847e+18'],
    ],
    refused: [2n ** 53n + 1n, '0.1', true],
  },
  {
    type: 'VARCHAR',
    kept: [
      ['a\0b', 'a\0b'],
      ['𝄞', '𝄞'],
      [7n, '7'],
      [7, '7'],
      [0.1, '0.1'],
      [true, 'true'],
      [new Date(0), '1970-01-01T00:00:00.000Z'],
      [{ a: [1, 'x', 9007199254740993n] }, '{"a":[1,"x",9007199254740993]}'],
    ],
    refused: [
      'half \ud800',
      new Date(NaN),
      [undefined],
      [NaN],
      new Map(),
      new Money(),
      Uint8Array.of(1),
      cyclic,
      Symbol('s'),
    ],
  },
  {
    type: 'JSON',
    kept: [
      ['x', '"x"'],
      [{ a: { constructor: 1 }, b: undefined }, '{"a":{"constructor":1}}'],
      [9007199254740993n, '9007199254740993'],
      [[new Date(0)], '["1970-01-01T00:00:00.000Z"]'],
    ],
    refused: [NaN, [Infinity], [undefined], { a: new Set() }, '\ud800', ['\udc00'], cyclic, new Date(NaN)],
  },
  {
    type: 'TIMESTAMP',
    kept: [
      [-1, '1969-12-31 23:59:59.999'],
      ['2001-06-14T08:30:00.123456+02:00', '2001-06-14 06:30:00.123456'],
      ['2001-06-14T08:30:00.123456000Z', '2001-06-14 08:30:00.123456'],
    ],
    refused: [
      '2001-06-14T08:30:00.1234567Z',
      1.5,
      '2001-02-30T00:00:00Z',
      'yesterday',
      new Date(NaN),
      1e300,
      NaN,
      true,
    ],
  },
  { type: 'TIMESTAMPTZ', kept: [[0, '1970-01-01 00:00:00+00']], refused: [0.5] },
  { type: 'TIMESTAMP_S', kept: [[1000, '1970-01-01 00:00:01']], refused: [1001, '2001-01-01T00:00:00.7Z'] },
  { type: 'TIMESTAMP_MS', kept: [[1001, '1970-01-01 00:00:01.001']], refused: ['2001-01-01T00:00:00.0001Z'] },
  {
    type: 'TIMESTAMP_NS',
    kept: [['2001-01-01T00:00:00.000000001Z', '2001-01-01 00:00:00.000000001']],
    refused: ['2300-01-01T00:00:00Z', -1e15],
  },
  {
    type: 'DATE',
    kept: [
      ['2001-06-14', '2001-06-14'],
      [-1, '1969-12-31'],
      ['0001-01-01', '0001-01-01'],
    ],
    refused: ['2001-06-31', '2001-6-1', '2001-06-14T00:00:00Z', NaN],
  },
  {
    type: 'TIME',
    kept: [
      ['08:30', '08:30:00'],
      ['08:30:00.1000000', '08:30:00.1'],
    ],
    refused: ['08:30:00.1234567', '25:00', 5, '8:30'],
  },
  { type: 'TIMETZ', kept: [['08:30:00+02', '08:30:00+02']], refused: ['08:30:00.1234567+02', 'noon', 5] },
  {
    type: 'INTERVAL',
    kept: [['1 month 2 days', '1 month 2 days']],
    refused: ['soon', 5, '0.0000001 seconds'],
  },
  { type: 'BIT', kept: [['0101', '0101']], refused: ['012', 101, ''] },
  {
    type: 'UUID',
    kept: [['A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11']],
    refused: ['a0eebc99', '', 5, 'g0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'],
  },
  { type: `ENUM('a', 'b')`, kept: [['a', 'a']], refused: ['A', 'c', '', 1] },
  { type: 'BLOB', kept: [[Uint8Array.of(0, 255), '\\x00\\xFF']], refused: ['text', [1]] },
  {
    type: 'INTEGER[]',
    kept: [
      [[1, null, 3n], '[1, NULL, 3]'],
      [[], '[]'],
    ],
    refused: [[1.5], ['1'], '[1]', [undefined], { a: 1 }],
  },
  { type: 'INTEGER[2]', kept: [[[1, 2], '[1, 2]']], refused: [[1], [1, 2, 3]] },
  {
    type: 'STRUCT(a DECIMAL(3, 1), "b c" VARCHAR[])',
    kept: [
      [{ a: '1.5', 'b c': ['x'] }, `{'a': 1.5, 'b c': [x]}`],
      [{}, `{'a': NULL, 'b c': NULL}`],
    ],
    refused: [{ a: 1.55 }, { a: 1, z: 1 }, [1], new Money()],
  },
  {
    type: 'MAP(VARCHAR, INTEGER)',
    kept: [
      [{ x: 1 }, '{x=1}'],
      [new Map([['y', 2n]]), '{y=2}'],
    ],
    refused: [
      { x: 1.5 },
      new Map([[null, 1]]),
      new Map<unknown, number>([
        [1, 1],
        ['1', 2],
      ]),
      [1],
    ],
  },
]

describe('values', () => {
  const duck = inMemory()

  for (const [number, { type, kept, refused }] of types.entries())
    test(type, async () => {
      const table = `v${number}`
      const sink = duckdb<number, { v: unknown }>(duck.instance, {
        table,
        columns: { id: { from: 'key', type: 'INTEGER' }, v: { from: 'value.v', type } },
      })
      const writer = await open(sink, any)
      const values = [...kept.map(([value]) => value), ...refused]
      const rows = rowsOf(values.map((v, i) => [i, { v }] as const))
      await assert.rejects(writer.write(rows, new Map([[0, rows.length]])), error => {
        assert.ok(error instanceof RowsRefused)
        const bad = refused.map((_, i) => kept.length + i)
        assert.deepEqual([...error.reasons.keys()], bad, [...error.reasons.values()].join('; '))
        return true
      })
      await writer.write(rows.slice(0, kept.length), new Map([[0, rows.length]]))
      await writer.close()
      const found = await duck.connection.runAndReadAll(`SELECT CAST(v AS VARCHAR) FROM ${table} ORDER BY id`)
      assert.deepEqual(
        found.getRows().flat(),
        kept.map(([, text]) => text),
      )
    })

  test("a property that objects inherit fills a column only if it is the object's own", async () => {
    const columns = Object.fromEntries(
      ['constructor', 'toString', '__proto__', 'hasOwnProperty'].map(name => [
        `${name} column`,
        { from: `value.${name}`, type: 'VARCHAR' },
      ]),
    )
    const sink = duckdb<number, { v: unknown }>(duck.instance, {
      table: 'own',
      columns: { id: { from: 'key', type: 'INTEGER' }, ...columns } as never,
    })
    const writer = await open(sink, any)
    const full = JSON.parse(
      '{"constructor":"c","toString":"t","__proto__":"p","hasOwnProperty":"h"}',
    ) as never
    await writer.write(
      rowsOf([
        [0, {} as never],
        [1, full],
      ] as const),
      new Map([[0, 2]]),
    )
    await writer.close()
    const found = await duck.connection.runAndReadAll('SELECT * FROM own ORDER BY id')
    assert.deepEqual(found.getRows(), [
      [0, null, null, null, null],
      [1, 'c', 't', 'p', 'h'],
    ])
  })
})
