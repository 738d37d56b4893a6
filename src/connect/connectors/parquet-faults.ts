/**
 * Messages for DuckDB's errors while it reads a Parquet file. The kind of error decides, not the place where
 * it was caught.
 */
import { MillraceError } from '../../base/index.ts'
import { firstLine } from './duckdb-database.ts'
import { encrypted } from './parquet-file.ts'

/** The subject of a read, for its messages. */
export interface Reading {
  /** The file, as the program names it. */
  readonly file: string
  readonly memoryLimit: string
  /** Whether the footer says that columns are encrypted. */
  readonly hasEncryptedColumns: boolean
  /** Whether the program has passed SQL. */
  readonly hasExpressions: boolean
  /** Columns that cannot be read even alone, with DuckDB's message for each; empty if unknown. */
  readonly columns?: readonly { readonly name: string; readonly message: string }[]
}

const memoryFaults = /^(Out of Memory|Memory) Error|bad_alloc/
const diskFaults = /max_temp_directory_size|No space left on device/
const textFaults = /Invalid string encoding|not valid UTF-?8/i
const unsupported =
  /\b(not (yet )?(supported|implemented)|un(supported|implemented)|only supported|requires two children)\b/i
/** DuckDB's prefixes for faults of the query, and for values that the query cannot take. */
const queryFaults = /^(Parser|Binder|Catalog) Error/
const valueFaults = /^(Conversion|Out of Range|Invalid Input|Mismatch Type) Error/

/** DuckDB's message, without the prefix of its interface. */
export const saidBy = (error: unknown): string =>
  firstLine((error as Error).message).replace(/^Failed to [\w ]+: (?=[\w ]+ Error: )/, '')

/** The error for a failed read of the file. */
export function readFault(reading: Reading, error: unknown): MillraceError {
  const { file, hasExpressions } = reading
  const text = saidBy(error)
  const fault = (what: string): MillraceError => new MillraceError('SOURCE_MALFORMED', what, { cause: error })
  if (diskFaults.test(text))
    return new MillraceError(
      'DISK_FULL',
      `Sorting ${file} needs more room than there is for temporary files: ${text}. Make room, or set TMPDIR to a larger disk.`,
      { cause: error, retriable: true },
    )
  if (memoryFaults.test(text)) return tooLarge(reading, text, error)
  if (/encrypt/i.test(text)) return fault(`${file} ${encrypted}`)
  if (hasExpressions && queryFaults.test(text))
    return new MillraceError(
      'INVALID_ARGUMENT',
      `The query of the Parquet source over ${file} is wrong: ${text}. Check select, where and orderBy.`,
      { cause: error },
    )
  if (text.startsWith('Binder Error'))
    return fault(
      `${file} has columns that DuckDB, which reads it, cannot tell apart: ${text}. Write it with other names.`,
    )
  if (unsupported.test(text))
    return fault(
      `${file} uses a feature that DuckDB, which reads it, does not support: ${where(reading, text)}. Leave such columns out with columns, or write the file in another way.`,
    )
  if (textFaults.test(text))
    return fault(
      `${file} has text that is not UTF-8: ${where(reading, text)}. Leave such columns out with columns, or write them as binary.`,
    )
  if (/Invalid JSON/.test(text))
    return fault(
      `${file} has text in a JSON column that is not JSON: ${where(reading, text)}. Leave such columns out with columns, or write them as plain text.`,
    )
  if (hasExpressions && valueFaults.test(text) && !reading.columns?.length)
    return new MillraceError(
      'INVALID_ARGUMENT',
      `An expression of the Parquet source over ${file} fails at a row: ${text}. Wrap it in TRY(…), which gives null there.`,
      { cause: error },
    )
  if (/^(Conversion|Out of Range) Error/.test(text))
    return fault(
      `${file} has a value that DuckDB, which reads it, cannot hold: ${where(reading, text)}. Leave such columns out with columns.`,
    )
  if (reading.hasEncryptedColumns)
    return fault(
      `${file} has encrypted columns, which the Parquet source does not support: ${where(reading, text)}. Leave them out with columns, or decrypt the file first.`,
    )
  return fault(
    `${file} cannot be read as Parquet: ${where(reading, text)}. It is damaged or cut short: fetch it again.`,
  )
}

function tooLarge({ file, memoryLimit }: Reading, text: string, error: unknown): MillraceError {
  return new MillraceError(
    'LIMIT_EXCEEDED',
    `Reading ${file} needs more memory than memoryLimit allows, ${memoryLimit}: ${text}. Set memoryLimit to more. A row group is read as a whole, and orderBy needs memory for text beside it.`,
    { cause: error },
  )
}

/**
 * The query ended before its last row. DuckDB's interface reports this as the end, so the reason is unknown.
 */
export function otherCount(reading: Reading, given: number, expected: number): MillraceError {
  return new MillraceError(
    'SOURCE_MALFORMED',
    `DuckDB gave ${given} rows of ${reading.file}, expected ${expected}, without a reason. If it had too little memory, raise memoryLimit (now ${reading.memoryLimit}). If the file is still being written, wait for its end. If the option where has varying results, as with random(), change it.`,
  )
}

function where({ columns }: Reading, text: string): string {
  if (!columns?.length) return text
  return columns.map(({ name, message }) => `column '${name}' (${message})`).join(', ')
}
