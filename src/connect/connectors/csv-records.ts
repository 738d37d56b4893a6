/**
 * CSV by RFC 4180: a record ends with a line end. A quoted field may hold delimiters, line ends and doubled
 * quotes.
 *
 * The end of a record follows from its bytes alone, also of a malformed one. A quote opens a field only at
 * the field's beginning. Bytes after a closing quote are text up to the next delimiter or line end. So a
 * fault costs its whole record, and text inside quotes never becomes a record.
 */

export const lineFeed = 0x0a
export const carriageReturn = 0x0d

/** How the records of a file are written. */
export interface Dialect {
  readonly delimiter: string
  /** Empty: fields are never quoted. */
  readonly quote: string
  /** The text of an unquoted field that holds nothing. */
  readonly nullValue: string
  /** The beginning of a comment line. Empty: the file has no comments. */
  readonly comment: string
}

/** The byte that ends a line: a line feed, which a carriage return may precede, or a lone carriage return. */
export type LineEnd = typeof lineFeed | typeof carriageReturn

/**
 * The state of the scan: at the beginning of a field, in text, in a quoted field, after a quote in one, or in
 * a comment.
 */
export type Inside = (typeof insides)[number]
export const insides = ['start', 'text', 'quoted', 'behind quote', 'comment'] as const

/** Finds the ends of records in bytes that come in pieces. */
export class RecordScanner {
  /** The state at the byte `at`. */
  inside: Inside = 'start'
  /** The bytes before this have been scanned. */
  at = 0
  readonly #lineEnd: LineEnd
  readonly #delimiter: Buffer
  /** -1: none. */
  readonly #quote: number
  readonly #comment: Buffer
  /** Whether no byte of the record at `at` was scanned. */
  #isNew = true
  /** The next quote in the searched bytes; their length if they have none. */
  #nextQuote = 0
  #searched: Buffer | undefined

  constructor({ delimiter, quote, comment }: Omit<Dialect, 'nullValue'>, lineEnd: LineEnd) {
    this.#lineEnd = lineEnd
    this.#delimiter = Buffer.from(delimiter)
    this.#quote = quote === '' ? -1 : quote.charCodeAt(0)
    this.#comment = Buffer.from(comment)
  }

  /** Begins with a record at `start`. */
  begin(start: number): void {
    this.at = start
    this.inside = 'start'
    this.#isNew = true
  }

  /** Begins within a record, at 0. */
  continueIn(inside: Inside): void {
    this.begin(0)
    this.inside = inside
    this.#isNew = false
  }

  /** The caller has dropped the bytes before `count`. */
  drop(count: number): void {
    this.at -= count
  }

  /**
   * The offset after the record and its line end; undefined if `bytes` end before the record does. The next
   * call continues there; its bytes before {@link at} must be the same. `isAll`: no more bytes come.
   */
  end(bytes: Buffer, isAll: boolean): number | undefined {
    if (this.#isNew) {
      const { at } = this
      const isComment = this.#comment.length > 0 && startsWith(bytes, at, this.#comment)
      if (isComment === undefined && !isAll) return undefined
      this.#isNew = false
      if (isComment) this.inside = 'comment'
      else {
        // Most records have no quote, and end with the line.
        const end = bytes.indexOf(this.#lineEnd, at) + 1
        if (end > 0 && this.#firstQuote(bytes, at) >= end) return this.#found(end)
      }
    }
    return this.#search(bytes, isAll)
  }

  #search(bytes: Buffer, isAll: boolean): number | undefined {
    const quote = this.#quote
    const lineEnd = this.#lineEnd
    const delimiter = this.#delimiter
    let { at, inside } = this
    while (at < bytes.length) {
      if (inside === 'quoted' || inside === 'comment') {
        const found = bytes.indexOf(inside === 'quoted' ? quote : lineEnd, at)
        at = found < 0 ? bytes.length : found
        if (found < 0) break
        if (inside === 'quoted') {
          at++
          inside = 'behind quote'
          continue
        }
      }
      const byte = bytes[at]!
      const isDelimiter = byte === delimiter[0] ? startsWith(bytes, at, delimiter) : false
      if (isDelimiter === undefined && !isAll) break
      if (byte === quote && inside !== 'text') {
        inside = 'quoted'
        at++
      } else if (byte === lineEnd) {
        return this.#found(at + 1)
      } else if (isDelimiter) {
        at += delimiter.length
        inside = 'start'
      } else {
        inside = 'text'
        at++
      }
    }
    this.at = at
    this.inside = inside
    return undefined
  }

  #found(end: number): number {
    this.begin(end)
    return end
  }

  #firstQuote(bytes: Buffer, start: number): number {
    if (this.#quote < 0) return bytes.length
    if (this.#searched !== bytes || this.#nextQuote < start) {
      this.#searched = bytes
      const found = bytes.indexOf(this.#quote, start)
      this.#nextQuote = found < 0 ? bytes.length : found
    }
    return this.#nextQuote
  }
}

/** Whether the bytes at `at` are `what`; undefined if the bytes end too early to tell. */
export function startsWith(bytes: Buffer, at: number, what: Buffer): boolean | undefined {
  for (let i = 0; i < what.length; i++) {
    if (at + i >= bytes.length) return undefined
    if (bytes[at + i] !== what[i]) return false
  }
  return true
}

/** The end of the record in [start, end), without its line end. */
export function trimmedEnd(bytes: Buffer, start: number, end: number, lineEnd: LineEnd): number {
  if (end > start && bytes[end - 1] === lineEnd) end--
  if (lineEnd === lineFeed && end > start && bytes[end - 1] === carriageReturn) end--
  return end
}

/** The fields of a record; null for an unquoted `nullValue`. A text says why the record is malformed. */
export function fieldsOf(record: string, dialect: Dialect): (string | null)[] | string {
  const { delimiter, quote, nullValue } = dialect
  if (quote === '' || !record.includes(quote)) {
    if (hasLineEnd(record)) return strayLineEnd
    const fields: (string | null)[] = record.split(delimiter)
    for (let i = 0; i < fields.length; i++) if (fields[i] === nullValue) fields[i] = null
    return fields
  }
  const fields: (string | null)[] = []
  for (let at = 0; ; at += delimiter.length) {
    if (record[at] === quote) {
      let field = ''
      for (let from = at + 1; ;) {
        const close = record.indexOf(quote, from)
        if (close < 0) return 'a quote that is opened and not closed'
        field += record.slice(from, close)
        at = close + 1
        if (record[at] !== quote) break
        field += quote
        from = at + 1
      }
      fields.push(field)
    } else {
      const end = record.indexOf(delimiter, at)
      const field = record.slice(at, end < 0 ? undefined : end)
      if (field.includes(quote))
        return `a quote inside the field ${shown(field)}, which does not begin with one`
      if (hasLineEnd(field)) return strayLineEnd
      fields.push(field === nullValue ? null : field)
      at += field.length
    }
    if (at === record.length) return fields
    if (!record.startsWith(delimiter, at))
      return `text between a closing quote and the next delimiter, in field ${fields.length}`
  }
}

/** One of the two kinds of line ends ends the record; the other kind inside it is a fault. */
function hasLineEnd(text: string): boolean {
  return text.includes('\r') || text.includes('\n')
}

const strayLineEnd =
  'a lone carriage return or line feed outside quotes, where the lines of the file end in another way'

/** Characters of a value that a message shows. */
const shownMax = 80

/** A value in a message: as JSON, on one line, a long one cut off. */
export function shown(text: string): string {
  return JSON.stringify(text.length > shownMax ? `${text.slice(0, shownMax)}…` : text)
}
