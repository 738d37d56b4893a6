/** A value of a Parquet file is read exactly, or its row is a bad row. */
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { ColumnSpec } from '../columns.ts'
import { BadRow } from '../source.ts'
import { copyTo, rowsIn } from './parquet.test-support.ts'
import { parquetFile, type Field } from './parquet-writer.test-support.ts'

const folder = mkdtempSync(join(tmpdir(), 'millrace-test-parquet-values-'))
after(() => rmSync(folder, { recursive: true }))

let files = 0
const newFile = (): string => join(folder, `${++files}.parquet`)

/** The value in the row, or the reason of its bad row. */
type Outcome = { readonly value: unknown } | { readonly bad: RegExp; readonly letter?: RegExp }

async function check(
  file: string,
  spec: ColumnSpec | undefined,
  outcomes: readonly Outcome[],
): Promise<void> {
  const rows = await rowsIn(file, spec ? { columns: { v: spec } } : {})
  deepEqual(rows.length, outcomes.length)
  for (const [i, outcome] of outcomes.entries()) {
    const row = rows[i]!
    if ('value' in outcome) {
      deepEqual(row, { v: outcome.value })
      continue
    }
    ok(row instanceof BadRow, `row ${i} is ${JSON.stringify(row)}`)
    match(row.reason, /^column 'v'/)
    match(row.reason, outcome.bad)
    match(String(row.original), outcome.letter ?? outcome.bad)
  }
}

const value = (given: unknown): Outcome => ({ value: given })
const bad = (reason: RegExp, letter?: RegExp): Outcome => ({ bad: reason, ...(letter && { letter }) })

/** The SQL of a value, and the expected result. */
type Case = readonly [sql: string, outcome: Outcome]

describe('as DuckDB writes them', () => {
  const queries = new Map<string, string>()
  before(() => copyTo(Object.fromEntries(queries)))
  const safe = 2 ** 53 - 1
  for (const [type, spec, cases] of [
    [
      'BIGINT',
      undefined,
      [
        ['9007199254740991', value(safe)],
        ['-9007199254740991', value(-safe)],
        ['9007199254740993', bad(/9007199254740993/)],
      ],
    ],
    [
      'BIGINT',
      'number',
      [
        ['7', value(7)],
        ['9007199254740993', bad(/9007199254740993/)],
        ['-9007199254740993', bad(/-9007199254740993/)],
      ],
    ],
    [
      'UBIGINT',
      undefined,
      [
        ['7', value(7)],
        ['18446744073709551615', bad(/18446744073709551615/)],
      ],
    ],
    ['UBIGINT', 'number', [['18446744073709551615', bad(/18446744073709551615/)]]],
    [
      'DOUBLE',
      undefined,
      [
        ['1.5', value(1.5)],
        ["'nan'", bad(/nan/)],
        ["'infinity'", bad(/inf/)],
        ["'-infinity'", bad(/-inf/)],
        ['1e300', value(1e300)],
      ],
    ],
    [
      'FLOAT',
      'number?',
      [
        ['1.5', value(1.5)],
        ["'nan'", bad(/nan/)],
        ["'-infinity'", bad(/-inf/)],
        ['NULL', value(null)],
      ],
    ],
    [
      'DECIMAL(38, 2)',
      'number',
      [
        ['12.30', value(12.3)],
        ['9007199254740993', bad(/9007199254740993\.00/)],
        ['9007199254740993.5', value(9007199254740994)],
        ['-9007199254740993', bad(/-9007199254740993/)],
      ],
    ],
    [
      'DECIMAL(18, 0)',
      'number',
      [
        ['9007199254740991', value(safe)],
        ['9007199254740993', bad(/9007199254740993/)],
      ],
    ],
    [
      'DECIMAL(38, 30)',
      'number',
      [
        ['0.1', value(0.1)],
        ['1234567.123456789012345678901234567891', value(Number('1234567.123456789012345678901234567891'))],
      ],
    ],
    ['DECIMAL(38, 0)', undefined, [['9'.repeat(38), value('9'.repeat(38))]]],
    [
      'TIMESTAMP',
      undefined,
      [
        ["'1969-12-31 23:59:59.999999'", value(-1)],
        ["'1969-12-31 23:59:59.998999'", value(-2)],
        ["'1970-01-01 00:00:00.000999'", value(0)],
      ],
    ],
    [
      'TIMESTAMP',
      'timestamp?',
      [
        ["'infinity'", bad(/ infinity/, /infinity/)],
        ["'-infinity'", bad(/-infinity/)],
        ["'0001-01-01'", value(-62135596800000)],
        ["'294247-01-10'", bad(/294247/)],
      ],
    ],
    [
      'TIMESTAMPTZ',
      undefined,
      [
        ["'1969-12-31 23:59:59.999999+00'", value(-1)],
        ["'infinity'", bad(/infinity/)],
      ],
    ],
    [
      'TIMESTAMP_NS',
      undefined,
      [
        ["'1969-12-31 23:59:59.999999999'", value(-1)],
        ["'1969-12-31 23:59:59.998999999'", value(-2)],
        ["'2001-06-14 08:30:00.123456789'", value(Date.UTC(2001, 5, 14, 8, 30, 0, 123))],
        ["'infinity'", bad(/infinity/)],
        ["'-infinity'", bad(/-infinity/)],
      ],
    ],
    [
      'DATE',
      'date?',
      [
        ["'0001-01-01'", value('0001-01-01')],
        ["'9999-12-31'", value('9999-12-31')],
        ["'10000-01-01'", bad(/10000-01-01/)],
        ["'0003-12-31 (BC)'", bad(/0003-12-31 \(BC\)/)],
        ["'infinity'", bad(/infinity/)],
        ["'-infinity'", bad(/-infinity/)],
      ],
    ],
    ['TIME_NS', undefined, [["'10:00:00.123456789'", value('10:00:00.123456789')]]],
    ['TIME', undefined, [["'23:59:59.999999'", value('23:59:59.999999')]]],
    ['INTERVAL', undefined, [["'3 days 2 hours'", value('3 days 02:00:00')]]],
    [
      'UUID',
      undefined,
      [["'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'", value('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11')]],
    ],
    [
      'VARCHAR',
      undefined,
      [
        ["'a' || chr(0) || 'b'", value('a\0b')],
        ["'\u{1f600}'", value('\u{1f600}')],
        ["''", value('')],
      ],
    ],
    ["ENUM('a', 'b')", undefined, [["'b'", value('b')]]],
    [
      'BLOB',
      undefined,
      [
        ["'\\x00\\xff'", value(new Uint8Array([0, 255]))],
        ["''", value(new Uint8Array())],
      ],
    ],
    [
      'GEOMETRY',
      undefined,
      [
        [
          "'POINT (1 2)'",
          value(new Uint8Array(Buffer.from('0101000000000000000000f03f0000000000000040', 'hex'))),
        ],
      ],
    ],
    [
      'STRUCT(x DOUBLE)',
      undefined,
      [
        ["{'x': 1.5}", value({ x: 1.5 })],
        ["{'x': 'nan'}", bad(/NaN/)],
        ["{'x': 'infinity'}", bad(/Infinity/)],
        ["{'x': NULL}", value({ x: null })],
        ['NULL', value(null)],
      ],
    ],
    ['STRUCT(x DOUBLE[])', undefined, [["{'x': ['1', '-infinity']}", bad(/-Infinity/)]]],
    [
      'STRUCT("user" BIGINT)',
      undefined,
      [
        ["{'user': 9007199254740993}", bad(/9007199254740993/)],
        ["{'user': 9007199254740992}", value({ user: 2 ** 53 })],
      ],
    ],
    ['UBIGINT[]', undefined, [['[1, 18446744073709551615]', bad(/18446744073709551615/)]]],
    [
      'MAP(VARCHAR, BIGINT)',
      undefined,
      [
        ["MAP {'a': 1, '__proto__': 2}", value(JSON.parse('{"a":1,"__proto__":2}'))],
        ["MAP {'a': 9007199254740993}", bad(/9007199254740993/)],
      ],
    ],
    [
      'STRUCT(x DECIMAL(38, 2))',
      undefined,
      [
        ["{'x': 12.30}", value({ x: 12.3 })],
        ["{'x': 9007199254740993.00}", bad(/9007199254740993\.00/)],
        ["{'x': 9007199254740993.50}", value({ x: 9007199254740994 })],
      ],
    ],
    [
      'STRUCT(x DOUBLE, f FLOAT)',
      undefined,
      [
        ["{'x': 1152921504606846976, 'f': 0.1}", value({ x: 2 ** 60, f: Math.fround(0.1) })],
        ["{'x': 1e300, 'f': 0.5}", value({ x: 1e300, f: 0.5 })],
      ],
    ],
    [
      'JSON',
      undefined,
      [
        [`'{"a": 9007199254740993}'`, bad(/9007199254740993/)],
        [`'{"a": 1, "a": 2}'`, bad(/one name twice/, /2/)],
        ["'[1e400]'", bad(/1e400/)],
        [`'{"a": 12345678901234567.5}'`, value({ a: 12345678901234568 })],
      ],
    ],
  ] as const satisfies [string, ColumnSpec | undefined, Case[]][]) {
    const file = newFile()
    const values = cases.map(([sql], i) => `SELECT ${i} AS i, CAST(${sql} AS ${type}) AS v`)
    queries.set(file, `SELECT v FROM (${values.join(' UNION ALL ')}) ORDER BY i`)
    test(`${type}${spec === undefined ? '' : ` as ${spec}`}: ${cases.map(([sql]) => sql).join('; ')}`, () =>
      check(
        file,
        spec,
        cases.map(([, outcome]) => outcome),
      ))
  }
})

describe('as others write them', () => {
  const levels = [2, 0, 0, 0, 3, 2, 2, 0, 0, 0, 3, 3]
  for (const [name, field, outcomes] of [
    [
      'a map that has a key twice',
      {
        name: 'v',
        converted: 'MAP',
        of: [
          {
            name: 'key_value',
            repeated: true,
            of: [
              { name: 'key', type: 'BYTE_ARRAY', converted: 'UTF8', values: ['x', 'x'], levels },
              { name: 'value', type: 'INT32', values: [1, 2], levels },
            ],
          },
        ],
      },
      [bad(/"x":1,"x":2.*one name twice/, /x/)],
    ],
    [
      'times that DuckDB itself cannot write',
      { name: 'v', type: 'INT64', converted: 'TIMESTAMP_MICROS', values: [-(2n ** 63n), -1] },
      [bad(/out of range/), value(-1)],
    ],
    [
      'milliseconds that are not whole as a number',
      {
        name: 'v',
        type: 'INT64',
        converted: 'TIMESTAMP_MILLIS',
        values: [9223372036854775n, 8640000000000000n],
      },
      [bad(/294247/), value(8640000000000000)],
    ],
    [
      'days that no calendar has',
      { name: 'v', type: 'INT32', converted: 'DATE', values: [-(2 ** 31), 2 ** 31 - 1] },
      [bad(/BC/), bad(/infinity/)],
    ],
  ] as const satisfies [string, Field, Outcome[]][])
    test(name, async () => {
      const file = newFile()
      writeFileSync(file, parquetFile(outcomes.length, [field]))
      await check(file, undefined, outcomes)
    })
})

test('a bad row keeps its other values', async () => {
  const file = newFile()
  await copyTo({
    [file]: `SELECT 7 AS n, 18446744073709551615::UBIGINT AS u, DATE 'infinity' AS d, {'x': 'nan'::DOUBLE} AS s`,
  })
  const [row] = await rowsIn(file)
  ok(row instanceof BadRow)
  deepEqual(JSON.parse(String(row.original)), {
    n: 7,
    u: '18446744073709551615',
    d: 'infinity',
    s: '{"x":NaN}',
  })
})

test('a number that JavaScript cannot hold can be read as text', async () => {
  const file = newFile()
  await copyTo({ [file]: 'SELECT 9007199254740993 AS id, 1 AS n' })
  deepEqual(await rowsIn(file, { select: { id: 'CAST(id AS VARCHAR)' } }), [{ id: '9007199254740993', n: 1 }])
})

test('text of times does not depend on the time zone of the machine', async () => {
  const file = newFile()
  await copyTo({ [file]: `SELECT {'at': TIMESTAMPTZ '2001-06-14 08:30:00+02'} AS v` })
  const program = `import { rowsIn } from ${JSON.stringify(new URL('parquet.test-support.ts', import.meta.url).href)}
    console.log(JSON.stringify(await rowsIn(${JSON.stringify(file)})))`
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    env: { ...process.env, TZ: 'Asia/Tokyo' },
    encoding: 'utf8',
  })
  equal(stdout, '[{"v":{"at":"2001-06-14 06:30:00+00"}}]\n')
})
