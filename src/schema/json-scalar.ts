/**
 * Reads the strings, numbers, booleans and nulls of JSON where they lie in the bytes. Whatever is unusual is
 * left to the parser: a part of it (a string with escapes), or the whole record.
 */
import { endOfString } from '../base/index.ts'
import { numberChanges } from './json-numbers.ts'
import { sharedMax, sharedText } from './json-shared-text.ts'
import { textOf } from './utf8-text.ts'

/** Where a reader is in the bytes of a batch. */
export class JsonCursor {
  readonly bytes: Buffer
  readonly view: DataView
  /** Whether numbers may change. */
  readonly isLossy: boolean
  /** The next byte to read. */
  at = 0
  /** Where the record begins and ends (exclusive). */
  start = 0
  end = 0
  /** Bytes of strings in it that were left to the parser. */
  unusual = 0
  /** The record, one character a byte: its text, where it is ASCII. */
  text = ''

  constructor(bytes: Buffer, isLossy: boolean) {
    this.bytes = bytes
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    this.isLossy = isLossy
  }

  open(start: number, end: number): void {
    this.at = start
    this.start = start
    this.end = end
    this.unusual = 0
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
  if (length <= sharedMax) return sharedText(cursor, from, to)
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
  for (; to < end && bytes[to] !== quote; to += 1) {
    if (bytes[to] === backslash) return readEscapedText(cursor)
    if (bytes[to]! < space) return undefined
  }
  if (to >= end) return undefined
  cursor.at = to + 1
  cursor.unusual += to - from
  const text = textOf(bytes, from, to)
  return typeof text === 'string' ? text : undefined
}

function readEscapedText(cursor: JsonCursor): string | undefined {
  const { bytes, start, at } = cursor
  const last = endOfString(cursor.text, at - start)
  if (last < 0) return undefined
  cursor.at = start + last + 1
  cursor.unusual += cursor.at - at
  const text = textOf(bytes, at, cursor.at)
  if (typeof text !== 'string') return undefined
  try {
    return JSON.parse(text) as string
  } catch {
    return undefined
  }
}

function readWord<T>(cursor: JsonCursor, word: string, value: T): T | undefined {
  const from = cursor.at - cursor.start
  if (!cursor.text.startsWith(word, from)) return undefined
  cursor.at += word.length
  return value
}

/** Of few digits it is made here, as exact as the parser's: both parts of a quotient are exact. */
function readNumber(cursor: JsonCursor): number | undefined {
  const { bytes, at: start } = cursor
  const isNegative = bytes[start] === minus
  const from = isNegative ? start + 1 : start
  cursor.at = from
  let number = readDigits(cursor, 0)
  let digits = cursor.at - from
  // JSON has no zero before another digit.
  if (digits === 0 || (digits > 1 && bytes[from] === zero)) return undefined
  if (bytes[cursor.at] === dot) {
    const fraction = (cursor.at += 1)
    number = readDigits(cursor, number)
    const decimals = cursor.at - fraction
    if (decimals === 0) return undefined
    digits += decimals
    number /= powersOfTen[decimals] ?? 1
  }
  if (digits > digitsMax || isExponent(bytes[cursor.at]!)) return readLongNumber(cursor, start)
  return isNegative ? -number : number
}

/** The number with the digits at the cursor behind its own; four of them are read at once. */
function readDigits(cursor: JsonCursor, number: number): number {
  const { bytes, view, end } = cursor
  let at = cursor.at
  for (; at <= end - 4; at += 4) {
    const word = view.getInt32(at) ^ 0x30303030
    // The upper half of a byte is 0 for digits and what follows them in ASCII, and stays so for digits alone.
    if (((word | (word + 0x06060606)) & 0xf0f0f0f0) !== 0) break
    const pairs = ((word >> 8) & 0x00ff00ff) * 10 + (word & 0x00ff00ff)
    number = number * 10_000 + (pairs >> 16) * 100 + (pairs & 0xff)
  }
  let digit = bytes[at]! - zero
  for (; digit >= 0 && digit <= 9; digit = bytes[(at += 1)]! - zero) number = 10 * number + digit
  cursor.at = at
  return number
}

function isExponent(byte: number): boolean {
  return byte === smallE || byte === capitalE
}

/**
 * Of a number that begins at `from`, and whose first part ends at the cursor. Undefined for one that would
 * change. Of text that can be here, `Number` reads what is a number of JSON, and nothing else.
 */
function readLongNumber(cursor: JsonCursor, from: number): number | undefined {
  const { bytes, text, start, end } = cursor
  while (cursor.at < end && isOfExponent(bytes[cursor.at]!)) cursor.at += 1
  const source = text.slice(from - start, cursor.at - start)
  const number = Number(source)
  return Number.isNaN(number) || (!cursor.isLossy && numberChanges(source, number)) ? undefined : number
}

function isOfExponent(byte: number): boolean {
  return (byte >= zero && byte <= nine) || byte === plus || byte === minus || isExponent(byte)
}
