/** Edge cases of CSV files: unfinished, moved, in another format. */
import assert from 'node:assert/strict'
import { appendFileSync, copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { z } from 'zod'
import { isCode } from '../../../test/is-code.ts'
import { isMillraceError } from '../../base/index.ts'
import { topic } from '../../schema/index.ts'
import { CrashingLog } from '../crashing-log.test-support.ts'
import { publish } from '../publish.ts'
import { BadRow, type ResumeState, type Source } from '../source.ts'
import { fileOf, folder, read, type Read } from './csv.test-support.ts'
import { csv, csvInBlocks } from './csv.ts'

const two = { a: 'string', b: 'string' } as const

/** Rows as `a=1 b=2`, malformed ones as `bad`. */
function shown({ rows }: Read<unknown>): string[] {
  return rows.map(row =>
    row instanceof BadRow
      ? 'bad'
      : Object.entries(row as Record<string, unknown>)
          .map(([name, value]) => `${name}=${String(value)}`)
          .join(' '),
  )
}

describe('long records', () => {
  const long = Array.from({ length: 60_000 }, (_, n) => `line ${n}, of the text`).join('\n')
  const threeRows = (): string => fileOf(`id,text\n1,a\n2,"${long}"\n3,c\n`)

  test('C1: reads a quoted field of 1.4 MB with 60,000 lines', async () => {
    const { rows, places } = await read(csv(threeRows(), { columns: { id: 'integer', text: 'string' } }))
    assert.deepEqual(rows, [
      { id: 1, text: 'a' },
      { id: 2, text: long },
      { id: 3, text: 'c' },
    ])
    assert.deepEqual(places, ['line 2', 'line 3', 'line 60003'])
  })

  test('C1: with a lower limit the field is one bad row, which names the option', async () => {
    const source = csv(threeRows(), { recordBytesMax: 1_000_000 })
    const { rows, places } = await read(source)
    assert.deepEqual(
      rows.map(row => (row instanceof BadRow ? 'bad' : row['id'])),
      ['1', 'bad', '3'],
    )
    assert.deepEqual(places, ['line 2', 'line 3', 'line 60003'])
    const bad = rows[1] as BadRow
    assert.match(bad.reason, /recordBytesMax/)
    assert.equal(Buffer.from(bad.original).toString(), `2,"${long}`.slice(0, 64 * 1024))
  })

  test('a record that is too long is one bad row, wherever a run stops in it', async () => {
    const content = `a||b\n1||2\n3||"${'x,"",y\n'.repeat(700)}"||"\n"\n4||5\n`
    const file = fileOf('')
    let resume: ResumeState | undefined
    const seen: string[] = []
    for (let at = 0; at < content.length; at += 13) {
      appendFileSync(file, content.slice(at, at + 13))
      const found = await read(csv(file, { columns: two, delimiter: '||', recordBytesMax: 100 }), resume)
      resume = found.resume
      seen.push(...shown(found).map((row, i) => `${found.places[i]} ${row}`))
    }
    assert.deepEqual(seen, ['line 2 a=1 b=2', 'line 3 bad', `line ${700 + 5} a=4 b=5`])
  })

  test('the limit of a record does not count its line end', async () => {
    for (const end of ['\n', '\r\n'])
      assert.deepEqual(
        shown(
          await read(csv(fileOf(['a,b', '12345,789', '12345,7890', ''].join(end)), { recordBytesMax: 9 })),
        ),
        ['a=12345 b=789', 'bad'],
      )
  })
})

describe('unfinished files', () => {
  test('C2: an unfinished last line waits for its rest', async () => {
    const file = fileOf('key,n\na,1\nb,12')
    const source = csv(file, { columns: { key: 'string', n: 'integer' } })
    const first = await read(source)
    assert.deepEqual(shown(first), ['key=a n=1'])
    assert.match(first.waiting!, /last line, 3, has no line end.*set lastLine: 'complete'/)
    // Follows the advice.
    const complete = csv(file, { columns: { key: 'string', n: 'integer' }, lastLine: 'complete' })
    assert.deepEqual(shown(await read(complete, first.resume)), ['key=b n=12'])
    appendFileSync(file, '345\nc,3\n')
    const second = await read(source, first.resume)
    assert.deepEqual(shown(second), ['key=b n=12345', 'key=c n=3'])
    assert.equal(second.waiting, undefined)
  })

  test('a quote that is open waits for its rest, and says so', async () => {
    const file = fileOf('a,b\n1,2\n3,"4\n5,6\n')
    const first = await read(csv(file, { columns: two }))
    assert.deepEqual(shown(first), ['a=1 b=2'])
    assert.match(first.waiting!, /line 3 opens a quote/)
    appendFileSync(file, '"\n7,8\n')
    assert.deepEqual(shown(await read(csv(file, { columns: two }), first.resume)), [
      'a=3 b=4\n5,6\n',
      'a=7 b=8',
    ])
  })

  for (const content of [
    '\ufeff"a","b\nc"\r\n1,"2"\r\n',
    'sep=;\n\n"a";b\n1;2\n',
    'a,b\r1,2\r',
    '"a",b\n"1\r\n",2\n',
  ])
    test(`rows do not depend on where a run meets the writer: ${JSON.stringify(content)}`, async () => {
      const bytes = Buffer.from(content)
      const expected = shown(await read(csv(fileOf(bytes))))
      assert.equal(expected.length, 1)
      for (let cut = 1; cut < bytes.length; cut++) {
        const file = fileOf(bytes.subarray(0, cut))
        const first = await read(csv(file))
        appendFileSync(file, bytes.subarray(cut))
        const second = await read(csv(file), first.resume)
        assert.deepEqual([...shown(first), ...shown(second)], expected, `cut at ${cut}`)
      }
    })

  test('rows do not depend on where a block ends', async () => {
    const file = fileOf('# "\na||"b"\n1||"2\n3"\n\n4||"5""|"\r\n"6|"||"||"\n')
    const expected = ['a=1 b=2\n3', 'a=4 b=5"|', 'a=6| b=||']
    for (let block = 1; block < 60; block++) {
      const options = { columns: two, delimiter: '||', comment: '# ' } as const
      assert.deepEqual(shown(await read(csvInBlocks(file, options, block))), expected, `blocks of ${block}`)
    }
  })

  test('C8: lines are counted by their ends, also where the last one gets its end later', async () => {
    const file = fileOf('a,n\n1,1\n2,2')
    const source = csv(file, { columns: { a: 'integer', n: 'integer' }, lastLine: 'complete' })
    const { resume } = await read(source)
    appendFileSync(file, '\nc,x')
    assert.deepEqual((await read(source, resume)).places, ['line 4'])
  })
})

describe('identity', () => {
  const inFolder = (name: string, content: string): string => {
    mkdirSync(join(folder, name), { recursive: true })
    const file = join(folder, name, 'sales.csv')
    writeFileSync(file, content)
    return file
  }
  const columns = { key: 'string', n: 'integer' } as const
  const january = (): string => inFolder('2024-01', 'key,n\na,1\n')

  test('C3: a file of the same name in another folder is another file', async () => {
    const { resume } = await read(csv(january(), { columns }))
    const february = inFolder('2024-02', 'key,n\na,1\nb,2\n')
    const other = csv(february, { columns })
    await assert.rejects(
      read(other, resume),
      isCode('SOURCE_CHANGED', /csv\(path, \{ name: 'csv-sales\.csv' \}\)/),
    )
    // Follows the advice: its own name, which has no state; or the same name, for a file that was moved.
    assert.deepEqual(shown(await read(csv(february, { columns, name: 'february' }))), [
      'key=a n=1',
      'key=b n=2',
    ])
    assert.deepEqual(shown(await read(csv(february, { columns, name: 'csv-sales.csv' }), resume)), [
      'key=b n=2',
    ])
  })

  test('continues a state of 0.1.0, and adds the path and first bytes', async () => {
    const file = january()
    // As 0.1.0 wrote it: hashes of the header, and of the bytes before the place.
    const old = { byte: 10, line: 3, header: 'bb83e75a5a4a4d38', tail: '' }
    const { resume } = await read(csv(file, { columns }))
    const { header, tail } = resume as { header: string; tail: string }
    Object.assign(old, { header, tail })
    const upgraded = await read(csv(file, { columns }), old)
    assert.deepEqual(upgraded.rows, [])
    assert.deepEqual(upgraded.resume, resume)
    appendFileSync(file, 'b,x\n')
    const grown = await read(csv(file, { columns }), old)
    assert.deepEqual([shown(grown), grown.places], [['bad'], ['line 3']])
    await assert.rejects(
      read(csv(inFolder('2024-03', 'key,n\na,1\nb,2\n'), { columns }), upgraded.resume),
      isCode('SOURCE_CHANGED'),
    )
  })

  test('a state of 0.1.0 after a last line without an end', async () => {
    const file = inFolder('2024-04', 'key,n\na,1')
    const source = csv(file, { columns, lastLine: 'complete' })
    const { header, tail, byte } = (await read(source)).resume as {
      header: string
      tail: string
      byte: number
    }
    const old = { byte, line: 3, header, tail }
    assert.deepEqual((await read(source, old)).rows, [])
    appendFileSync(file, '\nb,x\n')
    assert.deepEqual((await read(source, old)).places, ['line 3'])
    writeFileSync(file, 'key,n\na,12\n')
    await assert.rejects(read(source, old), isCode('SOURCE_CHANGED', /longer now/))
  })

  test('a copy in the same place is the same file', async () => {
    const file = january()
    const { resume } = await read(csv(file, { columns }))
    const copy = join(folder, 'copy.csv')
    copyFileSync(file, copy)
    appendFileSync(copy, 'b,2\n')
    copyFileSync(copy, file)
    assert.deepEqual(shown(await read(csv(file, { columns }), resume)), ['key=b n=2'])
  })

  for (const state of [null, 7, 'x', [], {}, { byte: 1 }, { byte: -1, line: 1, header: 'x', tail: 'x' }])
    test(`a resume state that is not one of a CSV file: ${JSON.stringify(state)}`, async () => {
      await assert.rejects(read(csv(january(), { columns }), state), isCode('SOURCE_CHANGED'))
    })
})

describe('line ends and first lines', () => {
  const check = (
    name: string,
    content: string,
    expected: string[],
    source: (file: string) => Source<unknown> = csv,
  ): void => {
    test(name, async () => assert.deepEqual(shown(await read(source(fileOf(content)))), expected))
  }
  check('C4: lines that end in CR alone', 'name,age\ralice,30\r', ['name=alice age=30'])
  check('CR alone, with line feeds in quotes and a malformed line', 'a,b\r"x\n",1\r2\n3,4\r', [
    'a=x\n b=1',
    'bad',
  ])
  check('CR LF and LF in one file', 'a,b\r\n1,2\n3,4\r\n', ['a=1 b=2', 'a=3 b=4'])
  check('sep=; names the delimiter', 'sep=;\r\na;b\r\n1;2\r\n', ['a=1 b=2'])
  check('SEP=| too, after a byte order mark', '\ufeffSEP=|\na|b\n1|2\n', ['a=1 b=2'])
  check('sep= before a file without a header', 'sep=;\n1;2\n', ['a=1 b=2'], file =>
    csv(file, { columns: two, header: false }),
  )
  check('empty lines and spaces before the header', '\n  \r\n\na,b\n1,2\n', ['a=1 b=2'])
  check('comments, where they are declared', '# "x\na,b\n#1,2\n1,2\n# 3', ['a=1 b=2'], file =>
    csv(file, { comment: '#' }),
  )
  check('a header like a comment, where the columns are named', '#a,b\n1,2\n', ['#a=1'], file =>
    csv(file, { columns: { '#a': 'string' } }),
  )
  check('a file of one column: an empty line holds nothing', 'a\n1\n\n2\n', ['a=1', 'a=null', 'a=2'])
  check('no quotes: they are text', 'a\tb\n1" pipe\t"2\n', ['a=1" pipe b="2'], file =>
    csv(file, { delimiter: '\t', quote: '' }),
  )
  check('another quote', "a,b\n'1,''',\"\n", ['a=1,\' b="'], file => csv(file, { quote: "'" }))
  check('names that objects have', '__proto__,constructor,toString\n1,2,3\n', [
    '__proto__=1 constructor=2 toString=3',
  ])

  for (const [name, content, message, options] of [
    ['gzip', gzipSync('a,b\n1,2\n'), /compressed with gzip.*gunzip/],
    ['zstd', zstdCompressSync('a,b\n1,2\n'), /compressed with zstd/],
    ['bzip2', Buffer.from('BZh91AY&SYxx', 'latin1'), /bzip2/],
    ['xz', Buffer.from('fd377a585a000004', 'hex'), /xz/],
    ['zip', Buffer.from('504b0304140000', 'hex'), /zip archive.*xlsx/],
    ['Parquet', Buffer.from('PAR1\u0015\u0004', 'latin1'), /Parquet file.*parquet\(\)/],
    ['UTF-16 with a mark', Buffer.from('\ufeffa,b\n1,2\n', 'utf16le'), /UTF-16.*iconv/],
    ['UTF-16, big end first, with a mark', Buffer.from('\ufeffa,b\n1,2\n', 'utf16le').swap16(), /UTF-16/],
    ['UTF-16 without a mark', Buffer.from('a,b\n1,2\n', 'utf16le'), /UTF-16/],
    ['UTF-16, big end first', Buffer.from('a,b\n1,2\n', 'utf16le').swap16(), /UTF-16/],
    ['Latin-1', Buffer.from('na\u00efve,b\n1,2\n', 'latin1'), /not UTF-8.*Latin-1.*WINDOWS-1252/],
    ['zeros', Buffer.alloc(100), /zero bytes/],
    ['two carriage returns', 'a,b\r\r\n1,2\r\r\n', /carriage return/],
    ['a comment', '# of today\na,b\n1,2\n', /comment: '#'/],
    ['no delimiter in the header', 'a;b\n1;2\n', /delimiter: ";"/],
    ['another delimiter than sep= says', 'sep=;\na;b\n', /delimiter/, { delimiter: ',' }],
    ['nothing but empty lines', '\n\n', /no header/, { lastLine: 'complete' }],
  ] as const)
    test(`refuses a file by the name of its format: ${name}`, async () => {
      await assert.rejects(
        read(csv(fileOf(content), options)),
        error => isMillraceError(error, 'SOURCE_MALFORMED', 'SCHEMA_MISMATCH') && message.test(error.message),
      )
    })
  test("the messages' advice works", async () => {
    assert.deepEqual(shown(await read(csv(fileOf('a;b\n1;2\n'), { delimiter: ';' }))), ['a=1 b=2'])
    assert.deepEqual(shown(await read(csv(fileOf('a;b\n1\n'), { columns: { 'a;b': 'string' } }))), ['a;b=1'])
    assert.deepEqual(shown(await read(csv(fileOf('# x\na,b\n1,2\n'), { comment: '#' }))), ['a=1 b=2'])
    const log = new CrashingLog()
    const topicOfA = topic('a', { value: z.object({ a: z.int().nullable() }) })
    const emptyAs = (a: 'integer' | 'integer?') =>
      publish(log, topicOfA, csv(fileOf('a,b\n,2\n'), { columns: { a } }))
    await assert.rejects(
      emptyAs('integer'),
      /column 'a' holds nothing, as only a column of the kind 'integer\?' may\./,
    )
    assert.equal((await emptyAs('integer?')).published, 1)
  })
})

test("dead letters have the row's bytes, whether the source or the topic refuses it", async () => {
  const file = fileOf(Buffer.from('id,n\n"a",1\n"b", 2\n"c",3.5\n"\xff",4\n"e","5"\n', 'latin1'))
  const log = new CrashingLog()
  const whole = topic('whole', { value: z.object({ id: z.string(), n: z.int() }) })
  await publish(log, whole, csv(file, { columns: { id: 'string', n: 'number' } }), {
    onError: { deadLetter: 'letters' },
  })
  assert.deepEqual(
    (await log.read('letters')).map(({ valueBytes, headers }) => [
      headers['millrace.place']?.replace(/ of .*/, ''),
      Buffer.from(valueBytes!).toString('latin1'),
    ]),
    [
      ['line 3', '"b", 2'],
      ['line 4', '"c",3.5'],
      ['line 5', '"\xff",4'],
    ],
  )
  assert.equal((await log.read('whole')).length, 2)
})

test('arguments of a program without types are refused at the call', () => {
  for (const path of [undefined, null, 7, '', {}, new URL('http://localhost/a.csv')])
    assert.throws(() => csv(path as string), isCode('INVALID_ARGUMENT', /path/))
  for (const options of [
    { delimeter: ';' },
    { delimiter: 5 },
    { delimiter: '\n' },
    { quote: 'ab' },
    { quote: ',' },
    { comment: '"' },
    { nullValue: ',' },
    { lastLine: 'wait!' },
    { recordBytesMax: 0 },
    { header: false },
    { name: '' },
    7,
  ])
    assert.throws(() => csv('a.csv', options as object), isCode('INVALID_ARGUMENT'))
})
