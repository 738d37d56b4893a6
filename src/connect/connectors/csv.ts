/**
 * CSV (and anything delimited) as a source.
 *
 * The file is read in blocks of bytes and never held whole. Resume state: the byte offset after the last record handed out, with its line number, so going on
 * is a seek; and fingerprints of the header and of what stands just before that offset, so that another file in its place is noticed. A file that has grown since
 * is read on.
 */
import { isUtf8 } from 'node:buffer'
import { createHash } from 'node:crypto'
import { open, type FileHandle } from 'node:fs/promises'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import { MillraceError } from '../../base/index.ts'
import {
  columnOf,
  columnsInWords,
  rowMaker,
  type Column,
  type ColumnKind,
  type ColumnSpecs,
  type RowOf,
} from '../columns.ts'
import { daysOfDate, millisOfInstant } from '../instants.ts'
import { BadRow, type ResumeState, type Source, type SourceBatch, type SourceReader } from '../source.ts'
import { fieldsOf, recordEnd, trimmedEnd } from './csv-records.ts'

/** What a CSV file looks like, and what is read of it. */
export interface CsvOptions<C extends ColumnSpecs> {
  /** The columns of a row and what they hold; others in the file are left out. Default: all that the header names, as `string?`. */
  readonly columns?: C
  /** Default `,`. */
  readonly delimiter?: string
  /** Whether the first record names the columns. Default true; without it, `columns` names them in the order of the file. */
  readonly header?: boolean
  /** What a field looks like (without quotes) that holds nothing. Default: empty. A `string` column takes it as empty text, others must be declared nullable. */
  readonly nullValue?: string
  /** Default: `csv-` and the file's name. */
  readonly name?: string
}

/** Bytes read at once, and so about the size of a batch. */
const blockBytes = 256 * 1024
/** A record that is longer is malformed: most likely a quote was left open. */
const recordBytesMax = 1024 * 1024

/** What is looked at before the place where a file is read on: a few records. */
const tailBytes = 1024

type Row = Record<string, unknown>

/**
 * Rows of a CSV file.
 *
 * Malformed rows (another number of fields, a value that is not of its column's kind, stray quotes, bytes that are not UTF-8) are handed out as such, with their line:
 * `publish` applies its `onError` to them. Empty lines are passed over. A last line without line end is a record.
 *
 * The file may grow at its end between runs: the next one continues there. One that is shorter, or has other text just before that place, is refused with SOURCE_CHANGED.
 *
 * @example csv('airports.csv', { columns: { iata: 'string', name: 'string', latitude: 'number', longitude: 'number' } })
 * @throws MillraceError from `open`: SOURCE_MISSING, SOURCE_MALFORMED, SCHEMA_MISMATCH, SOURCE_CHANGED; from `next`: SOURCE_MALFORMED
 */
export function csv(
  path: string | URL,
  options?: Omit<CsvOptions<ColumnSpecs>, 'columns'>,
): Source<Record<string, string | null>>
export function csv<const C extends ColumnSpecs>(
  path: string | URL,
  options: CsvOptions<C> & { readonly columns: C },
): Source<RowOf<C>>
export function csv(path: string | URL, options: CsvOptions<ColumnSpecs> = {}): Source<Row> {
  const file = typeof path === 'string' ? path : fileURLToPath(path)
  const { delimiter = ',', header = true, columns } = options
  if (delimiter === '' || /["\r\n]/.test(delimiter))
    throw new MillraceError(
      'INVALID_ARGUMENT',
      `The delimiter ${JSON.stringify(delimiter)} of the CSV source ${file} cannot be told from quotes and line ends.`,
    )
  if (!header && !columns)
    throw new MillraceError(
      'INVALID_ARGUMENT',
      `The CSV source ${file} has no header, so its columns must be given.`,
    )
  return {
    name: options.name ?? `csv-${basename(file)}`,
    open: resume =>
      openCsv(file, { delimiter, header, nullValue: options.nullValue ?? '', specs: columns }, resume),
  }
}

interface Format {
  readonly delimiter: string
  readonly header: boolean
  readonly nullValue: string
  readonly specs: ColumnSpecs | undefined
}

async function openCsv(
  file: string,
  format: Format,
  resume: ResumeState | undefined,
): Promise<SourceReader<Row>> {
  const handle = await open(file).catch((error: unknown) => {
    throw new MillraceError(
      'SOURCE_MISSING',
      `The CSV file ${file} cannot be opened: ${(error as Error).message}. Relative paths are taken from ${process.cwd()}.`,
      { cause: error },
    )
  })
  try {
    const records = new Records(file, handle)
    const names = format.header ? await readHeader(file, records, format) : Object.keys(format.specs ?? {})
    const columns = columnsFor(file, names, format.specs)
    const fingerprint = hashOf(JSON.stringify([names, format.delimiter]))
    if (resume !== undefined) await records.seek(resumed(resume, fingerprint, file))
    const tail = async (): Promise<string> => hashOf(await records.behind())
    const read = rowParser(names, columns, format)
    return {
      async next() {
        const found = await records.next(text => fieldsOf(text, format.delimiter, format.nullValue))
        if (found.length === 0) return undefined
        const batch: SourceBatch<Row> = {
          rows: read(found),
          resume: { byte: records.byte, line: records.line, header: fingerprint, tail: await tail() },
          place: index => `line ${found[index]!.line} of ${file}`,
        }
        return batch
      },
      close: () => handle.close(),
    }
  } catch (error) {
    await handle.close()
    throw error
  }
}

/** A record, split; `fields` is a text where the record is malformed. */
interface CsvRecord {
  readonly line: number
  readonly text: string
  readonly fields: (string | null)[] | string
}

type Split = (text: string) => (string | null)[] | string

/** The records of a file, a block at a time. */
class Records {
  /** Where the next record begins. */
  byte = 0
  line = 1
  readonly #file: string
  readonly #handle: FileHandle
  /** What was read and not yet handed out; its first byte stands at `byte`. */
  #rest: Buffer = Buffer.alloc(0)
  #ended = false

  constructor(file: string, handle: FileHandle) {
    this.#file = file
    this.#handle = handle
  }

  async seek({ byte, line, tail }: Stand): Promise<void> {
    const { size } = await this.#handle.stat()
    if (size < byte) throw changed(this.#file, 'it is shorter')
    this.byte = byte
    this.line = line
    this.#rest = Buffer.alloc(0)
    this.#ended = false
    const behind = await this.behind()
    if (hashOf(behind) !== tail)
      throw changed(this.#file, `what it holds before line ${line} is not the same`)
    const [next = lineEnd] = await this.#bytes(byte, 1)
    if (!isLineEnd(behind.at(-1)) && !isLineEnd(next))
      throw changed(this.#file, 'its last line had no end then, and has been written on')
  }

  /** What stands just before the next record. */
  behind(): Promise<Buffer> {
    const length = Math.min(this.byte, tailBytes)
    return this.#bytes(this.byte - length, length)
  }

  async #bytes(from: number, length: number): Promise<Buffer> {
    const { buffer, bytesRead } = await this.#handle.read(Buffer.alloc(length), 0, length, from)
    return buffer.subarray(0, bytesRead)
  }

  /** The records of the next block; none at the end. `most` ends the batch early. */
  async next(split: Split, most: number = Infinity): Promise<CsvRecord[]> {
    const records: CsvRecord[] = []
    while (records.length === 0 && !(this.#ended && this.#rest.length === 0)) {
      if (!this.#ended) await this.#read()
      let start = 0
      while (start < this.#rest.length && records.length < most) {
        const end = this.#end(start)
        if (end === undefined) break
        start = this.#take(start, end, split, records)
      }
      this.byte += start
      this.#rest = this.#rest.subarray(start)
    }
    return records
  }

  async #read(): Promise<void> {
    const block = Buffer.allocUnsafe(blockBytes)
    let bytesRead: number
    try {
      ;({ bytesRead } = await this.#handle.read(block, 0, blockBytes, this.byte + this.#rest.length))
    } catch (error) {
      throw new MillraceError(
        'SOURCE_MALFORMED',
        `${this.#file} cannot be read: ${(error as Error).message}. Check that it is a file, and sound.`,
        { cause: error },
      )
    }
    this.#ended = bytesRead === 0
    this.#rest = Buffer.concat([this.#rest, block.subarray(0, bytesRead)])
    const mark = this.byte === 0 && this.#rest.length >= 3 && this.#rest.readUIntBE(0, 3) === 0xefbbbf
    if (mark) {
      this.#rest = this.#rest.subarray(3)
      this.byte = 3
    }
  }

  /** The end of the record at `start`; undefined where more has to be read for it. */
  #end(start: number): number | undefined {
    const end = recordEnd(this.#rest, start)
    if (end !== undefined && end - start <= recordBytesMax) return end
    if (end === undefined && this.#rest.length - start <= recordBytesMax)
      return this.#ended ? this.#rest.length : undefined
    // Too long: only its first line is taken.
    const line = this.#rest.indexOf('\n', start) + 1
    if (line === 0)
      throw new MillraceError(
        'SOURCE_MALFORMED',
        `${this.#file} has no line end within ${recordBytesMax} bytes of line ${this.line}: it is not a CSV file.`,
      )
    return line
  }

  /** Splits the record in [start, end) into `records` and returns where the next one begins. */
  #take(start: number, end: number, split: Split, records: CsvRecord[]): number {
    const bytes = this.#rest.subarray(start, trimmedEnd(this.#rest, start, end))
    const text = bytes.toString()
    const fields = text.includes('\ufffd') && !isUtf8(bytes) ? 'bytes that are not UTF-8' : split(text)
    const firstLine = this.#rest.indexOf('\n', start) + 1
    if (typeof fields === 'string' && firstLine > 0 && firstLine < end) {
      const line = this.#rest.toString('utf8', start, trimmedEnd(this.#rest, start, firstLine))
      records.push({ line: this.line++, text: line, fields })
      return firstLine
    }
    if (text !== '') records.push({ line: this.line, text, fields })
    this.line += firstLine === end ? 1 : text.split('\n').length
    return end
  }
}

async function readHeader(file: string, records: Records, { delimiter }: Format): Promise<string[]> {
  const [header] = await records.next(text => fieldsOf(text, delimiter, ''), 1)
  if (!header) throw new MillraceError('SOURCE_MALFORMED', `${file} is empty: it has not even a header.`)
  const { fields, text } = header
  // What UTF-16 looks like, read as UTF-8.
  const fault =
    typeof fields === 'string' ? fields : text.includes('\0') ? 'bytes that are not UTF-8' : undefined
  if (typeof fields === 'string' || fault !== undefined)
    throw new MillraceError(
      'SOURCE_MALFORMED',
      `The header of ${file} has ${fault}. Fix it, or save the file as UTF-8.`,
    )
  return fields.map(name => name ?? '')
}

function columnsFor(file: string, names: readonly string[], specs: ColumnSpecs | undefined): Column[] {
  if (!specs) {
    refuseTwins(file, names, names)
    return names.map(name => columnOf(name, 'string?'))
  }
  const columns = Object.entries(specs).map(([name, spec]) => columnOf(name, spec))
  const missing = columns.filter(({ name }) => !names.includes(name)).map(({ name }) => name)
  refuseTwins(
    file,
    names,
    columns.map(({ name }) => name),
  )
  if (missing.length > 0)
    throw new MillraceError(
      'SCHEMA_MISMATCH',
      `${file} does not have the columns that the program expects: ${missing.join(', ')} missing. Expected ${columnsInWords(columns)}, found { ${names.join(', ')} }. Change the columns, or check header and delimiter.`,
    )
  return columns
}

/** A name that stands twice in the header is no name of a column. */
function refuseTwins(file: string, names: readonly string[], wanted: readonly string[]): void {
  const twin = wanted.find(name => names.indexOf(name) !== names.lastIndexOf(name))
  if (twin !== undefined)
    throw new MillraceError(
      'SCHEMA_MISMATCH',
      `The header of ${file} names two columns '${twin}', of which a row can hold one. Rename one there, or give other columns; without a header (header: false) they go by their order.`,
    )
}

function rowParser(
  names: readonly string[],
  columns: readonly Column[],
  { nullValue }: Format,
): (records: readonly CsvRecord[]) => (Row | BadRow)[] {
  const places = columns.map(({ name }) => names.indexOf(name))
  const makeRows = rowMaker(columns.map(({ name }) => name))
  return records => {
    const faults = new Map<number, string>()
    const values: unknown[][] = columns.map(() => new Array<unknown>(records.length))
    for (const [i, { fields }] of records.entries()) {
      if (typeof fields === 'string') faults.set(i, fields)
      else if (fields.length !== names.length)
        faults.set(i, `${fields.length} fields instead of ${names.length}`)
      else
        for (const [c, column] of columns.entries()) {
          const value = valueOf(fields[places[c]!]!, column, nullValue)
          if (value === undefined) {
            const text = fields[places[c]!]
            faults.set(
              i,
              `column '${column.name}' holds ${text === null ? 'nothing' : JSON.stringify(text)}, which is no ${column.kind}`,
            )
            break
          }
          values[c]![i] = value
        }
    }
    const rows: (Row | BadRow)[] = makeRows(values, records.length)
    for (const [i, reason] of faults) rows[i] = new BadRow(reason, records[i]!.text)
    return rows
  }
}

/** Undefined for a text that is not of the column's kind. */
function valueOf(text: string | null, { kind, nullable }: Column, nullValue: string): unknown {
  if (text !== null) return parse[kind](text)
  if (nullable) return null
  return kind === 'string' ? nullValue : undefined
}

const parse: Record<ColumnKind, (text: string) => unknown> = {
  string: text => text,
  integer: text => (/^[+-]?\d+$/.test(text) && Number.isSafeInteger(Number(text)) ? Number(text) : undefined),
  number: text => (/^\s*$/.test(text) || !Number.isFinite(Number(text)) ? undefined : Number(text)),
  boolean: text => (/^true$/i.test(text) ? true : /^false$/i.test(text) ? false : undefined),
  timestamp: millisOfInstant,
  date: text => (daysOfDate(text) === undefined ? undefined : text),
  bytes: text =>
    /^[A-Za-z\d+/]*={0,2}$/.test(text) ? new Uint8Array(Buffer.from(text, 'base64')) : undefined,
  json(text) {
    try {
      return JSON.parse(text) as unknown
    } catch {
      return undefined
    }
  },
}

/** Where the source was left. */
interface Stand {
  readonly byte: number
  readonly line: number
  readonly tail: string
}

function resumed(resume: ResumeState, fingerprint: string, file: string): Stand {
  const { byte, line, header, tail } = resume as { readonly [N in keyof Stand | 'header']?: unknown }
  if (header !== fingerprint) throw changed(file, 'it has another header or delimiter')
  if (!Number.isSafeInteger(byte) || !Number.isSafeInteger(line) || typeof tail !== 'string')
    throw changed(file, 'where that was cannot be read')
  return { byte: byte as number, line: line as number, tail }
}

function changed(file: string, why: string): MillraceError {
  return new MillraceError(
    'SOURCE_CHANGED',
    `${file} is not the file that was being published when the source was left: ${why}. Publishing cannot continue from there. Restore the file, or publish under another name from the start.`,
  )
}

function hashOf(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex').slice(0, 16)
}

const lineEnd = 10

function isLineEnd(byte: number | undefined): boolean {
  return byte === lineEnd || byte === 13
}
