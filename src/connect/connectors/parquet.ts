/**
 * Parquet as a source, read by DuckDB.
 *
 * A file is one query: columns, a filter, an order. It is streamed chunk by chunk; a sort beyond the memory
 * limit uses the disk. The query converts values to types of JavaScript and JSON, so that it returns only
 * numbers, booleans, text and bytes.
 *
 * Resume: the order is made total by the row's number in the file, and the resume state is the number of the
 * last row handed out. Opened again, the query selects the rows that sort after that one, without counting.
 * The state holds a fingerprint of the query, of the file's size and of its footer, which has the place and
 * bounds of every column. Another query has another order, so it is refused.
 *
 * The end: DuckDB's interface reports a query that failed halfway as ended. So the rows are counted before
 * and after.
 */
import type { DuckDBConnection, DuckDBInstance, DuckDBResult } from '@duckdb/node-api'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { assert, checkOptions, inWords, MillraceError, type OptionKind } from '../../base/index.ts'
import { columnOf, type ColumnSpecs, type RowOf } from '../columns.ts'
import type { ResumeState, Source, SourceBatch, SourceReader } from '../source.ts'
import { firstLine, loadDuckDB, quoted } from './duckdb-database.ts'
import { rowReader } from './duckdb-rows.ts'
import { otherCount, readFault, saidBy, type Reading } from './parquet-faults.ts'
import { hasEncryptedColumns, lookAt } from './parquet-file.ts'
import { fingerprintOf, outputsOf, queryOver, type Expressions, type Output } from './parquet-query.ts'
import { ask, relationOf, type Relation } from './parquet-relation.ts'

/** The rows to read from a Parquet file, and the memory for it. */
export interface ParquetOptions<C extends ColumnSpecs> {
  /**
   * The columns of a row, by their exact names, with their kinds. They are checked against the file when it
   * is opened. Default: all, as the file types them, null allowed.
   */
  readonly columns?: C
  /**
   * The expression of a column in DuckDB's SQL. Default: the file's column of its name. `file_row_number`
   * (from 0) is available too.
   * @example { departure: 'date', row: 'file_row_number' }
   */
  readonly select?: { readonly [N in keyof C]?: string }
  /** The filter, in SQL. It must give the same result for a row each time: not `random()`. */
  readonly where?: string
  /**
   * The order, as SQL expressions, ascending, nulls last (negate a number to have it descending). Ties, and
   * everything without `orderBy`: as in the file.
   */
  readonly orderBy?: readonly string[]
  /** Default: `parquet-` and the file's name. */
  readonly name?: string
  /**
   * DuckDB's memory, as `'512MB'`; a sort beyond it uses mostly the disk. Default 1GB. It is a bound, not
   * allocated at once. A row group is read as a whole: one of 200 MB of text takes 400MB, or 512MB with
   * `orderBy`.
   */
  readonly memoryLimit?: string
  /** Threads that DuckDB reads with. Default 2. */
  readonly threads?: number
}

const memoryLimitDefault = '1GB'

type Row = Record<string, unknown>

/**
 * Rows of a Parquet file, each read once: an interrupted run continues where it stopped, in the same file and
 * with the same query. Another file in its place is refused with SOURCE_CHANGED; publish that one under its
 * own name.
 *
 * A row is a bad row if a value does not fit its column: a whole number beyond 2^53, NaN and infinities, a
 * date outside of the years 1 to 9999, null without `?`. The same holds within nested columns, which are read
 * as `json`. Timestamps are rounded down to milliseconds.
 *
 * DuckDB does not check the optional checksums of pages: a file with changed bytes can give wrong values.
 *
 * @example
 * parquet('flights.parquet', {
 *   columns: { row: 'integer', departure: 'timestamp', delay: 'integer', origin: 'string' },
 *   select: { row: 'file_row_number', departure: 'date' },
 *   orderBy: ['date + to_minutes(delay)'],
 * })
 * @throws MillraceError INVALID_ARGUMENT; from `open` and `next`: SOURCE_MALFORMED, LIMIT_EXCEEDED (memory),
 *   DISK_FULL, INVALID_ARGUMENT (wrong SQL); from `open`: SOURCE_MISSING, SCHEMA_MISMATCH, SOURCE_CHANGED,
 *   MISSING_DRIVER
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
  const file = fileOf(path)
  checkOptions(`parquet('${file}')`, options, optionKinds)
  for (const [name, spec] of Object.entries(options.columns ?? {})) columnOf(name, spec)
  return {
    name: options.name ?? `parquet-${basename(file)}`,
    open: resume => openParquet(file, options, resume),
  }
}

const isTexts = (values: readonly unknown[]): boolean =>
  values.every(value => typeof value === 'string' && value.trim() !== '')

const optionKinds: Readonly<Record<string, OptionKind>> = {
  columns: 'object',
  select: value =>
    typeof value === 'object' &&
    value !== null &&
    isTexts(Object.values(value).filter(sql => sql !== undefined))
      ? undefined
      : 'an object with an SQL expression per column',
  where: value => (isTexts([value]) ? undefined : 'an SQL expression'),
  orderBy: value => (Array.isArray(value) && isTexts(value) ? undefined : 'a list of SQL expressions'),
  name: 'string',
  memoryLimit: 'string',
  threads: 'count',
}

function fileOf(path: unknown): string {
  if (typeof path === 'string' && path !== '') return path
  if (path instanceof URL && path.protocol === 'file:') return fileURLToPath(path)
  throw new MillraceError(
    'INVALID_ARGUMENT',
    `parquet() needs the path of a file, or a file: URL, got ${path instanceof URL ? path.href : inWords(path)}.`,
  )
}

async function openParquet(
  name: string,
  options: ParquetOptions<ColumnSpecs>,
  resume: ResumeState | undefined,
): Promise<SourceReader<Row>> {
  const file = await lookAt(name)
  const { columns: specs, select = {}, where, orderBy = [], memoryLimit = memoryLimitDefault } = options
  const expressions: Expressions = { select, where, orderBy }
  const hasExpressions = where !== undefined || orderBy.length > 0 || Object.keys(select).length > 0
  const reading: Reading = {
    file: name,
    memoryLimit,
    hasExpressions,
    hasEncryptedColumns: hasEncryptedColumns(file),
  }
  const { connection, close } = await openDuckDB(memoryLimit, options.threads ?? 2)
  try {
    const relation = await relationOf(connection, file, reading)
    const outputs = await outputsOf(connection, name, relation, specs, select)
    const fingerprint = fingerprintOf(file, outputs, expressions)
    const after = resumedAfter(resume, fingerprint, name)
    const query = queryOver(relation, outputs, expressions, after)
    const [[total, left]] = (await ask(connection, reading, query.count)) as [[number, number]]
    const { misfits } = query
    const isSorted = orderBy.length > 0
    const context = { connection, relation, outputs, reading, fingerprint, left, misfits, isSorted }
    const result = await connection.stream(query.rows).catch(async (error: unknown) => {
      throw await faultIn(context, error)
    })
    return { total, next: batches(context, result), close }
  } catch (error) {
    await close()
    throw error
  }
}

async function openDuckDB(
  memoryLimit: string,
  threads: number,
): Promise<{ connection: DuckDBConnection; close: () => Promise<void> }> {
  const { DuckDBInstance } = await loadDuckDB('The Parquet source')
  const temporary = await temporaryFolder()
  let instance: DuckDBInstance | undefined
  try {
    instance = await DuckDBInstance.create(':memory:', {
      memory_limit: memoryLimit,
      threads: String(threads),
      temp_directory: temporary,
    })
    const connection = await instance.connect()
    // Text of times, and expressions over them, must not depend on the machine. Geometry is read as the bytes
    // in the file.
    await connection.run("SET TimeZone = 'UTC'; SET enable_geoparquet_conversion = false")
    const open = instance
    return {
      connection,
      async close() {
        connection.closeSync()
        open.closeSync()
        await rm(temporary, { recursive: true, force: true })
      },
    }
  } catch (error) {
    instance?.closeSync()
    await rm(temporary, { recursive: true, force: true })
    throw new MillraceError(
      'INVALID_ARGUMENT',
      `DuckDB cannot be opened for the Parquet source: ${firstLine((error as Error).message)}. Check memoryLimit, such as '512MB', and threads.`,
      { cause: error },
    )
  }
}

const temporaryPrefix = 'millrace-parquet-'

/** A folder for DuckDB's sorts on disk. Removes those of killed processes, which may hold gigabytes. */
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

/** An open query, with the data for its messages. */
interface Context {
  readonly connection: DuckDBConnection
  readonly relation: Relation
  readonly outputs: readonly Output[]
  readonly reading: Reading
  readonly fingerprint: string
  /** How many rows the query must give. */
  readonly left: number
  readonly misfits: number | undefined
  /** Whether the program has given an order. */
  readonly isSorted: boolean
}

/** The reader's `next`. */
function batches(context: Context, result: DuckDBResult): () => Promise<SourceBatch<Row> | undefined> {
  const { outputs, reading, fingerprint, left, misfits, isSorted } = context
  let last = -1
  const readRows = rowReader(outputs, misfits)
  let given = 0
  return async () => {
    const chunk = await result.fetchChunk().catch(async (error: unknown) => {
      throw await faultIn(context, error)
    })
    const count = chunk?.rowCount ?? 0
    given += count
    if (given > left || (count === 0 && given < left))
      throw await faultIn(context, otherCount(reading, given, left))
    if (chunk === null || count === 0) return undefined
    const numbers = chunk.getColumnVector(chunk.columnCount - 1)
    const row = (index: number): number => numbers.getItem(index) as number
    if (!isSorted)
      for (let i = 0; i < count; i++) {
        assert(row(i) > last, 'without an order DuckDB gives rows as they are in the file')
        last = row(i)
      }
    return {
      rows: readRows(chunk),
      resume: { row: row(count - 1), query: fingerprint },
      place: index => `row ${row(index)} of ${reading.file}`,
    }
  }
}

/** The error of a failed query. Names the columns that cannot be read, by reading each alone. */
async function faultIn(context: Context, error: unknown): Promise<MillraceError> {
  const { connection, relation, outputs, reading } = context
  const isCount = error instanceof MillraceError
  const first = isCount ? error : readFault(reading, error)
  if (first.code !== 'SOURCE_MALFORMED') return first
  const columns: { name: string; message: string }[] = []
  let found: unknown = error
  for (const { of } of outputs) {
    if (!of) continue
    try {
      await connection.run(`SELECT bit_xor(hash(${quoted(of.alias)})) FROM ${relation.from}`)
    } catch (fault) {
      columns.push({ name: of.name, message: saidBy(fault) })
      found = fault
    }
  }
  if (columns.length === 0 && isCount) return first
  return readFault({ ...reading, columns }, found)
}

function resumedAfter(resume: ResumeState | undefined, query: string, file: string): number | undefined {
  if (resume === undefined) return undefined
  const { row, query: earlier } = (resume ?? {}) as { row?: unknown; query?: unknown }
  if (!Number.isSafeInteger(row) || earlier !== query)
    throw new MillraceError(
      'SOURCE_CHANGED',
      `${file}, or the query over it, is not the one that was published before, so publishing cannot continue. Restore the file, or publish under another name from the start.`,
    )
  return row as number
}
