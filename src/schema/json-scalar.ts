/**
 * Reads the strings, numbers, booleans and nulls of JSON where they lie in the bytes. Whatever is unusual is
 * left to the parser: a part of it (a string with escapes), or the whole record.
 */
import { parseJson } from './json-numbers.ts'
import { textOf } from './utf8-text.ts'

/** Where a reader is in the bytes of a batch. */
export class JsonCursor {
  readonly bytes: Buffer
  readonly view: DataView
  /** Parses JSON text of one number or string. */
  readonly parse: (text: string) => unknown
  /** The next byte to read. */
  at = 0
  /** Where the record begins and ends (exclusive). */
  start = 0
  end = 0
  /** The record, one character a byte: its text, where it is ASCII. */
  text = ''

  constructor(bytes: Buffer, lossy: boolean) {
    this.bytes = bytes
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    this.parse = lossy ? JSON.parse : parseJson
  }

  open(start: number, end: number): void {
    this.at = start
    this.start = start
    this.end = end
    this.text = this.bytes.latin1Slice(start, end)
  }
}

const quote = 0x22
const plus = 0x2b
const minus = 0x2d
const dot = 0x2e
const zero = 0x30
const nine = 0x39
const capitalE = 0x45
const backslash = 0x5c
const smallE = 0x65
const smallF = 0x66
const smallN = 0x6e
const smallT = 0x74
const space = 0x20

/** 1 for each character of ASCII that a string may hold without an escape. */
const plain = new Uint8Array(256)
plain.fill(1, space, 0x80)
plain[quote] = 0
plain[backslash] = 0

/** V8 copies the characters of a slice up to here. A longer slice keeps alive the text that it is of. */
const copiedMax = 12
/** A slice may keep alive a text of so many times its length. */
const keptAliveMax = 4

/** A number of more digits may change, and a quotient of more may be rounded twice. */
const digitsMax = 15
const powersOfTen = Array.from({ length: digitsMax + 1 }, (_, n) => 10 ** n)

/**
 * The scalar at the cursor, which then is behind it. Undefined: the parser has to look at the record. A
 * string may have been read past the end of the record: the caller compares `at` with it.
 */
export function readScalar(cursor: JsonCursor): unknown {
  const first = cursor.bytes[cursor.at]
  if (first === quote) return readText(cursor)
  if (first === smallT) return readWord(cursor, 'true', true)
  if (first === smallF) return readWord(cursor, 'false', false)
  if (first === smallN) return readWord(cursor, 'null', null)
  return readNumber(cursor)
}

function readText(cursor: JsonCursor): string | undefined {
  const { bytes, text, start } = cursor
  const from = cursor.at + 1
  let to = endOfPlainWords(cursor, from)
  while (plain[bytes[to]!] === 1) to += 1
  if (bytes[to] !== quote) return readUnusualText(cursor, from, to)
  cursor.at = to + 1
  const length = to - from
  return length <= copiedMax || length * keptAliveMax >= text.length
    ? text.slice(from - start, to - start)
    : bytes.latin1Slice(from, to)
}

/** Skips four plain bytes at once. */
function endOfPlainWords({ view, end }: JsonCursor, from: number): number {
  let at = from
  for (; at <= end - 4; at += 4) {
    const word = view.getInt32(at)
    const quotes = word ^ 0x22222222
    const backslashes = word ^ 0x5c5c5c5c
    // The upper bit of a byte is set if it was, or if the byte was less than what is subtracted.
    const unusual = word | (word - 0x20202020) | (quotes - 0x01010101) | (backslashes - 0x01010101)
    if ((unusual & 0x80808080) !== 0) break
  }
  return at
}

/** Of a string with escapes, or with characters that are not ASCII, the first of which is at `to`. */
function readUnusualText(cursor: JsonCursor, from: number, to: number): string | undefined {
  const { bytes, end } = cursor
  let isEscaped = false
  while (to < end && bytes[to] !== quote) {
    if (bytes[to]! < space) return undefined
    if (bytes[to] === backslash) {
      isEscaped = true
      to += 1
    }
    to += 1
  }
  if (to >= end) return undefined
  cursor.at = to + 1
  if (isEscaped) return parsed(cursor, from - 1, to + 1) as string | undefined
  const text = textOf(bytes, from, to)
  return typeof text === 'string' ? text : undefined
}

function readWord<T>(cursor: JsonCursor, word: string, value: T): T | undefined {
  const from = cursor.at - cursor.start
  if (!cursor.text.startsWith(word, from)) return undefined
  cursor.at += word.length
  return value
}

/** Of few digits it is made here, as exact as the parser's: both parts of a quotient are exact. */
function readNumber(cursor: JsonCursor): number | undefined {
  const { bytes } = cursor
  const isNegative = bytes[cursor.at] === minus
  const from = isNegative ? cursor.at + 1 : cursor.at
  let at = from
  let number = 0
  let digit = bytes[at]! - zero
  for (; digit >= 0 && digit <= 9; digit = bytes[(at += 1)]! - zero) number = 10 * number + digit
  let digits = at - from
  // JSON has no zero before another digit.
  if (digits === 0 || (digits > 1 && bytes[from] === zero)) return undefined
  let divisor = 1
  if (bytes[at] === dot) {
    const fraction = (at += 1)
    digit = bytes[at]! - zero
    for (; digit >= 0 && digit <= 9; digit = bytes[(at += 1)]! - zero) number = 10 * number + digit
    if (at === fraction) return undefined
    digits += at - fraction
    divisor = powersOfTen[at - fraction] ?? 0
  }
  if (digits > digitsMax || isExponent(bytes[at]!)) return readLongNumber(cursor, at)
  cursor.at = at
  const quotient = divisor === 1 ? number : number / divisor
  return isNegative ? -quotient : quotient
}

function isExponent(byte: number): boolean {
  return byte === smallE || byte === capitalE
}

/** Of a number whose first part ends at `at`. */
function readLongNumber(cursor: JsonCursor, at: number): number | undefined {
  const { bytes, end } = cursor
  const from = cursor.at
  while (at < end && isOfExponent(bytes[at]!)) at += 1
  cursor.at = at
  return parsed(cursor, from, at) as number | undefined
}

function isOfExponent(byte: number): boolean {
  return (byte >= zero && byte <= nine) || byte === plus || byte === minus || isExponent(byte)
}

/** Undefined for text that is not JSON, or for a number that would change. */
function parsed({ bytes, parse }: JsonCursor, from: number, to: number): unknown {
  const text = textOf(bytes, from, to)
  if (typeof text !== 'string') return undefined
  try {
    return parse(text)
  } catch {
    return undefined
  }
}
