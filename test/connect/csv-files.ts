/**
 * Random CSV files: a table in a random dialect, with malformed records among the rows, and the expected
 * outcome of each record.
 */
import type { Random } from '../../src/base/index.ts'
import type { ColumnKind, ColumnSpecs, CsvOptions } from '../../src/connect/index.ts'

/** A row that must arrive as these values, or a bad row: its line, and its bytes. */
export type Outcome =
  | { readonly values: readonly (readonly [name: string, value: unknown])[] }
  | { readonly line: number; readonly original: Buffer }

export interface CsvFile {
  readonly bytes: Buffer
  readonly options: CsvOptions<ColumnSpecs>
  readonly outcomes: readonly Outcome[]
  /** Offsets at which a run may find the end of the file. */
  readonly cuts: readonly number[]
}

interface Dialect {
  readonly delimiter: string
  readonly quote: string
  readonly nullValue: string
  readonly comment: string
  readonly lineEnd: string
  /** Out of ten fields, the number quoted without need. */
  readonly quoted: number
}

interface TestColumn {
  readonly name: string
  readonly kind: ColumnKind
  readonly nullable: boolean
}

const pick = <T>(random: Random, all: readonly T[]): T => all[random.int(all.length)]!

const pieces = [
  'a', 'word', ' ', '', '0', '-1', ',', ';', '\t', '|', '"', '""', "'", '\n', '\r', '\r\n', '#', 'NA', '\\N', '\0', 'é', 'ß', '日本', '🙂',
  '\u2028', '\ufeff', '\u0301', '__proto__', 'x'.repeat(70), 'line\nline, "of"\ttext\r\n',
] // prettier-ignore

function textOf(random: Random): string {
  return Array.from({ length: random.int(4) }, () => pick(random, pieces)).join('')
}

const numbers = [
  '0',
  '-1',
  '+1',
  '1e3',
  '.5',
  '5.',
  '007',
  '0.1',
  '1.7976931348623157e308',
  '9007199254740992',
  '-2.5E-3',
  '1e23',
]
const integers = ['0', '-7', '+7', '007', '9007199254740991', '-9007199254740991']
const times: readonly (readonly [text: string, ms: number])[] = [
  ['2001-06-14 08:30:00+02', 992_500_200_000],
  ['2001-06-14T06:30:00.000Z', 992_500_200_000],
  ['2001-06-14', 992_476_800_000],
  ['1969-12-31 23:59:59.999999 UTC', -1],
]
const jsons = ['null', '[1,{"a":"b"}]', '{"n":9007199254740992}', '"\\u0000"', ' 1 ', '{"constructor":1e5}']

/** A text of the kind, and its value. */
function fieldOf(random: Random, kind: ColumnKind): readonly [text: string, value: unknown] {
  switch (kind) {
    case 'string': {
      const text = textOf(random)
      return [text, text]
    }
    case 'integer':
    case 'number': {
      const text = pick(random, kind === 'integer' ? integers : numbers)
      return [text, Number(text)]
    }
    case 'boolean': {
      const text = pick(random, ['true', 'FALSE', 'True'])
      return [text, text.toLowerCase() === 'true']
    }
    case 'timestamp':
      return pick(random, times)
    case 'date':
      return ['2000-02-29', '2000-02-29']
    case 'json': {
      const text = pick(random, jsons)
      return [text, JSON.parse(text)]
    }
    case 'bytes': {
      const bytes = Buffer.from(textOf(random))
      return [bytes.toString('base64'), bytes.toString('hex')]
    }
  }
}

/** Texts that are almost of the kind. */
const almost: Readonly<Record<ColumnKind, readonly string[]>> = {
  string: [],
  integer: ['1.5', '9007199254740993', '0x10', ' 1'],
  number: ['0x10', 'Infinity', '1e400', '9007199254740993', '1_000', '1 '],
  boolean: ['t', '1'],
  timestamp: ['2001-06-14 08:30:00+99', '2001-02-29', 'now'],
  date: ['2001-02-29', '14.6.2001'],
  json: ['{', '{"id":9007199254740993}', '[1e400]'],
  bytes: ['A', '!'],
}

const kinds: readonly ColumnKind[] = [
  'string',
  'string',
  'integer',
  'number',
  'boolean',
  'timestamp',
  'date',
  'json',
  'bytes',
]

/** The field as written in the file; undefined if the dialect cannot write it. */
function written(random: Random, text: string, isFirst: boolean, dialect: Dialect): string | undefined {
  const { delimiter, quote, nullValue, comment, quoted } = dialect
  const isPlain =
    text !== nullValue &&
    !/[\r\n]/.test(text) &&
    !(quote !== '' && text.includes(quote)) &&
    !Array.from(delimiter).some(character => text.includes(character)) &&
    !(isFirst && comment !== '' && text.startsWith(comment))
  if (isPlain && (quote === '' || random.int(10) >= quoted)) return text
  return quote === '' ? undefined : quote + text.replaceAll(quote, quote + quote) + quote
}

interface Line {
  readonly bytes: Buffer
  /** Undefined for a line that is skipped. */
  readonly outcome?: { readonly values: readonly (readonly [string, unknown])[] } | 'bad'
}

class Writer {
  readonly random: Random
  readonly dialect: Dialect
  readonly columns: readonly TestColumn[]
  readonly hasHeader: boolean
  /** The columns that the program asks for, in its order. */
  readonly wanted: readonly TestColumn[]

  constructor(random: Random) {
    this.random = random
    const quote = pick(random, ['"', '"', '"', "'", ''])
    this.dialect = {
      delimiter: pick(random, [',', ';', '\t', '|', '||', '¦', ', ']),
      quote,
      nullValue: pick(random, ['', '', 'NA', '\\N']),
      comment: pick(random, ['', '', '#']),
      lineEnd: pick(random, ['\n', '\r\n', '\r']),
      quoted: pick(random, [0, 3, 10]),
    }
    const names = ['col é', '__proto__', 'constructor', '', ' b ', '日本', 'n\0', 'x'.repeat(40)]
    this.columns = Array.from({ length: 1 + random.int(5) }, (_, c) => ({
      name:
        c === 0 ? pick(random, ['first', 'Ünique', 'toString']) : `${pick(random, names)}${c > 4 ? c : ''}`,
      kind: pick(random, kinds),
      nullable: random.int(2) === 0,
    })).filter(({ name }, c, all) => all.findIndex(other => other.name === name) === c)
    this.hasHeader = random.int(3) > 0
    const some = this.columns.filter(() => random.int(4) > 0).toSorted(() => random.int(3) - 1)
    this.wanted = this.hasHeader && some.length > 0 ? some : this.columns
  }

  record(texts: readonly (string | undefined)[]): Buffer | undefined {
    const { delimiter } = this.dialect
    return texts.includes(undefined) ? undefined : Buffer.from(texts.join(delimiter))
  }

  header(): Buffer | undefined {
    return this.record(this.columns.map(({ name }, c) => written(this.random, name, c === 0, this.dialect)))
  }

  /** A row, or undefined if its values cannot be written in the dialect. */
  row(isFirst: boolean): Line | undefined {
    const { random, dialect } = this
    const values: [string, unknown][] = []
    const texts = this.columns.map(({ name, kind, nullable }, c) => {
      if (random.int(5) === 0 && (nullable || kind === 'string') && !(isFirst && c === 0)) {
        values.push([name, nullable ? null : dialect.nullValue])
        return dialect.nullValue
      }
      const [text, value] = fieldOf(random, kind)
      values.push([name, value])
      // The first bytes of a file can mark its encoding.
      if (isFirst && c === 0 && /^[\0\ufeff]|\0/.test(text)) return undefined
      return written(random, text, c === 0, dialect)
    })
    const bytes = this.record(texts)
    const wanted = this.wanted.map(({ name }) => values.find(value => value[0] === name)!)
    return bytes && { bytes, outcome: { values: wanted } }
  }

  /** A malformed record. */
  bad(): Line | undefined {
    const { random, dialect, columns } = this
    const { delimiter, quote } = dialect
    const plain = columns.map(({ kind }, c) => {
      const [text] = fieldOf(random, kind === 'string' ? 'integer' : kind)
      return written(random, text, c === 0, dialect)
    })
    const at = random.int(columns.length)
    const other = dialect.lineEnd === '\r' ? 'a\nb' : 'a\rb'
    switch (random.int(7)) {
      case 0:
        return this.#bad([...plain, 'more'])
      case 1:
        return columns.length < 2 ? undefined : this.#bad(plain.slice(1))
      case 2: {
        const column = pick(random, this.wanted)
        const texts = almost[column.kind]
        if (texts.length === 0) return undefined
        const text = written(random, pick(random, texts), false, dialect)
        return this.#bad(plain.with(columns.indexOf(column), text))
      }
      case 3:
        return quote === '' ? undefined : this.#bad(plain.with(at, `ab${quote}c`))
      case 4:
        return quote === ''
          ? undefined
          : this.#bad(
              plain.with(at, `${quote}x\n1${delimiter}2\n\r${quote}z${quote}${delimiter}${quote}${quote}`),
            )
      case 5:
        return this.#bad(plain.with(at, other))
      default: {
        const bytes = this.record(plain.with(at, 'xyz'))
        bytes?.fill(0xff, bytes.indexOf('xyz'), bytes.indexOf('xyz') + 2)
        return bytes && { bytes, outcome: 'bad' }
      }
    }
  }

  #bad(texts: readonly (string | undefined)[]): Line | undefined {
    const bytes = this.record(texts)
    // An empty line is skipped.
    return bytes?.length ? { bytes, outcome: 'bad' } : undefined
  }
}

function lineOf(writer: Writer, isFirst: boolean): Line {
  const { random, columns, dialect } = writer
  for (let tries = 0; tries < 20; tries++) {
    const kind = random.int(10)
    if (kind === 0 && columns.length > 1 && !isFirst) return { bytes: Buffer.alloc(0) }
    if (kind === 1 && dialect.comment !== '' && !isFirst)
      return { bytes: Buffer.from(`${dialect.comment} "not' a ${dialect.delimiter}record`) }
    const line = kind === 2 && !isFirst ? writer.bad() : writer.row(isFirst)
    if (line) return line
  }
  return {
    bytes: Buffer.from(
      Array.from(columns, () => 'zz')
        .concat('zz')
        .join(dialect.delimiter),
    ),
    outcome: 'bad',
  }
}

/** A random file of a few rows. */
export function randomCsv(random: Random): CsvFile {
  let writer = new Writer(random)
  let header = writer.header()
  while (!header) {
    writer = new Writer(random)
    header = writer.header()
  }
  const { dialect, wanted, hasHeader } = writer
  const isComplete = random.int(3) === 0
  const lineEnd = Buffer.from(dialect.lineEnd)
  const recordBytesMax = random.int(2) === 0 ? header.length + random.int(120) : 1_000_000
  const namesDelimiter = random.int(4) === 0 && dialect.delimiter.length === 1

  const parts: Buffer[] = []
  const outcomes: Outcome[] = []
  const ends: number[] = []
  let line = 1
  let lines = 0
  let bytes = 0
  const write = (content: Buffer, isLast = false): void => {
    const whole = isLast ? content : Buffer.concat([content, lineEnd])
    parts.push(whole)
    lines++
    for (const byte of whole) if (byte === lineEnd.at(-1)) line++
    bytes += whole.length
    ends.push(bytes)
    if (!isLast && content.length > 0) ends.push(bytes - lineEnd.length)
  }
  if (random.int(4) === 0) parts.push(Buffer.from('\ufeff'))
  bytes = parts[0]?.length ?? 0
  if (namesDelimiter) write(Buffer.from(`sep=${dialect.delimiter}`))
  if (hasHeader && random.int(4) === 0) write(Buffer.from(''))
  if (hasHeader) write(header)
  // A complete file has its first lines.
  ends.length = 0
  const count = random.int(12)
  for (let i = 0; i < count; i++) {
    const { bytes: content, outcome } = lineOf(writer, i === 0 && !hasHeader)
    const original = content.subarray(0, recordBytesMax)
    const isBad = outcome === 'bad' || content.length > recordBytesMax
    const isRecord = outcome !== undefined
    if (isRecord) outcomes.push(isBad ? { line, original } : { values: outcome.values })
    write(content, isComplete && i === count - 1 && content.length > 0)
  }
  const all = Buffer.concat(parts)
  // A line feed may follow the carriage return that ends the first line: the reader waits for it.
  if (dialect.lineEnd === '\r' && lines === 1 && !isComplete) outcomes.length = 0
  const specs = Object.fromEntries(
    wanted.map(({ name, kind, nullable }) => [name, nullable ? (`${kind}?` as const) : kind]),
  )
  return {
    bytes: all,
    outcomes,
    cuts: isComplete ? ends : Array.from({ length: all.length }, (_, at) => at + 1),
    options: {
      columns: specs,
      ...(!namesDelimiter && { delimiter: dialect.delimiter }),
      quote: dialect.quote,
      nullValue: dialect.nullValue,
      comment: dialect.comment,
      header: hasHeader,
      lastLine: isComplete ? 'complete' : 'wait',
      recordBytesMax,
    },
  }
}
