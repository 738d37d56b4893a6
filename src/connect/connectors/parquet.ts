/**
 * Parquet as a source, read by DuckDB.
 *
 * A file is one query: columns, a filter, an order. It is streamed chunk by chunk; what sorting needs beyond the memory limit goes to disk.
 * The conversion to what JavaScript and JSON hold is part of the query, so that only numbers, booleans and text cross over.
 *
 * Resume: the order is made total by the row's number in the file, and the resume state is the number of the last row handed out. Opened again, the query
 * asks for the rows that sort after that one; nothing is skipped over by counting. The state holds a fingerprint of the query and of the file's size and
 * footer, which knows the place and bounds of every column of it: another query would stand elsewhere in another order, so it is refused.
 */
import type { DuckDBConnection, DuckDBResult } from '@duckdb/node-api'
import { createHash } from 'node:crypto'
import { mkdtemp, open, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { MillraceError } from '../../base/index.ts'
import { columnOf, columnsInWords, type Column, type ColumnSpecs, type RowOf } from '../columns.ts'
import type { ResumeState, Source, SourceBatch, SourceReader } from '../source.ts'
import { firstLine, literal, loadDuckDB, quoted } from './duckdb-database.ts'
import { converted, kindOfType, rowReader } from './duckdb-rows.ts'

/** What is read of a Parquet file, and with how much memory. */
export interface ParquetOptions<C extends ColumnSpecs> {
  /** The columns of a row and what they hold. They are checked against the file when it is opened. Default: all, as the file types them, null allowed. */
  readonly columns?: C
  /**
   * Where a column comes from, in DuckDB's SQL, if not from the file's column of its name. `file_row_number` (from 0) is there too.
   * @example { departure: 'date', row: 'file_row_number' }
   */
  readonly select?: { readonly [N in keyof C]?: string }
  /** Which rows, in SQL. */
  readonly where?: string
  /** The order, as SQL expressions, ascending, nulls last (negate a number to have it descending). Ties, and everything without `orderBy`: as in the file. */
  readonly orderBy?: readonly string[]
  /** Default: `parquet-` and the file's name. */
  readonly name?: string
  /** What DuckDB may take before it sorts on disk. Default 128MB: enough for millions of rows, measured no slower than twice that. */
  readonly memoryLimit?: string
  /** Threads that DuckDB reads with. Default 2. */
  readonly threads?: number
}

type Row = Record<string, unknown>

/**
 * Rows of a Parquet file, which is read through once: a run that was interrupted continues where it stopped, in the same file and with the same query. Another file in its
 * place is refused with SOURCE_CHANGED; publish that one under a name of its own.
 *
 * @example
 * parquet('flights.parquet', {
 *   columns: { row: 'integer', departure: 'timestamp', delay: 'integer', origin: 'string' },
 *   select: { row: 'file_row_number', departure: 'date' },
 *   orderBy: ['date + to_minutes(delay)'],
 * })
 * @throws MillraceError from `open`: SOURCE_MISSING, SOURCE_MALFORMED, SCHEMA_MISMATCH, SOURCE_CHANGED, MISSING_DRIVER; from `next`: SOURCE_MALFORMED
 */
export function parquet(
  path: string | URL,
  options?: Omit<ParquetOptions<ColumnSpecs>, 'columns'>,
): Source<Row>
export function parquet<const C extends ColumnSpecs>(
  path: string | URL,
  options: ParquetOptions<C> & { readonly columns: C },
): Source<RowOf<C>>
export function parquet(path: string | URL, options: ParquetOptions<ColumnSpecs> = {}): Source<Row> {
  const file = typeof path === 'string' ? path : fileURLToPath(path)
  return {
    name: options.name ?? `parquet-${basename(file)}`,
    open: resume => openParquet(file, options, resume),
  }
}

async function openParquet(
  file: string,
  options: ParquetOptions<ColumnSpecs>,
  resume: ResumeState | undefined,
): Promise<SourceReader<Row>> {
  const found = await stat(file).catch(() => undefined)
  if (!found?.isFile())
    throw new MillraceError(
      'SOURCE_MISSING',
      `There is no file ${file}. Check the path of the Parquet source; it is taken from ${process.cwd()}.`,
    )
  const { DuckDBInstance } = await loadDuckDB('The Parquet source')

  const temporary = await temporaryFolder()
  const instance = await DuckDBInstance.create(':memory:', {
    memory_limit: options.memoryLimit ?? '128MB',
    threads: String(options.threads ?? 2),
    temp_directory: temporary,
  })
  const connection = await instance.connect()
  const close = async (): Promise<void> => {
    connection.closeSync()
    instance.closeSync()
    await rm(temporary, { recursive: true, force: true })
  }

  try {
    const from = `read_parquet(${literal(file)}, file_row_number = true)`
    const { columns, select } = await checkColumns(connection, file, from, options)
    const where = options.where === undefined ? 'true' : `(${options.where})`
    const order = [...(options.orderBy ?? []).map(expression => `(${expression})`), 'file_row_number']
    const query = createHash('sha256')
      .update(JSON.stringify([select, where, order, found.size]))
      .update(await footerOf(file, found.size))
      .digest('hex')
      .slice(0, 16)

    // Compared as one value, nulls are last, as in the order.
    const key = `row(${order.join(', ')})`
    const after = resumedAfter(resume, query, file)
    const rest =
      after === undefined ? 'true' : `${key} > (SELECT ${key} FROM ${from} WHERE file_row_number = ${after})`
    const count = await ask(connection, file, `SELECT CAST(count(*) AS DOUBLE) FROM ${from} WHERE ${where}`)
    const outputs = [...select, 'CAST(file_row_number AS DOUBLE)'].map((sql, c) => `${sql} AS millrace_${c}`)
    const result = await connection
      .stream(
        `SELECT ${outputs.join(', ')} FROM ${from} WHERE ${where} AND ${rest} ORDER BY ${order.join(', ')}`,
      )
      .catch((error: unknown) => {
        throw unreadable(file, error)
      })

    return {
      total: Number((await count.getRows())[0]![0]),
      next: batches(file, result, columns, query),
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

/** More than most footers have. */
const footerBytesMax = 64 * 1024

async function footerOf(file: string, size: number): Promise<Buffer> {
  const length = Math.min(size, footerBytesMax)
  const handle = await open(file)
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, size - length)
    return buffer.subarray(0, bytesRead)
  } finally {
    await handle.close()
  }
}

const temporaryPrefix = 'millrace-parquet-'

/** A folder for what DuckDB sorts on disk. Those of processes that were killed are removed: a sort leaves gigabytes. */
async function temporaryFolder(): Promise<string> {
  for (const name of await readdir(tmpdir())) {
    const owner = name.startsWith(temporaryPrefix)
      ? Number.parseInt(name.slice(temporaryPrefix.length), 10)
      : NaN
    if (owner > 0 && !isAlive(owner)) await rm(join(tmpdir(), name), { recursive: true, force: true })
  }
  return await mkdtemp(join(tmpdir(), `${temporaryPrefix}${process.pid}-`))
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // Another user's process is alive, too.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** The reader's `next`. */
function batches(
  file: string,
  result: DuckDBResult,
  columns: readonly Column[],
  query: string,
): () => Promise<SourceBatch<Row> | undefined> {
  const readRows = rowReader(columns)
  return async () => {
    const chunk = await result.fetchChunk().catch((error: unknown) => {
      throw unreadable(file, error)
    })
    if (chunk === null || chunk.rowCount === 0) return undefined
    const numbers = chunk.getColumnVector(columns.length)
    const row = (index: number): number => numbers.getItem(index) as number
    return {
      rows: readRows(chunk),
      resume: { row: row(chunk.rowCount - 1), query },
      place: index => `row ${row(index)} of ${file}`,
    }
  }
}

/** What to select, once it is known that the file has it, in types that fit. */
async function checkColumns(
  connection: DuckDBConnection,
  file: string,
  from: string,
  { columns: specs, select: expressions = {} }: ParquetOptions<ColumnSpecs>,
): Promise<{ columns: Column[]; select: string[] }> {
  const inFile = await describe(connection, file, `SELECT * EXCLUDE (file_row_number) FROM ${from}`)
  const names = specs
    ? Object.keys(specs)
    : [...new Set([...inFile.map(({ name }) => name), ...Object.keys(expressions)])]
  const known = new Set(inFile.map(({ name }) => name.toLowerCase()).concat('file_row_number'))
  const missing = names.filter(name => expressions[name] === undefined && !known.has(name.toLowerCase()))
  if (missing.length > 0)
    throw new MillraceError(
      'SCHEMA_MISMATCH',
      `${file} does not have the columns that the program expects: ${missing.join(', ')} missing. Found ${inWords(inFile)}. Change columns, or say in select where they come from.`,
    )
  const sql = names.map(name => expressions[name] ?? quoted(name))
  const list = sql.map((expression, c) => `(${expression}) AS ${quoted(names[c]!)}`)
  const found = await describe(connection, file, `SELECT ${list.join(', ')} FROM ${from}`, () => inFile)

  const columns = found.map(({ name, type }) =>
    specs ? columnOf(name, specs[name]!) : { name, kind: kindOfType(type), nullable: true },
  )
  const select = columns.map(({ kind }, c) => converted(sql[c]!, found[c]!.type, kind))
  if (!select.every(one => one !== undefined)) {
    const wrong = columns.filter((_, c) => select[c] === undefined).map(({ name }) => name)
    throw new MillraceError(
      'SCHEMA_MISMATCH',
      `${file} does not have the columns that the program expects: ${wrong.join(', ')} of another type. Expected ${columnsInWords(columns)}, found ${inWords(found)}. Change the columns, or cast in select.`,
    )
  }
  return { columns, select }
}

interface FoundColumn {
  readonly name: string
  readonly type: string
}

const inWords = (found: readonly FoundColumn[]): string =>
  columnsInWords(found.map(({ name, type }) => ({ name, kind: type })))

/** The columns of a query. A binder error is the query's fault when the file's own columns could be read before. */
async function describe(
  connection: DuckDBConnection,
  file: string,
  query: string,
  inFile?: () => FoundColumn[],
): Promise<FoundColumn[]> {
  try {
    const result = await connection.run(`DESCRIBE ${query}`)
    return (await result.getRows()).map(([name, type]) => ({ name: String(name), type: String(type) }))
  } catch (error) {
    if (!inFile) throw unreadable(file, error)
    throw new MillraceError(
      'SCHEMA_MISMATCH',
      `${file} does not have the columns that the program expects: ${firstLine((error as Error).message)}. Found ${inWords(inFile())}. Change columns and select.`,
      { cause: error },
    )
  }
}

async function ask(
  connection: DuckDBConnection,
  file: string,
  query: string,
): Promise<Awaited<ReturnType<DuckDBConnection['run']>>> {
  try {
    return await connection.run(query)
  } catch (error) {
    throw unreadable(file, error)
  }
}

/** DuckDB says it of the query's own faults (a conversion, an expression); everything else is the file's. */
const queryFaults = /(Parser|Binder|Catalog) Error/

function unreadable(file: string, error: unknown): MillraceError {
  const message = firstLine((error as Error).message)
  if (queryFaults.test(message))
    return new MillraceError(
      'INVALID_ARGUMENT',
      `The query of the Parquet source over ${file} is wrong: ${message}. Check select, where and orderBy.`,
      { cause: error },
    )
  return new MillraceError(
    'SOURCE_MALFORMED',
    `${file} cannot be read as Parquet: ${message}. It is damaged, cut short or something else: fetch it again.`,
    { cause: error },
  )
}

function resumedAfter(resume: ResumeState | undefined, query: string, file: string): number | undefined {
  if (resume === undefined) return undefined
  const { row, query: earlier } = resume as { row?: unknown; query?: unknown }
  if (!Number.isSafeInteger(row) || earlier !== query)
    throw new MillraceError(
      'SOURCE_CHANGED',
      `${file}, or the query over it, is not the one that was being published when the source was left: publishing cannot continue from there. Restore the file, or publish under another name from the start.`,
    )
  return row as number
}
