/**
 * The source reads exactly the named file, with its columns by their exact names. It refuses other files, and
 * names their format.
 */
import { deepEqual, equal, rejects, throws } from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, describe, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { isCode } from '../../../test/is-code.ts'
import { systemClock, type ErrorCode } from '../../base/index.ts'
import type { ColumnSpecs } from '../columns.ts'
import { parquet, type ParquetOptions } from './parquet.ts'
import { copyTo, rowsIn, rowsOf } from './parquet.test-support.ts'
import { parquetFile, type Field } from './parquet-writer.test-support.ts'

const folder = mkdtempSync(join(tmpdir(), 'millrace-test-parquet-files-'))
after(() => rmSync(folder, { recursive: true }))

/** A file in a new folder. */
function written(name: string, bytes: Uint8Array): string {
  const file = join(mkdtempSync(join(folder, 'f')), name)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, bytes)
  return file
}

const number = (name: string, ...values: readonly number[]): Field => ({ name, type: 'INT32', values })
const oneRow = (names: readonly string[]): Buffer =>
  parquetFile(
    1,
    names.map((name, n) => number(name, n + 1)),
  )

describe('paths', () => {
  for (const name of [
    'a*b.parquet',
    'a?b.parquet',
    'a[X]b.parquet',
    '[!x]*.parquet',
    '**',
    "it's; here.parquet",
    '{a,b}.parquet',
    '~',
    'a\\b.parquet',
    'file:x.parquet',
    'x.parquet?a=1',
    'r*/part[1].parquet',
  ])
    test(`${name} is that file only, and continues`, async () => {
      const file = written(name, oneRow(['mine']))
      for (const other of ['aXb.parquet', 'x', 'x.parquet', 'X'])
        writeFileSync(join(dirname(file), other), oneRow(['theirs']))
      deepEqual(await rowsIn(file), [{ mine: 1 }])
      const reader = await parquet(file).open(undefined, {
        clock: systemClock,
        signal: new AbortController().signal,
      })
      const { resume } = (await reader.next())!
      await reader.close()
      deepEqual(await rowsOf(parquet(file), resume), [])
    })
  test('a pattern beside a backslash is refused, since DuckDB would look for another file', async () => {
    await rejects(rowsIn(written('a\\*.parquet', oneRow(['a']))), isCode('INVALID_ARGUMENT', /backslash/))
  })
  test('the names of folders are not columns', async () => {
    const file = written('region=EU/year=2001/part.parquet', oneRow(['region', 'n']))
    deepEqual(await rowsIn(file), [{ region: 1, n: 2 }])
    deepEqual(await rowsIn(file, { columns: { region: 'integer' } }), [{ region: 1 }])
    await rejects(rowsIn(file, { columns: { year: 'integer' } }), isCode('SCHEMA_MISMATCH', /year missing/))
  })
  for (const [what, path] of [
    ['nothing', undefined],
    ['empty text', ''],
    ['a URL of the web', new URL('http://localhost/a.parquet')],
  ] as const)
    test(`${what} is not a path`, () => {
      throws(() => parquet(path as string), isCode('INVALID_ARGUMENT'))
    })
})

describe('names of columns', () => {
  test('odd ones are read, by themselves and all together', async () => {
    const names = [
      '',
      'constructor',
      '__proto__',
      'toString',
      'hasOwnProperty',
      'file_row_number',
      'filename',
      'file_index',
      'rowid',
      'a\0b',
      '"',
      "'",
      '\u00c9',
      '\u00e9',
      'select',
      'millrace_file',
      'x0',
      'c1',
      'k0',
      'n',
      'row',
      '1',
      'a b',
      'column 1 of the file',
      '\u{1f600}',
      '*',
    ]
    const file = written('odd.parquet', oneRow(names))
    const all = Object.fromEntries(names.map((name, n) => [name, n + 1]))
    deepEqual(await rowsIn(file), [all])
    deepEqual(
      await rowsIn(file, {
        columns: Object.fromEntries(names.map(name => [name, 'integer'])) as ColumnSpecs,
      }),
      [all],
    )
    for (const name of ['__proto__', 'constructor', '', 'file_row_number'])
      deepEqual(await rowsIn(file, { columns: Object.fromEntries([[name, 'integer']]) as ColumnSpecs }), [
        Object.fromEntries([[name, all[name]]]),
      ])
  })
  test('those that differ in case only are told apart', async () => {
    const file = written('case.parquet', oneRow(['A', 'a', 'B']))
    deepEqual(await rowsIn(file), [{ A: 1, a: 2, B: 3 }])
    deepEqual(await rowsIn(file, { columns: { a: 'integer' } }), [{ a: 2 }])
    await rejects(
      rowsIn(file, { columns: { b: 'integer' } }),
      isCode('SCHEMA_MISMATCH', /b missing. Did you mean 'B'\?/),
    )
    // In SQL they cannot be; others can.
    await rejects(
      rowsIn(file, { columns: { x: 'integer' }, select: { x: 'a + 1' } }),
      isCode('SCHEMA_MISMATCH', /'A', 'a'/),
    )
    deepEqual(
      await rowsIn(file, { columns: { x: 'integer', a: 'integer' }, select: { x: 'b + 1' }, where: 'B = 3' }),
      [{ x: 4, a: 2 }],
    )
  })
  test('fields within a column that differ in case only are refused by name', async () => {
    const file = written(
      'within.parquet',
      parquetFile(1, [number('n', 7), { name: 's', of: [number('A', 1), number('a', 2)] }]),
    )
    await rejects(rowsIn(file), isCode('SCHEMA_MISMATCH', /'s' .*'A', 'a'.*Leave it out with columns/))
    deepEqual(await rowsIn(file, { columns: { n: 'integer' } }), [{ n: 7 }])
  })
  test('fields within a column have any name', async () => {
    const names = ['', '__proto__', 'constructor', 'a\0b', '"', 'key']
    const file = written(
      'fields.parquet',
      parquetFile(1, [{ name: 's', of: names.map((name, n) => number(name, n)) }]),
    )
    deepEqual(await rowsIn(file), [{ s: Object.fromEntries(names.map((name, n) => [name, n])) }])
  })
  test('a duplicate name is refused, and others are read', async () => {
    const file = written('twice.parquet', oneRow(['a', 'a', 'b']))
    await rejects(rowsIn(file), isCode('SCHEMA_MISMATCH', /'a'.*Set columns without/))
    deepEqual(await rowsIn(file, { columns: { b: 'integer' } }), [{ b: 3 }])
  })
  test('file_row_number is the number of the row, where the file has no such column or SQL asks', async () => {
    const own = written('own.parquet', parquetFile(2, [number('file_row_number', 7, 8)]))
    deepEqual(await rowsIn(own, { select: { row: 'file_row_number' } }), [
      { file_row_number: 7, row: 0 },
      { file_row_number: 8, row: 1 },
    ])
    const other = written('other.parquet', parquetFile(2, [number('n', 7, 8)]))
    deepEqual(
      await rowsIn(other, { columns: { n: 'integer', file_row_number: 'integer' }, orderBy: ['-n'] }),
      [
        { n: 8, file_row_number: 1 },
        { n: 7, file_row_number: 0 },
      ],
    )
  })
})

describe('an unreadable file is refused with its fault, and the advice works', () => {
  const half = parquetFile(1, [{ ...number('bad', 1), codec: 'lz4' }, number('good', 2)])
  const notText = parquetFile(1, [
    { name: 'bad', type: 'BYTE_ARRAY', converted: 'UTF8', values: [new Uint8Array([255])] },
    number('good', 2),
  ])
  const notJson = parquetFile(1, [
    { name: 'bad', type: 'BYTE_ARRAY', converted: 'JSON', values: ['{nope'] },
    number('good', 2),
  ])
  for (const [name, bytes, about] of [
    ['a codec', half, /does not support: column 'bad' .*LZ4.*Leave such columns out/],
    ['text that is not UTF-8', notText, /not UTF-8: column 'bad'.*Leave such columns out/],
    ['JSON that is not JSON', notJson, /not JSON: column 'bad'.*Leave such columns out/],
    [
      'encrypted columns',
      damaged(parquetFile(1, [number('bad', 1), number('good', 2)], { encrypted: true }), 6),
      /encrypted columns.*'bad'.*Leave them out/,
    ],
    [
      'a damaged page',
      damaged(parquetFile(1, [number('bad', 1), number('good', 2)]), 6),
      /column 'bad'.*damaged.*fetch it again/,
    ],
  ] as const)
    test(name, async () => {
      const file = written('half.parquet', bytes)
      await rejects(rowsIn(file), isCode('SOURCE_MALFORMED', about))
      deepEqual(await rowsIn(file, { columns: { good: 'integer' } }), [{ good: 2 }])
    })

  /** Nothing of the first page's header makes sense any more. */
  function damaged(bytes: Buffer, length: number): Buffer {
    return bytes.fill(0xff, 4, 4 + length)
  }

  const sound = oneRow(['a', 'b'])
  for (const [name, bytes, about] of [
    ['an empty file', Buffer.alloc(0), /is empty/],
    ['a file that is cut short', sound.subarray(0, sound.length - 5), /is cut short/],
    ['gzip', gzipSync(sound), /compressed with gzip.*Decompress it/],
    ['Zstandard', Buffer.from('28b52ffd00000000000000000000', 'hex'), /Zstandard/],
    ['an Arrow file', Buffer.from('ARROW1\0\0..........ARROW1'), /Arrow/],
    ['CSV', Buffer.from('a,b\n1,2\n3,4\n5,6\n'), /does not begin with PAR1/],
    ['an encrypted file', Buffer.from('PARE..................PARE'), /is encrypted.*Decrypt it/],
  ] as const)
    test(name, async () => {
      await rejects(rowsIn(written('x.parquet', bytes)), isCode('SOURCE_MALFORMED', about))
    })

  test('names each type that no kind holds, with an alternative', async () => {
    const file = join(folder, 'variant.parquet')
    await copyTo({ [file]: 'SELECT 1 AS good, 2::VARIANT AS v, 3::VARIANT AS w' })
    await rejects(
      rowsIn(file),
      isCode(
        'SCHEMA_MISMATCH',
        /does not read: \{ v: VARIANT, w: VARIANT \}.*columns: \{ "good": 'integer\?' \}.*select: \{ "v": /,
      ),
    )
    deepEqual(await rowsIn(file, { columns: { good: 'integer?' } }), [{ good: 1 }])
    deepEqual(await rowsIn(file, { columns: { v: 'string' }, select: { v: 'CAST(v AS VARCHAR)' } }), [
      { v: '2' },
    ])
  })
})

describe('memory', () => {
  const wide = join(folder, 'wide.parquet')
  const texts = Array.from({ length: 24 }, (_, c) => `lpad(CAST(n * ${c + 1} AS VARCHAR), 20, 'x') AS c${c}`)
  const write = copyTo({ [wide]: `SELECT n, ${texts.join(', ')} FROM range(100000) r(n)` })

  test('an ordinary row group is read without options', async () => {
    await write
    const reader = await parquet(wide).open(undefined, {
      clock: systemClock,
      signal: new AbortController().signal,
    })
    equal((await reader.next())?.rows.length, 2048)
    equal(reader.total, 100_000)
    await reader.close()
  })

  test('a row group that is larger than memoryLimit says so, and is read with more', async () => {
    await write
    const texts24 = Object.fromEntries(texts.map((_, c) => [`c${c}`, 'string'])) as ColumnSpecs
    await rejects(
      rowsIn(wide, { columns: texts24, memoryLimit: '16MB' }),
      isCode('LIMIT_EXCEEDED', /memoryLimit allows, 16MB.*Set memoryLimit to more/),
    )
    equal((await rowsIn(wide, { columns: texts24, where: 'n < 10' })).length, 10)
  })

  test('a query that runs out of memory halfway does not look complete', async () => {
    // Each row group is read at another time; the last one has a value too large for the limit.
    const file = join(folder, 'halfway.parquet')
    await copyTo(
      {
        [file]: `SELECT n, repeat('x', CASE WHEN n = 199999 THEN 40000000 ELSE 10 END) AS v FROM range(200000) r(n)`,
      },
      ', ROW_GROUP_SIZE 50000, COMPRESSION uncompressed',
    )
    await rejects(rowsIn(file, { memoryLimit: '32MB' }), isCode('LIMIT_EXCEEDED', /32MB/))
  })
})

describe('options', () => {
  const file = written('options.parquet', oneRow(['a', 'b']))
  for (const [name, options, code, about] of [
    ['an unknown option', { memory: '1GB' }, 'INVALID_ARGUMENT', /memoryLimit/],
    ['a kind that does not exist', { columns: { a: 'int' } }, 'INVALID_ARGUMENT', /'int'.*integer/],
    ['a kind that is not text', { columns: { a: 5 } }, 'INVALID_ARGUMENT', /5/],
    ['threads that are not a count', { threads: 0 }, 'INVALID_ARGUMENT', /threads/],
    ['SQL that is not text', { where: true }, 'INVALID_ARGUMENT', /where/],
    ['an order that is not a list', { orderBy: 'a' }, 'INVALID_ARGUMENT', /orderBy/],
    [
      'a select that is not used',
      { columns: { a: 'integer' }, select: { c: 'a' } },
      'INVALID_ARGUMENT',
      /'c'/,
    ],
    [
      'a memory limit that DuckDB does not know',
      { memoryLimit: '12 apples' },
      'INVALID_ARGUMENT',
      /memoryLimit/,
    ],
    ['a filter that fails at a row', { where: "CAST('x' || a AS INTEGER) > 1" }, 'INVALID_ARGUMENT', /TRY\(/],
    [
      'an expression that fails at a row',
      { columns: { x: 'integer?' }, select: { x: "CAST('x' || a AS INTEGER)" } },
      'INVALID_ARGUMENT',
      /TRY\(/,
    ],
  ] as const satisfies [string, object, ErrorCode, RegExp][])
    test(name, async () => {
      await rejects(
        async () => await rowsIn(file, options as ParquetOptions<ColumnSpecs>),
        isCode(code, about),
      )
    })
  test('TRY gives null where an expression fails', async () => {
    deepEqual(
      await rowsIn(file, { columns: { x: 'integer?' }, select: { x: "TRY(CAST('x' || a AS INTEGER))" } }),
      [{ x: null }],
    )
  })
  test('an order and a filter see the names of the file, not those of the query', async () => {
    const names = ['n', 'x0', 'c0', 'k0']
    const columns = names.map((name, n): Field => number(name, n, 9 - n, (n + 2) % 4))
    const other = written('order.parquet', parquetFile(3, columns))
    for (const [c, name] of names.entries()) {
      const values = [c, 9 - c, (c + 2) % 4].toSorted((a, b) => b - a)
      const rows = await rowsIn(other, { columns: { [name]: 'integer' }, orderBy: [`-${name}`] })
      deepEqual(
        rows,
        values.map(value => ({ [name]: value })),
      )
      deepEqual(await rowsIn(other, { columns: { [name]: 'integer' }, where: `${name} = 9 - ${c}` }), [
        { [name]: 9 - c },
      ])
    }
  })
  test('an expression may end with a comment', async () => {
    deepEqual(
      await rowsIn(file, {
        columns: { x: 'integer' },
        select: { x: 'a -- first' },
        where: 'a = 1 -- only',
        orderBy: ['a -- up'],
      }),
      [{ x: 1 }],
    )
  })
  test("a source without columns gives the file's number of rows", async () => {
    deepEqual(await rowsIn(file, { columns: {} }), [{}])
  })
  test('detects a filter with varying results', async () => {
    const many = join(folder, 'many.parquet')
    await copyTo({ [many]: 'SELECT n FROM range(20000) r(n)' })
    await rejects(rowsIn(many, { where: 'random() < 0.5' }), isCode('SOURCE_MALFORMED', /random\(\)/))
  })
})
