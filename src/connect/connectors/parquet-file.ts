/**
 * Checks a Parquet file before DuckDB opens it: its first and last bytes, which also identify it.
 *
 * ```
 * "PAR1" | row groups | footer: schema, place and bounds of every column | length of the footer, 4 bytes | "PAR1", or "PARE" where the footer is encrypted
 * ```
 */
import { open, stat, type FileHandle } from 'node:fs/promises'
import { resolve, sep } from 'node:path'
import { MillraceError } from '../../base/index.ts'
import { literal } from './duckdb-database.ts'
import { fieldIdsOf } from './parquet-thrift-fields.ts'

export interface ParquetFile {
  /** The file's name in the program, for messages. */
  readonly name: string
  /** The SQL of its path, for DuckDB. */
  readonly sql: string
  readonly size: number
  /** The end of the file, which changes with any column. */
  readonly footer: Buffer
}

/** More than most footers have. */
const footerBytesMax = 64 * 1024
/** The magic bytes at both ends, and the length of a footer. */
const bytesMin = 12

/**
 * The field of a footer that says how columns are encrypted, where the footer itself is not:
 * `encryption_algorithm` of FileMetaData.
 */
const encryptionField = 8

/** Whether columns are encrypted, by the footer's last bytes. */
export function hasEncryptedColumns({ footer }: ParquetFile): boolean {
  const end = footer.length - magic.length - 4
  const length = end < 0 ? 0 : footer.readUInt32LE(end)
  return length <= end && fieldIdsOf(footer.subarray(end - length, end)).has(encryptionField)
}

/** @throws MillraceError SOURCE_MISSING, SOURCE_MALFORMED */
export async function lookAt(name: string): Promise<ParquetFile> {
  const found = await stat(name).catch((error: unknown) => {
    throw missing(name, (error as Error).message, error)
  })
  if (!found.isFile()) throw missing(name, 'it is not a file')
  const handle = await open(name).catch((error: unknown) => {
    throw missing(name, (error as Error).message, error)
  })
  try {
    const { size } = found
    const footer = await bytesOf(name, handle, size, footerBytesMax)
    checkMagic(name, await bytesOf(name, handle, bytesMin, bytesMin), footer, size)
    return { name, sql: literal(withoutPatterns(resolve(name))), size, footer }
  } finally {
    await handle.close()
  }
}

async function bytesOf(name: string, handle: FileHandle, end: number, count: number): Promise<Buffer> {
  const length = Math.min(end, count)
  const read = await handle.read(Buffer.alloc(length), 0, length, end - length).catch((error: unknown) => {
    throw new MillraceError(
      'SOURCE_MALFORMED',
      `${name} cannot be read: ${(error as Error).message}. Check the disk that it is on.`,
      { cause: error },
    )
  })
  return read.buffer.subarray(0, read.bytesRead)
}

function missing(name: string, reason: string, cause?: unknown): MillraceError {
  return new MillraceError(
    'SOURCE_MISSING',
    `The Parquet file ${name} cannot be opened: ${reason}. Check the path, which is taken from ${process.cwd()}, and its permissions.`,
    { cause },
  )
}

const magic = 'PAR1'
const encryptedMagic = 'PARE'
/** The first bytes of formats that are mistaken for Parquet. */
const others: readonly (readonly [hex: string, what: string, advice: string])[] = [
  ['1f8b', 'compressed with gzip', 'Decompress it first: Parquet compresses its own pages.'],
  ['28b52ffd', 'compressed with Zstandard', 'Decompress it first: Parquet compresses its own pages.'],
  ['504b0304', 'a ZIP archive', 'Extract the file first.'],
  ['4152524f5731', 'an Arrow (Feather) file', 'Write it as Parquet.'],
  ['4f5243', 'an ORC file', 'Write it as Parquet.'],
]

function checkMagic(name: string, begin: Buffer, end: Buffer, size: number): void {
  const malformed = (what: string): MillraceError => new MillraceError('SOURCE_MALFORMED', `${name} ${what}`)
  if (size === 0) throw malformed('is empty. Fetch it again, or wait until its writer has closed it.')
  const first = begin.toString('latin1', 0, magic.length)
  const last = end.toString('latin1', Math.max(0, end.length - magic.length))
  if (first === encryptedMagic || last === encryptedMagic) throw malformed(encrypted)
  const other = others.find(([hex]) => begin.toString('hex').startsWith(hex))
  if (other) throw malformed(`is not a Parquet file: it is ${other[1]}. ${other[2]}`)
  if (first !== magic)
    throw malformed(`is not a Parquet file: it does not begin with ${magic}. Check the path.`)
  if (last !== magic || size < bytesMin)
    throw malformed(
      `is cut short: it does not end with ${magic}. Fetch it again, or wait until its writer has closed it.`,
    )
}

/** The message for an encrypted file, after its name. */
export const encrypted =
  'is encrypted, which the Parquet source does not support. Decrypt it first, with the tool and the keys that wrote it.'

/**
 * Escapes a path: DuckDB reads `*`, `?` and `[` as patterns, in which `\` separates folders.
 * @throws MillraceError INVALID_ARGUMENT for a path that cannot be escaped
 */
function withoutPatterns(path: string): string {
  if (!/[*?[]/.test(path)) return path
  if (sep !== '\\' && path.includes('\\'))
    throw new MillraceError(
      'INVALID_ARGUMENT',
      `DuckDB cannot open ${path}: it reads a name with a backslash and '*', '?' or '[' as a pattern. Rename the file, or read it through a link.`,
    )
  return path.replace(/[*?[]/g, found => `[${found}]`)
}
