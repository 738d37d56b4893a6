/**
 * DuckDB databases, opened once per file and process.
 *
 * DuckDB's file lock keeps a second process out of a file, but not a second instance in **one** process. So
 * all sinks in this process share one instance per file: the program's, or one that is closed with its last
 * user.
 */
import type * as DuckDB from '@duckdb/node-api'
import { open as openFile, realpath } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { SerialQueue, MillraceError } from '../../base/index.ts'
import { loadDriver } from '../driver.ts'
import type { DatabaseOptions, OpenDuckDB } from './duckdb-options.ts'

export type DuckDBModule = typeof DuckDB

export const loadDuckDB = (use: string): Promise<DuckDBModule> =>
  loadDriver('@duckdb/node-api', use, () => import('@duckdb/node-api'))

export interface Database {
  readonly module: DuckDBModule
  readonly connection: DuckDB.DuckDBConnection
  /** The path of the file, for people. */
  readonly path: string
  /**
   * Runs `work` exclusively among the users of this database, so that writers never meet DuckDB's write
   * conflicts.
   */
  exclusive<T>(work: () => Promise<T>): Promise<T>
  close(): Promise<void>
}

const memoryLimitDefault = '256MB'
const threadsDefault = 2

/** A database that sinks of this process have open. */
interface Shared {
  readonly instance: Promise<OpenDuckDB>
  /** The program's instance; undefined for our own. */
  readonly given: OpenDuckDB | undefined
  /** Closes our own instance. */
  readonly end: () => Promise<void>
  /** The settings it was opened with; undefined for the program's instance. */
  readonly settings: Required<DatabaseOptions> | undefined
  readonly turns: SerialQueue
  users: number
}

/** Keyed by the file, or by the instance of a database in memory. */
const shared = new Map<string | OpenDuckDB, Shared>()

/**
 * Connects to a database: of a file, which is created if missing, or of the program's instance, which the
 * program closes.
 *
 * @throws MillraceError SINK_IN_USE when another process has the file (retriable), SINK_FAILED when it cannot
 *   be opened, INVALID_ARGUMENT when this process has it open with other settings, MISSING_DRIVER
 */
export async function openDatabase(
  database: string | OpenDuckDB,
  options: DatabaseOptions = {},
): Promise<Database> {
  const module = await loadDuckDB('The DuckDB sink')
  const file = typeof database === 'string' ? await canonical(database) : await fileOf(database)
  const path = typeof database === 'string' ? database : (file ?? 'memory')
  const place = file ?? (database as OpenDuckDB)
  if (typeof database === 'string' && !shared.has(place)) await refuseForeign(database, file!)
  const open =
    shared.get(place) ?? (typeof database === 'string' ? opened(module, file!, options) : given(database))
  if (typeof database !== 'string' && open.given !== database)
    throw new MillraceError(
      'INVALID_ARGUMENT',
      `Sinks of this process have ${path} open with another instance, and two instances damage the file. Open it first, and give its instance to every sink of the file.`,
    )
  checkSettings(path, open.settings, options)
  shared.set(place, open)
  open.users++
  let released = false
  const release = async (): Promise<void> => {
    if (released) return
    released = true
    if (--open.users > 0) return
    shared.delete(place)
    await open.end()
  }
  try {
    const connection = (await (await open.instance).connect()) as DuckDB.DuckDBConnection
    return {
      module,
      connection,
      path,
      exclusive: work => open.turns.run(work),
      async close() {
        connection.closeSync()
        await release()
      },
    }
  } catch (error) {
    await release()
    throw openFailed(path, error)
  }
}

function opened(module: DuckDBModule, file: string, options: DatabaseOptions): Shared {
  const settings = {
    memoryLimit: options.memoryLimit ?? memoryLimitDefault,
    threads: options.threads ?? threadsDefault,
  }
  const config = { memory_limit: settings.memoryLimit, threads: String(settings.threads) }
  const asked = options.memoryLimit !== undefined || options.threads !== undefined
  // fromCache, so that a program that opens the file in this way shares the instance: with these settings, or
  // without any.
  const instance = module.DuckDBInstance.fromCache(file, config).catch((error: unknown) => {
    if (asked || !otherSettings.test((error as Error).message)) throw error
    return module.DuckDBInstance.fromCache(file)
  })
  const end = async (): Promise<void> => (await instance.catch(() => undefined))?.closeSync()
  return { instance, given: undefined, end, settings, turns: new SerialQueue(), users: 0 }
}

function given(database: OpenDuckDB): Shared {
  const instance = Promise.resolve(database)
  return {
    instance,
    given: database,
    end: () => Promise.resolve(),
    settings: undefined,
    turns: new SerialQueue(),
    users: 0,
  }
}

function checkSettings(
  path: string,
  settings: Required<DatabaseOptions> | undefined,
  options: DatabaseOptions,
): void {
  for (const name of ['memoryLimit', 'threads'] as const) {
    if (options[name] === undefined || options[name] === settings?.[name]) continue
    throw new MillraceError(
      'INVALID_ARGUMENT',
      `${path} is open in this process ${settings ? `with ${name}: ${JSON.stringify(settings[name])}` : 'with an instance of the program'}, so ${name}: ${JSON.stringify(options[name])} is not possible. Give all sinks of a file the same ${name}, or leave it out.`,
    )
  }
}

/** The file of an instance; undefined for a database in memory. */
async function fileOf(database: OpenDuckDB): Promise<string | undefined> {
  let connection: DuckDB.DuckDBConnection | undefined
  try {
    connection = (await database.connect()) as DuckDB.DuckDBConnection
    const [[path]] = (await (
      await connection.run('SELECT path FROM duckdb_databases() WHERE database_name = current_database()')
    ).getRows()) as [[string | null]]
    return path === null ? undefined : await canonical(path)
  } catch (error) {
    throw openFailed('of the instance', error)
  } finally {
    connection?.closeSync()
  }
}

/** The magic bytes of a DuckDB file, and their position after a checksum. */
const magicAt = 8
const magic = 'DUCK'

/**
 * An existing file must be a database: DuckDB opens a CSV file as a database in memory, whose rows would be
 * lost at the end.
 */
async function refuseForeign(path: string, file: string): Promise<void> {
  const handle = await openFile(file).catch(() => undefined)
  if (!handle) return // It does not exist yet, or DuckDB reports the fault.
  try {
    const read = await handle.read(Buffer.alloc(magicAt + magic.length)).catch(() => undefined)
    if (read && read.buffer.toString('latin1', magicAt) !== magic)
      throw new MillraceError(
        'SINK_FAILED',
        `The file ${path} is not a valid DuckDB database, and was not changed. Check the path, or give the path of a new file.`,
      )
  } finally {
    await handle.close()
  }
}

/** One name per file: links followed as far as the file or its folder exists. */
async function canonical(path: string): Promise<string> {
  const absolute = resolve(path)
  try {
    return await realpath(absolute)
  } catch {
    const folder = await realpath(dirname(absolute)).catch(() => dirname(absolute))
    return join(folder, basename(absolute))
  }
}

/** DuckDB's message if the process has the file open through its cache with another configuration. */
const otherSettings = /different configuration/

function openFailed(path: string, error: unknown): MillraceError {
  const { message } = error as Error
  const holder = /Conflicting lock is held in (.*?\(PID \d+\))/.exec(message)?.[1]
  if (holder !== undefined || /could not set lock/i.test(message))
    return new MillraceError(
      'SINK_IN_USE',
      `The DuckDB file ${path} is open in another process${holder === undefined ? '' : `, ${holder}`}: DuckDB admits one at a time. Close it there, then start again.`,
      { cause: error, retriable: true },
    )
  if (otherSettings.test(message))
    return new MillraceError(
      'SINK_IN_USE',
      `The DuckDB file ${path} is open in this process with other settings than the sink's. Give the sink the open instance, as in duckdb(instance, { table }), or let it open the file with the same memoryLimit and threads.`,
      { cause: error },
    )
  return new MillraceError(
    'SINK_FAILED',
    `The DuckDB file ${path} cannot be opened: ${firstLine(message)}. Check that its folder exists, and its permissions.`,
    {
      cause: error,
    },
  )
}

export const firstLine = (message: string): string => message.split('\n', 1)[0]!

/** An SQL identifier. */
export const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`

/** An SQL string. */
export const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`
