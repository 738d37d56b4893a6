/**
 * The writer of a DuckDB sink.
 *
 * A write is one transaction. Rows are converted and checked here, and appended to a temporary table with the
 * target's types. Checks that only DuckDB can make run over all rows at once (see duckdb-row-checks.ts). Then
 * that table is merged into the target, or inserted.
 *
 * Measured with 1,000,000 upserts into 425,000 rows, 50,000 to a transaction: 1.9 s, of which 1.2 s is
 * appending. With `MERGE` the primary key costs nothing; deleting and inserting took 7 s with a primary key
 * and 2.6 s without. To let DuckDB choose the last rows takes 10 % more CPU.
 */
import type { DuckDBAppender, DuckDBValue } from '@duckdb/node-api'
import type { Clock } from '../../base/index.ts'
import { RowsRefused, type Offsets, type SinkRow, type SinkWriter } from '../sink.ts'
import { textOf } from '../source.ts'
import type { Carrier, Identity } from './duckdb-carriers.ts'
import type { TableColumn } from './duckdb-columns.ts'
import type { Database } from './duckdb-database.ts'
import { writingStatement } from './duckdb-merge.ts'
import { staging, type RowChecks } from './duckdb-row-checks.ts'
import type { TransactionalOffsets } from '../transactional-offsets.ts'
import type { DuckDBOffsets } from './duckdb-offsets.ts'
import { inTransaction, type Place } from './duckdb-statements.ts'

type Row = SinkRow<unknown, unknown>

/** A column of the table, and the carrier of its values. */
export interface WrittenColumn extends TableColumn {
  readonly carrier: Carrier
  /** Undefined: only DuckDB can tell which keys are the same. */
  readonly identity: Carrier['identity']
}

/** The parts of an open sink that a writer needs. */
export interface Writing {
  readonly place: Place
  readonly columns: readonly WrittenColumn[]
  readonly checks: RowChecks
  readonly offsets: TransactionalOffsets
  readonly store: DuckDBOffsets
}

/** Rows appended before the event loop turns: about 10 ms. */
const rowsPerTurn = 8192

export class DuckDBWriter implements SinkWriter<unknown, unknown> {
  readonly #database: Database
  readonly #clock: Clock
  readonly #place: Place
  readonly #columns: readonly WrittenColumn[]
  readonly #keys: readonly WrittenColumn[]
  /** The cast columns, which are appended a second time, as text. */
  readonly #texts: readonly { readonly c: number; readonly carrier: Carrier }[]
  readonly #checks: RowChecks
  readonly #offsets: TransactionalOffsets
  readonly #store: DuckDBOffsets

  constructor(database: Database, clock: Clock, { place, columns, checks, offsets, store }: Writing) {
    this.#database = database
    this.#clock = clock
    this.#place = place
    this.#columns = columns
    this.#keys = columns.filter(({ isKey }) => isKey)
    this.#texts = columns.flatMap(({ carrier }, c) => (carrier.isText ? [{ c, carrier }] : []))
    this.#checks = checks
    this.#offsets = offsets
    this.#store = store
  }

  committed(): Promise<Offsets> {
    return this.#database.exclusive(() => this.#offsets.committed())
  }

  async write(rows: readonly Row[], to: Offsets): Promise<void> {
    const store = this.#store
    const filled = await this.#database.exclusive(() =>
      inTransaction(this.#database.connection, this.#place, 'rows', async () => {
        const isNew = await this.#offsets.once(to, async () => {
          if (rows.length > 0) await this.#load(rows)
        })
        return isNew ? await store.noteFilled(rows.some(({ value }) => value === null)) : store.filled
      }),
    )
    store.filled = filled
  }

  close(): Promise<void> {
    return this.#database.close()
  }

  async #load(rows: readonly Row[]): Promise<void> {
    const { connection } = this.#database
    const isDecidedHere = !this.#checks.any && this.#keys.every(({ identity }) => identity)
    const isReduced = isDecidedHere && this.#place.mode === 'upsert'
    const reasons = await this.#stage(rows, isReduced ? this.#lastOfEachKey(rows) : undefined)
    if (this.#checks.any)
      for (const [index, reason] of await this.#checks.run(connection)) reasons.set(index, reason)
    if (reasons.size > 0) throw new RowsRefused(new Map([...reasons].sort(([a], [b]) => a - b)))
    await connection.run(writingStatement(this.#place, this.#columns, isDecidedHere))
    await connection.run(`DELETE FROM ${staging}`)
  }

  /** Marks the last row of each key: within a transaction only these count. */
  #lastOfEachKey(rows: readonly Row[]): Uint8Array {
    const last = new Map<Identity, number>()
    const [only, ...more] = this.#keys
    const idOf = more.length === 0 ? (row: Row) => only!.identity!(only!.get(row)) : this.#keyText
    for (let index = 0; index < rows.length; index++) last.set(idOf(rows[index]!), index)
    const marks = new Uint8Array(rows.length)
    for (const index of last.values()) marks[index] = 1
    return marks
  }

  /** One text per key. The length in front of each part keeps different keys apart. */
  readonly #keyText = (row: Row): string => {
    let text = ''
    for (const { get, identity } of this.#keys) {
      const part = identity!(get(row))
      text += typeof part === 'string' ? `${part.length}:${part}` : `${part},`
    }
    return text
  }

  /**
   * Appends rows to the staging table: the marked ones, or all without marks. Returns the rows that their
   * columns cannot hold, with reasons. All rows are checked, so that a refusal does not depend on the other
   * rows of the write.
   */
  async #stage(rows: readonly Row[], marks: Uint8Array | undefined): Promise<Map<number, string>> {
    const appender = await this.#database.connection.createAppender('millrace_staging', 'main', 'temp')
    const reasons = new Map<number, string>()
    const values: DuckDBValue[] = []
    try {
      for (let index = 0; index < rows.length; index++) {
        // Appending is synchronous: timers and sockets get their turn in between.
        if (index % rowsPerTurn === rowsPerTurn - 1) await this.#clock.yield()
        const row = rows[index]!
        const reason = this.#convert(row, values)
        if (reason !== undefined) reasons.set(index, reason)
        // After a refusal the others are staged only for the checks.
        else if (marks?.[index] !== 0 && (reasons.size === 0 || this.#checks.any))
          this.#append(appender, values, row.value === null, index)
      }
      appender.flushSync()
    } catch (error) {
      // Otherwise closing would write the appended rows after the rollback.
      appender.clear()
      throw error
    } finally {
      appender.closeSync()
    }
    return reasons
  }

  /** Converts the values of a row, by column; or returns why a column cannot hold its value. */
  #convert(row: Row, values: DuckDBValue[]): string | undefined {
    const isTombstone = row.value === null
    if (isTombstone && this.#place.mode === 'append')
      return 'its value is null, which deletes, but the table is only appended to'
    for (let c = 0; c < this.#columns.length; c++) {
      const { name, type, isKey, nullable, get, carrier } = this.#columns[c]!
      const isLeftOut = isTombstone && !isKey
      const value = isLeftOut ? null : get(row)
      let converted: DuckDBValue | undefined = null
      if (value !== null && value !== undefined) {
        converted = carrier.convert(value)
        if (converted === undefined) return `${inWords(value)} does not fit the column ${name} ${type}`
      } else if (!nullable && !isLeftOut) return `the column ${name} may not be null`
      values[c] = converted
    }
    return undefined
  }

  #append(to: DuckDBAppender, values: readonly DuckDBValue[], isDeleted: boolean, index: number): void {
    for (let c = 0; c < values.length; c++) {
      const { carrier } = this.#columns[c]!
      if (carrier.isText || values[c] === null) to.appendNull()
      else carrier.append(to, values[c]!)
    }
    for (const { c, carrier } of this.#texts)
      if (values[c] === null) to.appendNull()
      else carrier.append(to, values[c]!)
    to.appendBoolean(isDeleted)
    to.appendInteger(index)
    to.endRow()
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
