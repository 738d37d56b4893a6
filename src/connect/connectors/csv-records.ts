/**
 * CSV as RFC 4180 has it: records end with a line end; a field may stand in quotes and then holds delimiters,
 * line ends and doubled quotes.
 *
 * Where a record ends follows from its bytes alone, also where it is malformed. A quote opens a field only at
 * the field's beginning. What follows a closing quote is text up to the next delimiter or line end. So a
 * fault costs the whole record it is in, and nothing inside quotes becomes a record.
 */

export const lineFeed = 0x0a
export const carriageReturn = 0x0d

/** How the records of a file are written. */
export interface Dialect {
  readonly delimiter: string
  /** Empty: no field stands in quotes. */
  readonly quote: string
  /** What a field without quotes looks like that holds nothing. */
  readonly nullValue: string
  /** What a line begins with that is no record. Empty: there are none. */
  readonly comment: string
}

/**
 * The byte that ends a line: CR LF is a line feed with a carriage return before it, a lone CR is a line end
 * of its own.
 */
export type LineEnd = typeof lineFeed | typeof carriageReturn

/**
 * What the next byte is in: the beginning of a field, text, a quoted field, right behind a quote in one, or a
 * comment.
 */
export type Inside = (typeof insides)[number]
export const insides = ['start', 'text', 'quoted', 'behind quote', 'comment'] as const

/** Finds the ends of records in bytes that come in pieces. */
export class RecordScanner {
  /** What the byte at `at` is in. */
  inside: Inside = 'start'
  /** Up to where the bytes have been searched. */
  at = 0
  readonly #lineEnd: LineEnd
  readonly #delimiter: Buffer
  /** -1: none. */
  readonly #quote: number
  readonly #comment: Buffer
  /** Whether nothing of the record at `at` was looked at. */
  #isNew = true
  /** The next quote in the bytes that were searched for it; their length where there is none. */
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

  /** The bytes before `count` are no longer there. */
  drop(count: number): void {
    this.at -= count
  }

  /**
   * The offset after the record, its line end included; undefined where `bytes` end before it does. The next
   * call continues there, in bytes of which those before {@link at} are the same. `isAll`: no more bytes
   * come.
   */
  end(bytes: Buffer, isAll: boolean): number | undefined {
    if (this.#isNew) {
      const { at } = this
      const isComment = this.#comment.length > 0 && startsWith(bytes, at, this.#comment)
      if (isComment === undefined && !isAll) return undefined
      this.#isNew = false
      if (isComment) this.inside = 'comment'
      else {
        // Most records have no quote: their end is the line's.
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

/** Whether `what` stands at `at`; undefined where the bytes end before that can be told. */
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

/**
 * The fields of a record: null for one that is the dialect's `nullValue`, without quotes. A text says what is
 * wrong with the record.
 */
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

/** Of the two kinds of line ends, one ends the record; the other is in it only where it does not belong. */
function hasLineEnd(text: string): boolean {
  return text.includes('\r') || text.includes('\n')
}

const strayLineEnd =
  'a lone carriage return or line feed outside quotes, where the lines of the file end in another way'

/** Characters of a value that a message shows. */
const shownMax = 80

/** A value in a message: as JSON, in one line, cut off where it is long. */
export function shown(text: string): string {
  return JSON.stringify(text.length > shownMax ? `${text.slice(0, shownMax)}…` : text)
}
