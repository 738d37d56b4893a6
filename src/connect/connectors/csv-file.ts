/**
 * The records of a CSV file, a block of bytes at a time: never more of it is held than a block and the
 * longest record that is allowed.
 *
 * What is handed out depends on the content alone: not on where a block ends, and not on where an earlier run
 * has stopped. A record that is too long is one malformed record; the rest of it is passed over, up to its
 * end, without being held. A last record without a line end waits, unless the file is complete.
 */
import { isUtf8 } from 'node:buffer'
import type { FileHandle } from 'node:fs/promises'
import { MillraceError } from '../../base/index.ts'
import {
  fieldsOf,
  RecordScanner,
  startsWith,
  trimmedEnd,
  type Dialect,
  type Inside,
  type LineEnd,
} from './csv-records.ts'

/** A record, split. */
export interface CsvRecord {
  /** The line in which it begins, from 1. */
  readonly line: number
  /**
   * As the file has it, without its line end; bytes where they are not UTF-8, and the first ones of a record
   * that is too long.
   */
  readonly original: string | Uint8Array
  /** A text says what is wrong with the record. */
  readonly fields: (string | null)[] | string
}

/** Where a file is read on. */
export interface Position {
  readonly byte: number
  /** The line of the next record; of the last one where that has no line end. */
  readonly line: number
  /**
   * What the next byte is in: of a record that is too long and passed over, and of a last record that leaves
   * a quote open.
   */
  readonly inside?: Inside | undefined
  /** The last record had no line end: none of the file follows it. */
  readonly isOpen?: boolean | undefined
}

export interface RecordsOptions {
  readonly dialect: Dialect
  readonly lineEnd: LineEnd
  /** Bytes read at once, and so about the size of a batch. */
  readonly blockBytes: number
  readonly recordBytesMax: number
  /** Whether a last record without a line end is one. */
  readonly isComplete: boolean
}

/** What to do about a line that waits. */
export const ifComplete = "If the file is complete, set lastLine: 'complete'."

/** What is wrong with bytes that are not UTF-8. */
export const notUtf8 = 'bytes that are not UTF-8, as files in Latin-1, Windows-1252 or UTF-16 have them'

/** Bytes that are kept of a record that is too long. */
const excerptBytes = 64 * 1024

export class CsvRecords {
  /** Whether an empty line is a record: of a file of one column it is, which holds nothing. */
  emptyLines = false
  readonly #file: string
  readonly #handle: FileHandle
  readonly #options: RecordsOptions
  readonly #scanner: RecordScanner
  readonly #comment: Buffer
  #line: number
  /** What was read; the next record begins at `#start`. */
  #bytes: Buffer = Buffer.alloc(0)
  #start = 0
  /** Where in the file `#bytes` begin. */
  #base: number
  #isSkipping: boolean
  #isOpen: boolean
  #isDone = false

  constructor(file: string, handle: FileHandle, options: RecordsOptions, from: Position) {
    this.#file = file
    this.#handle = handle
    this.#options = options
    this.#scanner = new RecordScanner(options.dialect, options.lineEnd)
    this.#comment = Buffer.from(options.dialect.comment)
    this.#base = from.byte
    this.#line = from.line
    this.#isSkipping = from.inside !== undefined
    this.#isOpen = from.isOpen ?? false
    // An open end that still is one: there is nothing more.
    this.#isDone = this.#isOpen
    if (from.inside !== undefined) this.#scanner.continueIn(from.inside)
  }

  get #isUnclosed(): boolean {
    return this.#isOpen && this.#scanner.inside === 'quoted'
  }

  get position(): Position {
    return {
      byte: this.#base + this.#start,
      line: this.#line,
      inside: this.#isSkipping || this.#isUnclosed ? this.#scanner.inside : undefined,
      isOpen: this.#isOpen ? true : undefined,
    }
  }

  /** What is left at the end of the file, in words; undefined before the end, and where nothing is left. */
  get waiting(): string | undefined {
    if (!this.#isDone || this.#isOpen || (this.#start === this.#bytes.length && !this.#isSkipping))
      return undefined
    const { inside } = this.#scanner
    const what =
      inside === 'quoted'
        ? `the record in line ${this.#line} opens a quote that the file does not close`
        : `the last line, ${this.#line}, has no line end`
    return `${what}: it waits for the rest. ${ifComplete}`
  }

  /** The records of the next block; none at the end. `most`: of them no more than so many. */
  async next(most: number = Infinity): Promise<CsvRecord[]> {
    const records: CsvRecord[] = []
    if (this.#start < this.#bytes.length) this.#takeAll(records, most, false)
    while (records.length === 0 && !this.#isDone) {
      const isAll = !(await this.#read())
      this.#takeAll(records, most, isAll)
      this.#isDone = isAll && records.length < most
    }
    return records
  }

  /** Reads the next block; false at the end of the file. */
  async #read(): Promise<boolean> {
    const rest = this.#bytes.length - this.#start
    // As much again as there is: a long record is copied a few times, not once a block.
    const block = Buffer.allocUnsafe(rest + Math.max(this.#options.blockBytes, rest))
    this.#bytes.copy(block, 0, this.#start)
    const bytesRead = await readAt(this.#file, this.#handle, block, rest, this.#base + this.#bytes.length)
    this.#scanner.drop(this.#start)
    this.#base += this.#start
    this.#start = 0
    this.#bytes = block.subarray(0, rest + bytesRead)
    return bytesRead > 0
  }

  #takeAll(records: CsvRecord[], most: number, isAll: boolean): void {
    const { recordBytesMax, isComplete } = this.#options
    const scanner = this.#scanner
    while (records.length < most) {
      const end = scanner.end(this.#bytes, isAll && isComplete)
      if (end !== undefined)
        this.#take(end, records, trimmedEnd(this.#bytes, this.#start, end, this.#options.lineEnd))
      else {
        // A carriage return at the end may belong to the line end.
        const isTooLong = this.#bytes.length - this.#start > recordBytesMax + 1
        if (isTooLong && !this.#isSkipping) {
          if (scanner.inside !== 'comment') records.push(this.#tooLong())
          this.#isSkipping = true
        }
        if (this.#isSkipping) this.#moveTo(scanner.at)
        break
      }
    }
    if (isAll && isComplete && records.length < most) this.#takeOpenEnd(records)
  }

  /** Takes a last record that has no line end. A lone carriage return is half of one. */
  #takeOpenEnd(records: CsvRecord[]): void {
    const end = this.#bytes.length
    const trimmed = trimmedEnd(this.#bytes, this.#start, end, this.#options.lineEnd)
    if (trimmed === this.#start) return
    // A line end in quotes is the field's.
    this.#take(end, records, this.#scanner.inside === 'quoted' ? end : trimmed)
    this.#isOpen = true
  }

  /** Takes the record that ends before `end`, of which the line end begins at `trimmed`. */
  #take(end: number, records: CsvRecord[], trimmed: number): void {
    const { recordBytesMax } = this.#options
    if (this.#isSkipping) this.#isSkipping = false
    else if (!this.#isComment()) {
      if (trimmed - this.#start > recordBytesMax) records.push(this.#tooLong())
      else if (trimmed > this.#start || this.emptyLines) records.push(this.#record(trimmed))
    }
    this.#moveTo(end)
  }

  #isComment(): boolean {
    return this.#comment.length > 0 && startsWith(this.#bytes, this.#start, this.#comment) === true
  }

  #record(end: number): CsvRecord {
    const bytes = this.#bytes.subarray(this.#start, end)
    const text = bytes.utf8Slice(0, bytes.length)
    const line = this.#line
    if (text.includes('\ufffd') && !isUtf8(bytes))
      return { line, original: Uint8Array.from(bytes), fields: notUtf8 }
    return { line, original: text, fields: fieldsOf(text, this.#options.dialect) }
  }

  #tooLong(): CsvRecord {
    const { recordBytesMax } = this.#options
    const kept = Math.min(excerptBytes, recordBytesMax)
    return {
      line: this.#line,
      original: Uint8Array.from(this.#bytes.subarray(this.#start, this.#start + kept)),
      fields: `more than ${recordBytesMax} bytes, which is the limit of the option recordBytesMax: these are the first ${kept}`,
    }
  }

  #moveTo(end: number): void {
    const { lineEnd } = this.#options
    for (let at = this.#start; at < end;) {
      const found = this.#bytes.indexOf(lineEnd, at)
      if (found < 0 || found >= end) break
      this.#line++
      at = found + 1
    }
    this.#start = end
  }
}

/** Fills `into` from its offset on with what the file has at `position`, as far as one read gives it. */
export async function readAt(
  file: string,
  handle: FileHandle,
  into: Buffer,
  offset: number,
  position: number,
): Promise<number> {
  try {
    return (await handle.read(into, offset, into.length - offset, position)).bytesRead
  } catch (error) {
    throw new MillraceError(
      'SOURCE_MALFORMED',
      `${file} cannot be read: ${(error as Error).message}. Check that it is a file, and that its disk works.`,
      { cause: error },
    )
  }
}
