/**
 * The first bytes of a file tell its line ends, and whether it is CSV in UTF-8. Another format is refused by
 * its name, with a way to convert it.
 */
import { MillraceError } from '../../base/index.ts'
import {
  carriageReturn,
  lineFeed,
  RecordScanner,
  startsWith,
  type Dialect,
  type LineEnd,
} from './csv-records.ts'

const inflate = (command: string): string => `Decompress it first: ${command}.`
const toUtf8 = (from: string): string => `Save it as UTF-8, or convert it: iconv -f ${from} -t UTF-8.`

/**
 * Other formats by their first bytes, in hexadecimal; two points match any byte. The longer of two with a
 * common beginning comes first.
 */
const foreigners: readonly (readonly [begins: string, is: string, advice: string])[] = [
  ['1f8b', 'compressed with gzip', inflate('gunzip')],
  ['28b52ffd', 'compressed with zstd', inflate('unzstd')],
  ['425a68..314159265359', 'compressed with bzip2', inflate('bunzip2')],
  ['fd377a585a00', 'compressed with xz', inflate('unxz')],
  ['04224d18', 'compressed with lz4', inflate('unlz4')],
  ['1f9d', 'compressed with compress', inflate('uncompress')],
  ['377abcaf271c', 'a 7z archive', inflate('7z x')],
  ['504b0304', 'a zip archive, as spreadsheets (.xlsx) are too', 'Unzip it first, or save the sheet as CSV.'],
  ['d0cf11e0a1b11ae1', 'an old Office file, such as .xls', 'Save the sheet as CSV.'],
  ['5041523115', 'a Parquet file', 'Read it with parquet().'],
  ['53514c69746520666f726d6174203300', 'an SQLite database', 'Export its table as CSV.'],
  ['255044462d', 'a PDF', 'Export its tables as CSV.'],
  ['fffe0000', 'text in UTF-32', toUtf8('UTF-32')],
  ['0000feff', 'text in UTF-32', toUtf8('UTF-32')],
  ['fffe', 'text in UTF-16', toUtf8('UTF-16')],
  ['feff', 'text in UTF-16', toUtf8('UTF-16')],
  ['00000000', 'not text: it begins with zero bytes', 'Check the path, and the program that wrote it.'],
]

/** Bytes that tell a file's format. */
const lookedAt = 64

/**
 * @param head the first bytes of the file
 * @throws MillraceError SOURCE_MALFORMED for a file that is not CSV in UTF-8
 */
export function refuseForeign(file: string, head: Buffer): void {
  const begins = head.toString('hex', 0, lookedAt)
  const found = foreigners.find(([bytes]) => new RegExp(`^${bytes}`).test(begins))
  const [, is, advice] = found ?? utf16WithoutMark(head.subarray(0, lookedAt)) ?? []
  if (is !== undefined)
    throw new MillraceError('SOURCE_MALFORMED', `${file} cannot be read as CSV: it is ${is}. ${advice}`)
}

/**
 * Letters, digits and signs of English in UTF-16 have a zero byte each, all before or all after the letter.
 */
function utf16WithoutMark(head: Buffer): (typeof foreigners)[number] | undefined {
  const ofParity = (parity: number): number[] => [...head].filter((_, i) => i % 2 === parity)
  const isZero = (byte: number): boolean => byte === 0
  if (head.length < 4 || head.length % 2 === 1) return undefined
  const [even, odd] = [ofParity(0), ofParity(1)]
  if (odd.every(isZero) && !even.some(isZero)) return ['', 'text in UTF-16', toUtf8('UTF-16LE')]
  if (even.every(isZero) && !odd.some(isZero)) return ['', 'text in UTF-16', toUtf8('UTF-16BE')]
  return undefined
}

const byteOrderMark = Buffer.from('\ufeff')

/**
 * Bytes of a byte order mark of UTF-8 at the beginning: 3 or 0; undefined if the bytes are too few to tell.
 */
export function markBytes(head: Buffer): number | undefined {
  const found = startsWith(head, 0, byteOrderMark)
  return found === undefined ? undefined : found ? byteOrderMark.length : 0
}

/**
 * How lines end, by the first line end outside quotes, from `start` on. Undefined if no line ends, or the
 * byte after a carriage return is missing. `isAll`: no more bytes come.
 */
export function lineEndOf(
  head: Buffer,
  start: number,
  dialect: Omit<Dialect, 'nullValue'>,
  isAll: boolean,
): LineEnd | undefined {
  const first = (lineEnd: LineEnd): number => {
    const scanner = new RecordScanner(dialect, lineEnd)
    scanner.begin(start)
    return scanner.end(head, isAll) ?? Infinity
  }
  const end = first(carriageReturn)
  if (first(lineFeed) < end) return lineFeed
  if (end === Infinity) return isAll ? lineFeed : undefined
  const next = head[end]
  if (next === undefined && !isAll) return undefined
  // Two of them before a line feed are a fault of the file, not empty lines.
  return next === lineFeed || (next === carriageReturn && head[end + 1] === lineFeed)
    ? lineFeed
    : carriageReturn
}
