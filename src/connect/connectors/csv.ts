/**
 * CSV (and anything delimited) as a source.
 *
 * The file is read in blocks of bytes and never held whole. The resume state is the byte after the last
 * record, with its line number, so continuing is a seek. It also has the marks of the file (csv-resume.ts). A
 * file that has grown is read from there.
 */
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import { checkOptions, inWords, MillraceError } from '../../base/index.ts'
import type { ColumnSpecs, RowOf } from '../columns.ts'
import type { Source } from '../source.ts'
import { openCsv } from './csv-open.ts'
import type { Row } from './csv-rows.ts'

/** The format of a CSV file, and the columns to read. */
export interface CsvOptions<C extends ColumnSpecs> {
  /**
   * The columns of a row with their kinds. Other columns of the file are left out. Default: all that the
   * header names, as `string?`.
   *
   * A field must have the form of its column's kind, without spaces around it. `integer`: decimal digits.
   * `number`: decimal digits, with or without decimals and exponent. `boolean`: true or false, in any case.
   * `timestamp`: ISO 8601 (UTC without a zone; a date alone is its midnight). `date`: 2001-06-14. `bytes`:
   * base64. A whole number that a double does not hold (beyond 2^53) and an infinite one are malformed;
   * decimals round to the nearest double.
   */
  readonly columns?: C
  /** The text between fields. Default: that of a first line such as `sep=;`, otherwise `,`. */
  readonly delimiter?: string
  /**
   * The quote around fields that hold a delimiter, a line end or a quote: one ASCII character, doubled
   * inside. Default `"`; empty: fields are never quoted.
   */
  readonly quote?: string
  /**
   * Whether the first record names the columns. Default true; without it, `columns` names them in the order
   * of the file.
   */
  readonly header?: boolean
  /**
   * The text of an unquoted field that holds nothing. Default: empty. A `string` column takes it as text;
   * other columns must be nullable, as `'integer?'`.
   */
  readonly nullValue?: string
  /** Lines that begin with this text, such as `#`, are skipped. Default: none. */
  readonly comment?: string
  /**
   * How to treat a last line without a line end. `wait`, the default: its writer may be in the middle of it,
   * so it is read once it has its line end, and `publish` says that it waits. `complete`: it is a record, for
   * files that get no more lines.
   */
  readonly lastLine?: 'wait' | 'complete'
  /** The most bytes of a record. A longer one is malformed, alone. Default 16 MiB. */
  readonly recordBytesMax?: number
  /**
   * The source's name. Default: `csv-` and the file's name. The default name accepts one path and refuses
   * another: set it if two files have the same name, or a file has moved.
   */
  readonly name?: string
}

/** Bytes read at once, and so about the size of a batch. */
const blockBytesDefault = 256 * 1024
const recordBytesMaxDefault = 16 * 1024 * 1024

/**
 * Rows of a CSV file in UTF-8, with lines that end in LF, CR LF or CR alone.
 *
 * A malformed row is handed out as such, with its line: `publish` applies its `onError`. Its fault may be the
 * number of fields, a value of another kind, stray quotes, bytes that are not UTF-8, or too many bytes. It is
 * the whole record, up to the line end outside quotes. Empty lines are skipped, except in a file of one
 * column, where they hold nothing. A byte order mark is skipped.
 *
 * The file may grow at its end between runs: the next run continues there. Another file in its place is
 * refused with SOURCE_CHANGED: another path, a shorter file, other text at its beginning or just before that
 * place.
 *
 * @example csv('airports.csv', { columns: { iata: 'string', name: 'string', latitude: 'number' } })
 * @throws MillraceError INVALID_ARGUMENT; from `open`: SOURCE_MISSING, SOURCE_MALFORMED (compressed, in
 *   UTF-16, without a header, …), SCHEMA_MISMATCH, SOURCE_CHANGED; from `next`: SOURCE_MALFORMED
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
  return csvInBlocks(path, options, blockBytesDefault)
}

/** @internal As {@link csv}, with the bytes per read: tests read few. */
export function csvInBlocks(
  path: string | URL,
  options: CsvOptions<ColumnSpecs>,
  blockBytes: number,
): Source<Row> {
  const file = fileOf(path)
  checkOptions(`the CSV source ${file}`, options, optionKinds)
  const { delimiter, quote = '"', comment = '', nullValue = '', header = true, columns } = options
  const marks = [delimiter ?? ',', quote, comment].filter(mark => mark !== '')
  if (new Set(marks.map(mark => mark[0])).size < marks.length || delimiter?.includes(quote || '\n'))
    throw new MillraceError(
      'INVALID_ARGUMENT',
      `The delimiter, quote and comment of the CSV source ${file} are not all different: ${marks.map(mark => JSON.stringify(mark)).join(', ')}. Give them different characters.`,
    )
  if (nullValue !== '' && (hasMark(nullValue, delimiter ?? ',') || hasMark(nullValue, quote)))
    throw new MillraceError(
      'INVALID_ARGUMENT',
      `The nullValue ${JSON.stringify(nullValue)} of the CSV source ${file} holds its delimiter or quote, so no field can be equal to it.`,
    )
  if (!header && !columns)
    throw new MillraceError(
      'INVALID_ARGUMENT',
      `The CSV source ${file} has no header, so its columns must be given.`,
    )
  const name = options.name ?? `csv-${basename(file)}`
  const format = {
    name,
    isNamed: options.name !== undefined,
    delimiter,
    quote,
    header,
    nullValue,
    comment,
    specs: columns,
    isComplete: options.lastLine === 'complete',
    recordBytesMax: options.recordBytesMax ?? recordBytesMaxDefault,
    blockBytes,
  }
  return { name, open: resume => openCsv(file, format, resume) }
}

const optionKinds = {
  columns: 'object',
  delimiter: value => (isMark(value) && value !== '' ? undefined : 'text without line ends'),
  quote: value =>
    isMark(value) && value.length <= 1 && value <= '~' ? undefined : 'one ASCII character, or empty for none',
  header: 'boolean',
  nullValue: value => (isMark(value) ? undefined : 'text without line ends'),
  comment: value => (isMark(value) ? undefined : 'text without line ends'),
  lastLine: ['wait', 'complete'],
  recordBytesMax: 'count',
  name: 'string',
} as const satisfies Parameters<typeof checkOptions>[2]

function isMark(value: unknown): value is string {
  return typeof value === 'string' && value.isWellFormed() && !/[\r\n]/.test(value)
}

const hasMark = (text: string, mark: string): boolean => mark !== '' && text.includes(mark)

function fileOf(path: unknown): string {
  if (typeof path === 'string' && path !== '') return path
  if (path instanceof URL && path.protocol === 'file:') return fileURLToPath(path)
  throw new MillraceError(
    'INVALID_ARGUMENT',
    `csv() needs the path of a file, as text or as a file: URL, got ${path instanceof URL ? path.href : inWords(path)}.`,
  )
}
