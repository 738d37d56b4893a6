/**
 * DuckDB databases, opened once per file and process.
 *
 * DuckDB admits one process per file and guards against a second one by a file lock, but that lock does not tell two instances of **one** process
 * apart. So everyone in this process shares one instance per file; it is closed with its last user.
 */
import type * as DuckDB from '@duckdb/node-api'
import { open as openFile, realpath } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { InTurn, MillraceError } from '../../base/index.ts'
import { loadDriver } from '../driver.ts'
import type { DatabaseOptions } from './duckdb-options.ts'

export type DuckDBModule = typeof DuckDB

export const loadDuckDB = (use: string): Promise<DuckDBModule> =>
  loadDriver('@duckdb/node-api', use, () => import('@duckdb/node-api'))

export interface Database {
  readonly module: DuckDBModule
  readonly connection: DuckDB.DuckDBConnection
  /** Runs `work` while no other user of this file runs theirs: so writers never meet DuckDB's write conflicts. */
  exclusive<T>(work: () => Promise<T>): Promise<T>
  close(): Promise<void>
}

interface Shared {
  readonly instance: Promise<DuckDB.DuckDBInstance>
  users: number
  readonly turns: InTurn
}

const shared = new Map<string, Shared>()

/**
 * Connects to the database at `path`, which is created where there is none. Options count for the first one who opens the file.
 *
 * @throws MillraceError SINK_IN_USE when another process has the file (retriable), SINK_FAILED when it cannot be opened, MISSING_DRIVER
 */
export async function openDatabase(path: string, options: DatabaseOptions = {}): Promise<Database> {
  const module = await loadDuckDB('The DuckDB sink')
  const file = await canonical(path)
  if (!shared.has(file)) await refuseForeign(path, file)
  let entry = shared.get(file)
  if (!entry) {
    // fromCache, so that a program that opens the file in the same way shares it too.
    const instance = module.DuckDBInstance.fromCache(file, {
      memory_limit: options.memoryLimit ?? '256MB',
      threads: String(options.threads ?? 2),
    })
    entry = { instance, users: 0, turns: new InTurn() }
    shared.set(file, entry)
  }
  const open = entry
  open.users++
  let released = false
  const release = async (): Promise<void> => {
    if (released) return
    released = true
    if (--open.users > 0) return
    shared.delete(file)
    const instance = await open.instance.catch(() => undefined)
    instance?.closeSync()
  }
  try {
    const connection = await (await open.instance).connect()
    return {
      module,
      connection,
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

/** Where a DuckDB file has its magic bytes, behind a checksum, and what they are. */
const magicAt = 8
const magic = 'DUCK'

/** DuckDB opens a CSV file as a database in memory, in which everything delivered would be gone at the end: what is there has to be a database. */
async function refuseForeign(path: string, file: string): Promise<void> {
  const handle = await openFile(file).catch(() => undefined)
  if (!handle) return // Not there yet, or DuckDB will say what is wrong with it.
  try {
    const read = await handle.read(Buffer.alloc(magicAt + magic.length)).catch(() => undefined)
    if (read && read.buffer.toString('latin1', magicAt) !== magic)
      throw new MillraceError(
        'SINK_FAILED',
        `The file ${path} is not a valid DuckDB database, and is left alone. Check the path, or give one where there is no file.`,
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

function openFailed(path: string, error: unknown): MillraceError {
  const { message } = error as Error
  const holder = /Conflicting lock is held in (.*?\(PID \d+\))/.exec(message)?.[1]
  if (holder !== undefined || /could not set lock/i.test(message))
    return new MillraceError(
      'SINK_IN_USE',
      `The DuckDB file ${path} is open in another process${holder === undefined ? '' : `, ${holder}`}: DuckDB admits one at a time. Close it there, then start again.`,
      { cause: error, retriable: true },
    )
  return new MillraceError(
    'SINK_FAILED',
    `The DuckDB file ${path} cannot be opened: ${firstLine(message)}. Check the path, that its folder is there, and its permissions.`,
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
