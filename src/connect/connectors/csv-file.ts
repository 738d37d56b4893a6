/**
 * Reads the records of a CSV file, a block of bytes at a time. It holds at most a block and the longest
 * allowed record.
 *
 * The records depend on the content alone: not on the ends of blocks, and not on the place where an earlier
 * run stopped. A record that is too long is one malformed record; its rest is skipped without being held. A
 * last record without a line end waits, unless the file is complete.
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
  /** The line on which it begins, from 1. */
  readonly line: number
  /**
   * The record's text without its line end. Bytes if they are not UTF-8; the first bytes of a record that is
   * too long.
   */
  readonly original: string | Uint8Array
  /** Its fields; a text says why the record is malformed. */
  readonly fields: (string | null)[] | string
}

/** The place where reading continues. */
export interface Position {
  readonly byte: number
  /** The line of the next record; of the last one if that has no line end. */
  readonly line: number
  /** The state of the scan: within a skipped record that is too long, or a last record with an open quote. */
  readonly inside?: Inside | undefined
  /** The last record had no line end, and was the end of the file. */
  readonly isOpen?: boolean | undefined
}

export interface RecordsOptions {
  readonly dialect: Dialect
  readonly lineEnd: LineEnd
  /** Bytes per read, and so about the size of a batch. */
  readonly blockBytes: number
  readonly recordBytesMax: number
  /** Whether a last record without a line end counts. */
  readonly isComplete: boolean
}

/** Advice for a line that waits. */
export const ifComplete = "If the file is complete, set lastLine: 'complete'."

/** The fault of bytes that are not UTF-8. */
export const notUtf8 = 'bytes that are not UTF-8, as files in Latin-1, Windows-1252 or UTF-16 have them'

/** Bytes that are kept of a record that is too long. */
const excerptBytes = 64 * 1024

export class CsvRecords {
  /** Whether an empty line is a record, as in a file of one column, where it holds nothing. */
  emptyLines = false
  readonly #file: string
  readonly #handle: FileHandle
  readonly #options: RecordsOptions
  readonly #scanner: RecordScanner
  readonly #comment: Buffer
  #line: number
  /** The bytes read; the next record begins at `#start`. */
  #bytes: Buffer = Buffer.alloc(0)
  #start = 0
  /** The position of `#bytes` in the file. */
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
    // The open end is still open: nothing was added.
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

  /** The rest at the end of the file, in words; undefined before the end, and without a rest. */
  get waiting(): string | undefined {
    if (!this.#isDone || this.#isOpen || (this.#start === this.#bytes.length && !this.#isSkipping))
      return undefined
    const { inside } = this.#scanner
    const what =
      inside === 'quoted'
        ? `the record in line ${this.#line} opens a quote that the file does not close`
        : `the last line, ${this.#line}, has no line end`
    return `${what}, and waits for its rest. ${ifComplete}`
  }

  /** The records of the next block, at most `most`; none at the end. */
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
    // Doubles the buffer: a long record is copied a few times, not once a block.
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

  /** Takes a last record without a line end. A lone carriage return is half of one. */
  #takeOpenEnd(records: CsvRecord[]): void {
    const end = this.#bytes.length
    const trimmed = trimmedEnd(this.#bytes, this.#start, end, this.#options.lineEnd)
    if (trimmed === this.#start) return
    // A line end in quotes belongs to the field.
    this.#take(end, records, this.#scanner.inside === 'quoted' ? end : trimmed)
    this.#isOpen = true
  }

  /** Takes the record that ends before `end`; its line end begins at `trimmed`. */
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

/** Fills `into` from its offset with the file's bytes at `position`, as far as one read returns them. */
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
