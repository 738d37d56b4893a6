/**
 * Sentences for what DuckDB says while it reads a Parquet file: what was found decides, not where it was
 * caught.
 */
import { MillraceError } from '../../base/index.ts'
import { firstLine } from './duckdb-database.ts'
import { encrypted } from './parquet-file.ts'

/** What a read was about, for its messages. */
export interface Reading {
  /** The file, as the program names it. */
  readonly file: string
  readonly memoryLimit: string
  /** Whether the file says that columns of it are encrypted. */
  readonly hasEncryptedColumns: boolean
  /** Whether the program has given SQL of its own. */
  readonly hasExpressions: boolean
  /** Columns that alone cannot be read, with what DuckDB says of each; none where that is not known. */
  readonly columns?: readonly { readonly name: string; readonly message: string }[]
}

const memoryFaults = /^(Out of Memory|Memory) Error|bad_alloc/
const diskFaults = /max_temp_directory_size|No space left on device/
const textFaults = /Invalid string encoding|not valid UTF-?8/i
const unsupported =
  /\b(not (yet )?(supported|implemented)|un(supported|implemented)|only supported|requires two children)\b/i
/** DuckDB says it of the query's own faults, and of values that the query cannot take. */
const queryFaults = /^(Parser|Binder|Catalog) Error/
const valueFaults = /^(Conversion|Out of Range|Invalid Input|Mismatch Type) Error/

/** What DuckDB says, without what its interface puts before it. */
export const saidBy = (error: unknown): string =>
  firstLine((error as Error).message).replace(/^Failed to [\w ]+: (?=[\w ]+ Error: )/, '')

/** What a failed read of the file is. */
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
      `${file} uses what DuckDB, which reads it, does not support: ${where(reading, text)}. Leave such columns out with columns, or write the file in another way.`,
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
 * The query ended before its last row. DuckDB's interface does not tell that from the end, so there is no
 * reason to be had.
 */
export function otherCount(reading: Reading, given: number, expected: number): MillraceError {
  return new MillraceError(
    'SOURCE_MALFORMED',
    `DuckDB gave ${given} rows of ${reading.file}, expected ${expected}, and does not say why. If it had too little memory, set memoryLimit (now ${reading.memoryLimit}) to more. If the file is still written, wait for its end. If where changes its answer, as random() does, leave that out.`,
  )
}

function where({ columns }: Reading, text: string): string {
  if (!columns?.length) return text
  return columns.map(({ name, message }) => `column '${name}' (${message})`).join(', ')
}
