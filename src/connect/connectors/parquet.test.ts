import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { DuckDBInstance } from '@duckdb/node-api'
import { isCode } from '../../../test/is-code.ts'
import { systemClock, type ErrorCode } from '../../base/index.ts'
import type { ColumnSpecs } from '../columns.ts'
import { BadOriginal, sourceConformance } from '../source-conformance.ts'
import { BadRow, type ResumeState, type Source } from '../source.ts'
import { rowsOf } from './parquet.test-support.ts'
import { parquet, type ParquetOptions } from './parquet.ts'

const folder = mkdtempSync(join(tmpdir(), 'millrace-test-parquet-'))
after(() => rmSync(folder, { recursive: true }))
const numbers = join(folder, 'numbers.parquet')
const kinds = join(folder, 'kinds.parquet')
const others = join(folder, 'others.parquet')
const mixed = join(folder, 'mixed.parquet')
const mixedCount = 5000
const count = 10_000

before(async () => {
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  // Few distinct values to sort by, so that ties are many; one in ten is null.
  await connection.run(`COPY (SELECT n, CASE WHEN n % 10 = 3 THEN NULL ELSE (n * 7919) % 13 END AS k, 'row ' || n AS text FROM range(${count}) r(n))
    TO '${numbers}' (FORMAT parquet, ROW_GROUP_SIZE 2048)`)
  await connection.run(`COPY (SELECT * FROM (VALUES
      (1::TINYINT, 5000000000::BIGINT, 1.5::DOUBLE, 12.30::DECIMAL(10, 2), true, TIMESTAMP '2001-06-14 08:30:00.5', DATE '2001-06-14', 'text', 'hi'::BLOB, [1, 2], {'a': NULL}, '2001-06-14 08:30:00+02'::TIMESTAMPTZ),
      (2::TINYINT, 9007199254740993::BIGINT, 'nan'::DOUBLE, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)
    ) v(small, big, approximate, exact, yes, "at", day, word, bytes, list, struct, zoned)) TO '${kinds}' (FORMAT parquet)`)
  await connection.run(
    `COPY (SELECT n + 1 AS n, n AS k, 'row ' || n AS text FROM range(${count}) r(n)) TO '${others}' (FORMAT parquet)`,
  )
  await connection.run(
    `COPY (SELECT n, CASE WHEN n % 7 = 3 THEN 'nan' ELSE n / 2 END::DOUBLE AS double FROM range(${mixedCount}) r(n)) TO '${mixed}' (FORMAT parquet)`,
  )
  connection.closeSync()
  instance.closeSync()
})

describe('conformance, sorted with ties and nulls', () => {
  const key = (n: number): number => (n % 10 === 3 ? Infinity : (n * 7919) % 13)
  const rows = Array.from({ length: count }, (_, n) => ({
    n,
    k: n % 10 === 3 ? null : (n * 7919) % 13,
    text: `row ${n}`,
  }))
  rows.sort((a, b) => key(a.n) - key(b.n) || a.n - b.n)
  const columns = { n: 'integer', k: 'integer?', text: 'string' } as const
  const make = (): Source<(typeof rows)[number]> => parquet(numbers, { columns, orderBy: ['k'] })
  const replaced = (): Source<(typeof rows)[number]> =>
    parquet(others, { columns, orderBy: ['k'], name: make().name })
  for (const { name, run } of sourceConformance({
    make,
    rows,
    foreignState: { row: 1, query: 'x' },
    replaced,
  }))
    test(name, run)
})

describe('conformance, in the order of the file, filtered', () => {
  const rows = Array.from({ length: count }, (_, n) => ({ n, double: n * 2 })).filter(({ n }) => n % 3 > 0)
  const make = (): Source<(typeof rows)[number]> =>
    parquet(numbers, {
      columns: { n: 'integer', double: 'integer' },
      select: { double: 'n * 2' },
      where: 'n % 3 > 0',
    })
  const bad = {
    make: () => parquet(mixed, { columns: { n: 'integer', double: 'number' } }),
    rows: Array.from({ length: mixedCount }, (_, n) =>
      n % 7 === 3 ? new BadOriginal(`{"n":${n},"double":"nan"}`) : { n, double: n / 2 },
    ),
  }
  for (const { name, run } of sourceConformance({ make, rows, bad })) test(name, run)
})

test('removes temporary files of killed processes', async () => {
  const left = join(tmpdir(), `millrace-parquet-${spawnSync(process.execPath, ['-e', '']).pid}-left`)
  mkdirSync(left)
  await rowsOf(parquet(kinds, { columns: { small: 'integer' } }))
  assert.equal(existsSync(left), false)
})

describe('rows', () => {
  test('every type of the file, where none is asked for', async () => {
    const [first, second] = await rowsOf(parquet(kinds))
    assert.deepEqual(first, {
      small: 1,
      big: 5e9,
      approximate: 1.5,
      exact: '12.30',
      yes: true,
      at: Date.parse('2001-06-14T08:30:00.500Z'),
      day: '2001-06-14',
      word: 'text',
      bytes: new Uint8Array(Buffer.from('hi')),
      list: [1, 2],
      struct: { a: null },
      zoned: Date.parse('2001-06-14T06:30:00Z'),
    })
    assert.ok(second instanceof BadRow)
  })
  test('decimals as numbers, if asked for', async () => {
    assert.deepEqual(await rowsOf(parquet(kinds, { columns: { exact: 'number?' } })), [
      { exact: 12.3 },
      { exact: null },
    ])
  })
  for (const [name, columns] of [
    ['a number that JavaScript cannot hold', { big: 'integer' }],
    ['a number that JSON cannot hold', { approximate: 'number' }],
    ['null where the program expects none', { word: 'string' }],
  ] as const satisfies [string, ColumnSpecs][])
    test(`${name} makes a bad row, and names the column`, async () => {
      const [, bad] = await rowsOf(parquet(kinds, { columns: columns }))
      assert.ok(bad instanceof BadRow)
      assert.match(bad.reason, new RegExp(`'${Object.keys(columns)[0]}'`))
    })
})

describe('unreadable files and queries', () => {
  const check = (
    name: string,
    source: () => Source<unknown>,
    code: ErrorCode,
    about?: RegExp,
    resume?: ResumeState,
  ): void => {
    test(name, async () => {
      await assert.rejects(rowsOf(source(), resume), isCode(code, about))
      assert.deepEqual(
        readdirSync(tmpdir()).filter(entry => entry.startsWith(`millrace-parquet-${process.pid}-`)),
        [],
        'leaves no temporary files',
      )
    })
  }
  const written = (name: string, bytes: Uint8Array): string => {
    const file = join(folder, name)
    writeFileSync(file, bytes)
    return file
  }
  const columns =
    (specs: ColumnSpecs, options: ParquetOptions<ColumnSpecs> = {}) =>
    () =>
      parquet(numbers, { ...options, columns: specs })

  check('a missing file', () => parquet(join(folder, 'none.parquet')), 'SOURCE_MISSING', /none\.parquet/)
  check('a folder', () => parquet(folder), 'SOURCE_MISSING')
  check('an empty file', () => parquet(written('empty', Buffer.alloc(0))), 'SOURCE_MALFORMED')
  check(
    'something else',
    () => parquet(written('text', Buffer.from('PAR1, or so it says. PAR1'))),
    'SOURCE_MALFORMED',
  )
  check(
    'a file that is cut short',
    () => parquet(written('short', readFileSync(numbers).subarray(0, 20_000))),
    'SOURCE_MALFORMED',
  )
  check(
    'a file that is damaged inside',
    () => {
      const bytes = readFileSync(numbers)
      bytes.fill(0xff, 1000, bytes.length - 8000)
      return parquet(written('damaged', bytes))
    },
    'SOURCE_MALFORMED',
  )
  check(
    'a missing column: names the existing ones',
    columns({ n: 'integer', city: 'string' }),
    'SCHEMA_MISMATCH',
    /city missing.*n: BIGINT/s,
  )
  check(
    'a column of another type: names both',
    columns({ n: 'string' }),
    'SCHEMA_MISMATCH',
    /n: string.*n: BIGINT/s,
  )
  check(
    'an expression that is wrong',
    columns({ n: 'integer' }, { select: { n: 'nope(n)' } }),
    'SCHEMA_MISMATCH',
    /nope/,
  )
  check('a filter that is wrong', columns({ n: 'integer' }, { where: 'm > 1' }), 'INVALID_ARGUMENT', /m/)
  check('an order that is wrong', columns({ n: 'integer' }, { orderBy: ['n DESC'] }), 'INVALID_ARGUMENT')
  check('a resume state of another query', columns({ n: 'integer' }), 'SOURCE_CHANGED', /numbers/, {
    row: 7,
    query: '0123456789abcdef',
  })

  test('a file that was replaced', async () => {
    const file = join(folder, 'replaced.parquet')
    copyFileSync(numbers, file)
    const source = parquet(file)
    const reader = await source.open(undefined, { clock: systemClock, signal: new AbortController().signal })
    const { resume } = (await reader.next())!
    await reader.close()
    copyFileSync(kinds, file)
    await assert.rejects(rowsOf(source, resume), isCode('SOURCE_CHANGED'))
    assert.ok(existsSync(file))
  })

  test('a file that was replaced by one as long', async () => {
    const file = join(folder, 'as-long.parquet')
    const bytes = readFileSync(numbers)
    writeFileSync(file, bytes)
    const source = parquet(file, { columns: { n: 'integer' } })
    const reader = await source.open(undefined, { clock: systemClock, signal: new AbortController().signal })
    const { resume } = (await reader.next())!
    await reader.close()
    // The footer has the name of the writer.
    const writer = bytes.lastIndexOf('DuckDB')
    assert.ok(writer > 0)
    writeFileSync(file, bytes.fill('duckdb', writer, writer + 6))
    await assert.rejects(rowsOf(source, resume), isCode('SOURCE_CHANGED'))
  })
})
