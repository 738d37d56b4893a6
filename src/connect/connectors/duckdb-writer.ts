/**
 * The writer of a DuckDB sink.
 *
 * A write is one transaction. Rows are converted and looked at here, and appended to a temporary table of the target's own types. What only DuckDB can tell of them is
 * asked of all at once (see duckdb-row-checks.ts). Then that table is merged into the target, or inserted.
 *
 * Measured with 1,000,000 upserts into 425,000 rows, 50,000 to a transaction: 1.9 s, of it 1.2 s appending; with `MERGE` the primary key costs nothing, while deleting and
 * inserting took 7 s with it and 2.6 s without. To leave the choice of the last rows to DuckDB takes 10 % more CPU.
 */
import type { Clock } from '../../base/index.ts'
import { RowsRefused, type Offsets, type SinkRow, type SinkWriter } from '../sink.ts'
import { textOf } from '../source.ts'
import type { Carrier, Identity } from './duckdb-carriers.ts'
import type { TableColumn } from './duckdb-columns.ts'
import type { Database } from './duckdb-database.ts'
import { writingStatement } from './duckdb-merge.ts'
import { staging, type RowChecks } from './duckdb-row-checks.ts'
import type { Stand } from './duckdb-stand.ts'
import { inTransaction, type Place } from './duckdb-statements.ts'

type Row = SinkRow<unknown, unknown>

/** A column of the table, and how its values travel. */
export interface WrittenColumn extends TableColumn {
  readonly carrier: Carrier
  /** Undefined: which keys are the same only DuckDB can tell. */
  readonly identity: Carrier['identity']
}

/** What a writer needs of an open sink. */
export interface Writing {
  readonly place: Place
  readonly columns: readonly WrittenColumn[]
  readonly checks: RowChecks
  readonly stand: Stand
}

/** Rows appended before the event loop turns: about 10 ms. */
const rowsPerTurn = 8192

export class DuckDBWriter implements SinkWriter<unknown, unknown> {
  readonly #database: Database
  readonly #clock: Clock
  readonly #place: Place
  readonly #columns: readonly WrittenColumn[]
  readonly #keys: readonly WrittenColumn[]
  readonly #checks: RowChecks
  readonly #stand: Stand

  constructor(database: Database, clock: Clock, { place, columns, checks, stand }: Writing) {
    this.#database = database
    this.#clock = clock
    this.#place = place
    this.#columns = columns
    this.#keys = columns.filter(({ isKey }) => isKey)
    this.#checks = checks
    this.#stand = stand
  }

  committed(): Promise<Offsets> {
    return this.#database.exclusive(() => this.#stand.committed())
  }

  async write(rows: readonly Row[], to: Offsets): Promise<void> {
    const stand = this.#stand
    const filled = await this.#database.exclusive(() =>
      inTransaction(this.#database.connection, this.#place, 'rows', async () => {
        if (await stand.isWritten(to)) return stand.filled
        if (rows.length > 0) await this.#load(rows)
        await stand.move(to)
        return await stand.noteFilled(rows.some(({ value }) => value === null))
      }),
    )
    stand.filled = filled
  }

  close(): Promise<void> {
    return this.#database.close()
  }

  async #load(rows: readonly Row[]): Promise<void> {
    const { connection } = this.#database
    // All rows are looked at, so that what is refused does not depend on which rows are written together.
    const reasons = this.#misfits(rows)
    const isDecidedHere = !this.#checks.any && this.#keys.every(({ identity }) => identity)
    if (this.#checks.any) {
      await this.#stage(rows, index => !reasons.has(index))
      for (const [index, reason] of await this.#checks.run(connection)) reasons.set(index, reason)
    }
    if (reasons.size > 0) throw new RowsRefused(new Map([...reasons].sort(([a], [b]) => a - b)))
    if (!this.#checks.any) {
      const last = isDecidedHere && this.#place.mode === 'upsert' ? this.#lastOfEachKey(rows) : undefined
      await this.#stage(rows, index => last?.has(index) ?? true)
    }
    await connection.run(writingStatement(this.#place, this.#columns, isDecidedHere))
    await connection.run(`DELETE FROM ${staging}`)
  }

  /** The rows that their columns do not hold, and why. */
  #misfits(rows: readonly Row[]): Map<number, string> {
    const reasons = new Map<number, string>()
    for (const [index, row] of rows.entries()) {
      const reason = this.#misfit(row)
      if (reason !== undefined) reasons.set(index, reason)
    }
    return reasons
  }

  #misfit(row: Row): string | undefined {
    const isTombstone = row.value === null
    if (isTombstone && this.#place.mode === 'append')
      return 'its value is null, which deletes, and the table is appended to'
    for (const { name, type, isKey, nullable, get, carrier } of this.#columns) {
      if (isTombstone && !isKey) continue
      const value = get(row)
      if (value === null || value === undefined) {
        if (!nullable) return `the column ${name} may not be null`
      } else if (carrier.convert(value) === undefined)
        return `${inWords(value)} does not fit the column ${name} ${type}`
    }
    return undefined
  }

  /** The indexes of the rows that have their key last: within a transaction only these count. */
  #lastOfEachKey(rows: readonly Row[]): Set<number> {
    const last = new Map<Identity, number>()
    const [only, ...more] = this.#keys
    const idOf = more.length === 0 ? (row: Row) => only!.identity!(only!.get(row)) : this.#keyText
    for (const [index, row] of rows.entries()) last.set(idOf(row), index)
    return new Set(last.values())
  }

  /** One text per key. Parts of text have their length in front, so that no two keys have the same. */
  readonly #keyText = (row: Row): string => {
    let text = ''
    for (const { get, identity } of this.#keys) {
      const part = identity!(get(row))
      text += typeof part === 'string' ? `${part.length}:${part}` : `${part},`
    }
    return text
  }

  async #stage(rows: readonly Row[], isWanted: (index: number) => boolean): Promise<void> {
    const appender = await this.#database.connection.createAppender('millrace_staging', 'main', 'temp')
    let appended = 0
    const texts = this.#columns.filter(({ carrier }) => carrier.isText)
    const append = ({ isKey, get, carrier }: WrittenColumn, row: Row): void => {
      const value = row.value === null && !isKey ? null : get(row)
      if (value === null || value === undefined) appender.appendNull()
      else carrier.append(appender, carrier.convert(value)!)
    }
    try {
      for (const [index, row] of rows.entries()) {
        if (!isWanted(index)) continue
        // Appending is synchronous: timers and sockets get their turn in between.
        if (++appended % rowsPerTurn === 0) await this.#clock.yield()
        for (const column of this.#columns)
          if (column.carrier.isText) appender.appendNull()
          else append(column, row)
        for (const column of texts) append(column, row)
        appender.appendBoolean(row.value === null)
        appender.appendInteger(index)
        appender.endRow()
      }
      appender.flushSync()
    } catch (error) {
      // Otherwise closing would write what was appended so far, after the transaction is rolled back.
      appender.clear()
      throw error
    } finally {
      appender.closeSync()
    }
  }
}

/** Characters of a value that a reason shows. */
const shownMax = 200

function inWords(value: unknown): string {
  let text
  try {
    text = textOf(value)
  } catch {
    text = 'a value that JSON cannot write'
  }
  return text.length > shownMax ? `${text.slice(0, shownMax)}…` : text
}
