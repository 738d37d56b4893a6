/**
 * The preamble of a CSV file, before its records: a byte order mark, `sep=;`, empty lines, the header. It
 * also tells how lines end.
 */
import type { FileHandle } from 'node:fs/promises'
import { MillraceError } from '../../base/index.ts'
import { CsvRecords, ifComplete, notUtf8, readAt, type CsvRecord } from './csv-file.ts'
import { lineEndOf, markBytes, refuseForeign } from './csv-first-bytes.ts'
import { shown, type Dialect, type LineEnd } from './csv-records.ts'
import type { CsvFormat } from './csv-open.ts'

export interface Preamble {
  readonly dialect: Dialect
  readonly lineEnd: LineEnd
  /** The names of the columns, in the order of the file. */
  readonly names: readonly string[]
  /** The place after the preamble. */
  readonly records: CsvRecords
}

/** A file whose first lines are not complete yet. */
export class Unfinished {
  readonly waiting: string

  constructor(waiting: string) {
    this.waiting = waiting
  }
}

/**
 * Reads the preamble.
 * @throws MillraceError SOURCE_MALFORMED for another format, SCHEMA_MISMATCH for another delimiter than the
 *   file names
 */
export async function readPreamble(
  file: string,
  handle: FileHandle,
  format: CsvFormat,
): Promise<Preamble | Unfinished> {
  const { quote, comment, nullValue, isComplete, blockBytes, recordBytesMax } = format
  const assumed = { delimiter: format.delimiter ?? ',', quote, comment }
  const { head, isAll } = await headOf(file, handle, format, assumed)
  if (head.length === 0)
    throw new MillraceError(
      'SOURCE_MALFORMED',
      `${file} is empty: it has no ${format.header ? 'header' : 'record'}. Run again when it has been written.`,
    )
  refuseForeign(file, head)
  const waits = new Unfinished(`the first line has no line end, and waits for its rest. ${ifComplete}`)
  const isFinal = isAll && isComplete
  const mark = markBytes(head) ?? (isFinal ? 0 : undefined)
  const lineEnd = mark === undefined ? undefined : lineEndOf(head, mark, assumed, isFinal)
  if (mark === undefined || lineEnd === undefined) {
    if (isAll) return waits
    throw new MillraceError(
      'SOURCE_MALFORMED',
      `${file} has no line end in its first ${head.length} bytes. Either it is not a CSV file, or its first record is larger than recordBytesMax allows.`,
    )
  }
  const named = delimiterLine(head, mark, lineEnd)
  if (named && format.delimiter !== undefined && format.delimiter !== named.delimiter)
    throw new MillraceError(
      'SCHEMA_MISMATCH',
      `The first line of ${file} says that its delimiter is ${shown(named.delimiter)}, and the program says ${shown(format.delimiter)}. Leave out the option delimiter, or remove that line.`,
    )
  const dialect = {
    ...assumed,
    nullValue,
    delimiter: named?.delimiter ?? assumed.delimiter,
  }
  const records = new CsvRecords(
    file,
    handle,
    { dialect, lineEnd, blockBytes, recordBytesMax, isComplete },
    { byte: named?.end ?? mark, line: named ? 2 : 1 },
  )
  if (!format.header) return { dialect, lineEnd, names: Object.keys(format.specs ?? {}), records }
  for (;;) {
    const [header] = await records.next(1)
    if (!header) {
      if (!isComplete) return waits
      throw new MillraceError('SOURCE_MALFORMED', `${file} has no header: its lines are empty, or comments.`)
    }
    if (!isBlank(header, dialect)) return { dialect, lineEnd, names: namesOf(file, header, format), records }
  }
}

/** Bytes that are searched for the first line end, unless records may be longer. */
const firstLineBytesMax = 16 * 1024 * 1024

/** The bytes at the beginning up to the first line end, or all bytes. */
async function headOf(
  file: string,
  handle: FileHandle,
  { blockBytes, recordBytesMax }: CsvFormat,
  dialect: Omit<Dialect, 'nullValue'>,
): Promise<{ head: Buffer; isAll: boolean }> {
  const bytesMax = Math.max(recordBytesMax, firstLineBytesMax)
  let head = Buffer.alloc(0)
  for (;;) {
    const block = Buffer.alloc(head.length + Math.max(blockBytes, head.length))
    head.copy(block)
    const bytesRead = await readAt(file, handle, block, head.length, head.length)
    head = block.subarray(0, head.length + bytesRead)
    const isFound = lineEndOf(head, markBytes(head) ?? 0, dialect, false) !== undefined
    if (bytesRead === 0 || isFound || head.length > bytesMax) return { head, isAll: bytesRead === 0 }
  }
}

/** The delimiter in a first line such as `sep=;`, which Excel reads and writes, and the end of that line. */
function delimiterLine(
  head: Buffer,
  start: number,
  lineEnd: LineEnd,
): { delimiter: string; end: number } | undefined {
  const end = head.indexOf(lineEnd, start) + 1
  const line = end > 0 ? head.toString('utf8', start, end) : ''
  const delimiter = /^"?sep=([^"\r\n])"?\r?[\r\n]$/iu.exec(line)?.[1]
  return delimiter === undefined ? undefined : { delimiter, end }
}

/** A line of spaces is not a header. */
function isBlank({ fields }: CsvRecord, { delimiter }: Dialect): boolean {
  return fields.length === 1 && (fields[0] ?? '').trim() === '' && delimiter.trim() !== ''
}

/** Other usual delimiters. */
const delimiters = [',', ';', '\t', '|']

function namesOf(file: string, { fields, line }: CsvRecord, { specs, comment }: CsvFormat): string[] {
  if (typeof fields === 'string')
    throw new MillraceError(
      'SOURCE_MALFORMED',
      `The header of ${file}, line ${line}, has ${fields}. Fix it${fields === notUtf8 ? ', or convert the file: iconv -f WINDOWS-1252 -t UTF-8' : ''}.`,
    )
  const names = fields.map(name => name ?? '')
  // A first record with the columns that the program names is the header.
  if (specs) return names
  const [first = ''] = names
  if (first.startsWith('#') && comment === '')
    throw new MillraceError(
      'SOURCE_MALFORMED',
      `Line ${line} of ${file} would be the header, and begins with '#', as comments do. To skip such lines, set comment: '#'. If it is the header, name the columns in the option columns.`,
    )
  const other = names.length === 1 ? delimiters.find(delimiter => first.includes(delimiter)) : undefined
  if (other !== undefined)
    throw new MillraceError(
      'SCHEMA_MISMATCH',
      `The header of ${file} names one column, ${shown(first)}. If ${shown(other)} is between its names, set delimiter: ${shown(other)}. If it is one name, give it in columns.`,
    )
  return names
}
