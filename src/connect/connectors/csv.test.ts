import assert from 'node:assert/strict'
import { appendFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { isCode } from '../../../test/is-code.ts'
import { isMillraceError } from '../../base/index.ts'
import type { ColumnSpecs } from '../columns.ts'
import { BadOriginal, sourceConformance } from '../source-conformance.ts'
import { BadRow, type Source } from '../source.ts'
import { fileOf, folder, read } from './csv.test-support.ts'
import { csv, type CsvOptions } from './csv.ts'

describe('conformance', () => {
  interface Line {
    readonly n: number
    readonly text: string
  }
  const some = ['plain', '"quoted"\nand broken', 'NUL \0', '日本 🙂', '\ufeff', ' spaces ', 'x'.repeat(300)]
  const bounds = [Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, 0]
  const line = (n: number): Line => ({
    n: n < bounds.length ? bounds[n]! : n,
    text: `number ${n}, ${some[n % some.length]!}`,
  })
  const written = ({ n, text }: Line): string => `${n},"${text.replaceAll('"', '""')}"\r\n`
  const rows = Array.from({ length: 8000 }, (_, n) => line(n))
  const content = `n,text\r\n${rows.map(written).join('')}`
  const columns = { n: 'integer', text: 'string' } as const
  const name = 'lines'
  const [file, grown] = [fileOf(content), fileOf(content)]
  const other = fileOf(content.replace('number 1,', 'number 2,'))
  const broken = (n: number): string => `${n},"number\n${n}",more`
  const mixed = fileOf(`n,text\n${rows.map(row => `${written(row)}${broken(row.n)}\n`).join('')}`)
  for (const { name: title, run } of sourceConformance<Line>({
    make: () => csv(file, { columns, name }),
    rows,
    foreignState: { byte: 5, line: 2, header: 'x' },
    replaced: () => csv(other, { columns, name }),
    bad: {
      make: () => csv(mixed, { columns }),
      rows: rows.flatMap(row => [row, new BadOriginal(broken(row.n))]),
    },
  }))
    test(title, run)
  for (const { name: title, run } of sourceConformance<Line>({
    make: () => csv(grown, { columns }),
    rows,
    grow: () => {
      appendFileSync(grown, written(line(8000)) + written(line(8001)))
      return [line(8000), line(8001)]
    },
  }))
    if (title.includes('grown')) test(title, run)
})

describe('rows', () => {
  const check = (
    name: string,
    content: string,
    options: CsvOptions<ColumnSpecs> & { columns: ColumnSpecs },
    expected: unknown[],
  ): void => {
    test(name, async () => {
      const { rows } = await read(csv(fileOf(content), options))
      assert.deepEqual(
        rows.map(row => (row instanceof BadRow ? ['bad', row.original] : row)),
        expected,
      )
    })
  }
  const two = { a: 'string', b: 'string' } as const
  check(
    'quotes, delimiters and line ends inside fields',
    'a,b\n"x,1","he said ""no""\nand left"\n',
    { columns: two },
    [{ a: 'x,1', b: 'he said "no"\nand left' }],
  )
  check(
    'the last line of a complete file needs no line end',
    'a,b\n1,2',
    { columns: two, lastLine: 'complete' },
    [{ a: '1', b: '2' }],
  )
  check('empty lines are passed over', 'a,b\n\n1,2\n\r\n3,4\n\n', { columns: two }, [
    { a: '1', b: '2' },
    { a: '3', b: '4' },
  ])
  check('a byte order mark is not part of the first name', '\ufeffa,b\n1,2\n', { columns: two }, [
    { a: '1', b: '2' },
  ])
  check(
    'columns in another order, and fewer',
    'x,b,a\n1,2,3\n',
    { columns: { a: 'integer', b: 'integer' } },
    [{ a: 3, b: 2 }],
  )
  check(
    'another delimiter, no header',
    '1;2\n3;4\n',
    { columns: { a: 'integer', b: 'integer' }, delimiter: ';', header: false },
    [
      { a: 1, b: 2 },
      { a: 3, b: 4 },
    ],
  )
  check(
    'an empty field is null if the column may be, and a quoted one is empty text',
    'a,b\n,\n"",""\n',
    { columns: { a: 'string?', b: 'string' } },
    [
      { a: null, b: '' },
      { a: '', b: '' },
    ],
  )
  check(
    'another word for nothing',
    'a,b\nNA,NA\n',
    { columns: { a: 'number?', b: 'string' }, nullValue: 'NA' },
    [{ a: null, b: 'NA' }],
  )
  check(
    'every kind',
    'i,n,b,t,d,j,x\n-7,1e3,TRUE,2001-06-14T08:30:00+02:00,2001-06-14,"[1,{}]",aGk=\n',
    {
      columns: { i: 'integer', n: 'number', b: 'boolean', t: 'timestamp', d: 'date', j: 'json', x: 'bytes' },
    },
    [
      {
        i: -7,
        n: 1000,
        b: true,
        t: 992_500_200_000,
        d: '2001-06-14',
        j: [1, {}],
        x: new Uint8Array(Buffer.from('hi')),
      },
    ],
  )
  for (const [kind, text] of [
    ['integer', '1.5'],
    ['integer', '9007199254740993'],
    ['number', 'seven'],
    ['number', ''],
    ['boolean', 'yes'],
    ['timestamp', '2001-02-30T00:00:00Z'],
    ['date', '2001-02-29'],
    ['json', '{'],
    ['bytes', '!'],
  ] as const)
    check(
      `${JSON.stringify(text)} is not a ${kind}`,
      `a,b\n${text.includes('"') ? '' : text},x\n1,y\n`.replace('\n1,y', ''),
      { columns: { a: kind, b: 'string' } },
      [['bad', `${text},x`]],
    )
})

describe('malformed rows', () => {
  const check = (
    name: string,
    content: string | Uint8Array,
    expected: (string | [place: string, original: string])[],
  ): void => {
    test(name, async () => {
      const source = csv(fileOf(content), {
        columns: { a: 'string', b: 'string' },
        lastLine: 'complete',
        recordBytesMax: 5000,
      })
      const { rows, places } = await read(source)
      assert.deepEqual(
        rows.map((row, i) =>
          row instanceof BadRow ? [places[i], Buffer.from(row.original).toString('latin1')] : row.a,
        ),
        expected,
      )
    })
  }
  check('too few and too many fields', 'a,b\n1,2\n3\n4,5,6\n7,8\n', [
    '1',
    ['line 3', '3'],
    ['line 4', '4,5,6'],
    '7',
  ])
  check('a quote that is never closed costs the bytes after it', 'a,b\n1,2\n"3,4\n5,6\n7,8\n', [
    '1',
    ['line 3', '"3,4\n5,6\n7,8\n'],
  ])
  check('a stray quote costs its line only', 'a,b\n1,5" pipe\n2,6" pipe\n3,x\n', [
    ['line 2', '1,5" pipe'],
    ['line 3', '2,6" pipe'],
    '3',
  ])
  check('text after a closing quote', 'a,b\n"1"x,2\n3,4\n', [['line 2', '"1"x,2'], '3'])
  check('bytes that are not UTF-8', Buffer.from('a,b\n\xff,1\n2,3\n', 'latin1'), [['line 2', '\xff,1'], '2'])
  check('line numbers count lines inside quotes', 'a,b\n"1\n1\n1",2\n3\n', ['1\n1\n1', ['line 5', '3']])
  // A malformed record: its lines never become records.
  const lines = 'x,y\nu,v\n'
  for (const [fault, record, original = record] of [
    ['too few fields', `"${lines}"`],
    ['text after a closing quote', `"${lines}"x,"${lines}"`],
    ['a stray quote before', `1" pipe,"${lines}"`],
    ['bytes that are not UTF-8', `1,"${lines}\xff"`],
    ['more bytes than allowed', `1,"${lines.repeat(800)}"`, `1,"${lines.repeat(800)}`.slice(0, 5000)],
    ['more bytes than allowed, in a line', `1,${'2'.repeat(6000)}`, `1,${'2'.repeat(4998)}`],
  ] as const)
    check(`${fault}: one bad row`, Buffer.from(`a,b\n0,0\n${record}\n3,4\n5,"\n`, 'latin1'), [
      '0',
      ['line 3', original],
      '3',
      [`line ${3 + record.split('\n').length + 1}`, '5,"\n'],
    ])
  check('a lone carriage return', 'a,b\n1,2\r3,4\n"5\r",6\n', [['line 2', '1,2\r3,4'], '5\r'])
  check('a quote left open over a long file', `a,b\n"1,2\n${'3,4\n'.repeat(300_000)}`, [
    ['line 2', `"1,2\n${'3,4\n'.repeat(1249)}`.slice(0, 5000)],
  ])
})

describe('files', () => {
  test('a file that has grown is read on', async () => {
    const file = fileOf('a\n1\n2\n')
    const source = csv(file, { columns: { a: 'integer' } })
    const first = await read(source)
    appendFileSync(file, '3\n')
    assert.deepEqual((await read(source, first.resume)).rows, [{ a: 3 }])
  })
  test('a file that is shorter than it was is refused', async () => {
    const file = fileOf('a\n1\n2\n')
    const source = csv(file, { columns: { a: 'integer' } })
    const { resume } = await read(source)
    writeFileSync(file, 'a\n1\n')
    await assert.rejects(read(source, resume), isCode('SOURCE_CHANGED'))
  })
  for (const [name, earlier, later] of [
    ['another file, longer', 'a\n1\n2\n', 'a\n10\n20\n30\n'],
    ['another file of the same length', 'a\n1\n2\n', 'a\n1\n3\n'],
    ['a file with another header', 'a\n1\n2\n', 'b\n1\n2\n3\n'],
    ['a complete file whose last line was written on', 'a\n1\n2', 'a\n1\n23\n'],
    ['a complete file that left a quote open', 'a\n1\n"2\n', 'a\n1\n"2\n"\n'],
    ['a long file that begins otherwise', `a\n1\n${'2\n'.repeat(5000)}`, `a\n3\n${'2\n'.repeat(5000)}`],
    [
      'a long file that differs near the place',
      `a\n${'1\n'.repeat(5000)}`,
      `a\n${'1\n'.repeat(4900)}${'2\n'.repeat(200)}`,
    ],
  ] as const)
    test(`${name} is refused`, async () => {
      const file = fileOf(earlier)
      const lastLine = name.includes('complete') ? 'complete' : 'wait'
      const source = csv(file, { columns: { a: 'integer' }, lastLine })
      const { resume } = await read(source)
      writeFileSync(file, later)
      const again: Source<unknown> = name.includes('header')
        ? csv(file, { columns: { b: 'integer' } })
        : source
      await assert.rejects(
        read(again, resume),
        error => isMillraceError(error, 'SOURCE_CHANGED') && error.message.includes(file),
      )
    })
  test('continues after the line end that a complete last line gets later', async () => {
    for (const [last, end] of [
      ['2', '\n'],
      ['2', '\r\n'],
      ['2\r', '\n'],
    ]) {
      const file = fileOf(`a\n1\n${last}`)
      const source = csv(file, { columns: { a: 'integer' }, lastLine: 'complete' })
      const first = await read(source)
      assert.deepEqual(first.rows, [{ a: 1 }, { a: 2 }])
      assert.deepEqual((await read(source, first.resume)).rows, [])
      appendFileSync(file, `${end}x\n`)
      const { rows, places } = await read(source, first.resume)
      assert.deepEqual([rows.length, places], [1, ['line 4']])
    }
  })
  test('a missing file', async () => {
    await assert.rejects(read(csv(join(folder, 'none.csv'))), isCode('SOURCE_MISSING'))
  })
  test('an empty file', async () => {
    await assert.rejects(read(csv(fileOf(''))), isCode('SOURCE_MALFORMED'))
  })
  test('a folder', async () => {
    await assert.rejects(read(csv(folder)), isCode('SOURCE_MALFORMED'))
  })
  test('something that is not text', async () => {
    await assert.rejects(
      read(csv(fileOf(Buffer.alloc(3_000_000)), { columns: { a: 'string' }, header: false })),
      isCode('SOURCE_MALFORMED'),
    )
  })
  test('other columns than expected: both are named', async () => {
    const source = csv(fileOf('iata,name\nDFW,Dallas\n'), { columns: { iata: 'string', city: 'string' } })
    await assert.rejects(
      read(source),
      error =>
        isMillraceError(error, 'SCHEMA_MISMATCH') &&
        /city: string/.test(error.message) &&
        /\{ iata, name \}/.test(error.message),
    )
  })
  test('two columns of one name, where that one is wanted', async () => {
    const file = fileOf('a,a,b\n1,2,3\n')
    await assert.rejects(read(csv(file)), isCode('SCHEMA_MISMATCH'))
    await assert.rejects(read(csv(file, { columns: { a: 'integer' } })), isCode('SCHEMA_MISMATCH'))
    assert.deepEqual((await read(csv(file, { columns: { b: 'integer' } }))).rows, [{ b: 3 }])
  })
  test('text that is not UTF-8', async () => {
    const columns = { a: 'string', b: 'string' } as const
    const source = csv(fileOf(Buffer.from('a,b\n1,2\n', 'utf16le')), { columns })
    await assert.rejects(read(source), isCode('SOURCE_MALFORMED'))
  })
  test('an unknown kind of column', async () => {
    const source = csv(fileOf('a\n1\n'), { columns: { a: 'int' as 'integer' } })
    await assert.rejects(read(source), isCode('INVALID_ARGUMENT', /'int'.*integer/))
  })
  test('options that cannot work', () => {
    assert.throws(() => csv('x.csv', { delimiter: '"' }), isCode('INVALID_ARGUMENT'))
    assert.throws(() => csv('x.csv', { header: false }), isCode('INVALID_ARGUMENT'))
  })
  test('a file of an npm package, by URL, with all its columns', async () => {
    const file = pathToFileURL(
      join(import.meta.dirname, '../../../node_modules/vega-datasets/data/airports.csv'),
    )
    const { rows } = await read(csv(file))
    assert.equal(rows.length, 3376)
    assert.deepEqual(Object.keys(rows[0]!), [
      'iata',
      'name',
      'city',
      'state',
      'country',
      'latitude',
      'longitude',
    ])
  })
})
