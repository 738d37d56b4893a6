/**
 * The offsets of a sink, in two tables of the target:
 *
 *     _millrace_offsets(sink, topic, partition, next_offset, epoch)            next_offset is null until something is delivered
 *     _millrace_sinks(sink, topic, topic_id, table_name, mode, filled)         what the offsets count, and what they describe
 *
 * Offsets are valid only for their topic, and for the table with its rows. The topic's id is 16 random bytes,
 * so it identifies both the log and the topic. `filled` says whether the table had rows after the last write.
 * The offsets of another topic, table or mode are refused, and those of a table that is gone or was emptied.
 * Without offsets the sink is bound again. So a user loads from the start by deleting them.
 *
 * millrace 0.1.0 kept the offsets only: such a sink is bound when it is first opened. 0.1.0 can read the
 * tables of this version.
 *
 * Fencing, and each write once: transactional-offsets.ts.
 */
import type { DuckDBConnection } from '@duckdb/node-api'
import { MillraceError } from '../../base/index.ts'
import type { Offsets } from '../sink.ts'
import type { OffsetOwner, OffsetStore, StoredOffset } from '../transactional-offsets.ts'
import { literal, quoted } from './duckdb-database.ts'
import { ask, foldedName, mine, tableIn, type Place } from './duckdb-statements.ts'

export const offsetsTable = '_millrace_offsets'
export const sinksTable = '_millrace_sinks'

/** The tables that millrace keeps for itself: a sink cannot use them for a topic. */
export const ownTables: readonly string[] = [offsetsTable, sinksTable]

/** The words for a sink's offsets that do not fit. */
export function ownerOf(place: Place): OffsetOwner {
  const { sink, topic, topicId, path: target, table } = place
  const scratch = `DROP TABLE IF EXISTS ${quoted(table)}; DELETE FROM ${offsetsTable} WHERE ${mine(place)};`
  const remedy = `To load the table ${table} from the topic's start, run in DuckDB: ${scratch} To keep the present rows, give the sink another table, and another name.`
  return { sink, topic, topicId, target, remedy }
}

/** The tables of one sink's offsets. */
export class DuckDBOffsets implements OffsetStore {
  /** Whether the sink's table had rows after the last write. */
  filled = false
  readonly #connection: DuckDBConnection
  readonly #place: Place
  readonly #offsets: string
  readonly #sinks: string

  private constructor(connection: DuckDBConnection, place: Place) {
    this.#connection = connection
    this.#place = place
    this.#offsets = tableIn(place, offsetsTable)
    this.#sinks = tableIn(place, sinksTable)
  }

  /** Creates missing tables. */
  static async open(connection: DuckDBConnection, place: Place): Promise<DuckDBOffsets> {
    const store = new DuckDBOffsets(connection, place)
    await connection.run(`CREATE TABLE IF NOT EXISTS ${store.#offsets} (
      sink VARCHAR, topic VARCHAR, partition INTEGER, next_offset BIGINT, epoch BIGINT NOT NULL,
      PRIMARY KEY (sink, topic, partition))`)
    await connection.run(`CREATE TABLE IF NOT EXISTS ${store.#sinks} (
      sink VARCHAR, topic VARCHAR, topic_id VARCHAR NOT NULL, table_name VARCHAR NOT NULL, mode VARCHAR NOT NULL,
      filled BOOLEAN NOT NULL, PRIMARY KEY (sink, topic))`)
    return store
  }

  async owner(): Promise<string | undefined> {
    const [[topicId] = []] = (await this.#ask(
      `SELECT topic_id FROM ${this.#sinks} WHERE ${mine(this.#place)}`,
    )) as [string][]
    return topicId
  }

  /**
   * Checks that the offsets describe this table. After the check of the topic, and only if there are offsets.
   *
   * @param hasTable whether the sink's table exists
   * @throws MillraceError SINK_CHANGED
   */
  async checkTable(hasTable: boolean): Promise<void> {
    const { table, mode } = this.#place
    const [bound] = (await this.#ask(
      `SELECT table_name, mode, filled FROM ${this.#sinks} WHERE ${mine(this.#place)}`,
    )) as [string, string, boolean][]
    if (bound) {
      const [boundTable, boundMode, filled] = bound
      if (foldedName(boundTable) !== foldedName(table))
        throw this.#changed(`belong to the table ${boundTable}`)
      if (boundMode !== mode)
        throw this.#changed(`were written in mode '${boundMode}', and this is '${mode}'`)
      if (hasTable && filled && !(await this.#hasRows()))
        throw this.#changed(
          `belong to a table with rows, and it is empty: it was created again, or emptied`,
          ` If it was emptied on purpose and only new records should be loaded, run: UPDATE ${sinksTable} SET filled = false WHERE ${mine(this.#place)};`,
        )
    }
    if (!hasTable) throw this.#changed(`belong to a table that is gone`)
  }

  async read(): Promise<ReadonlyMap<number, StoredOffset>> {
    const rows = (await this.#ask(
      `SELECT partition, CAST(next_offset AS DOUBLE), CAST(epoch AS DOUBLE) FROM ${this.#offsets} WHERE ${mine(this.#place)}`,
    )) as [number, number | null, number][]
    return new Map(rows.map(([partition, next, epoch]) => [partition, { next: next ?? undefined, epoch }]))
  }

  async claim(topicId: string, epoch: number, partitions: number): Promise<void> {
    const { sink, topic, table, mode } = this.#place
    await this.#connection.run(`UPDATE ${this.#offsets} SET epoch = ${epoch} WHERE ${mine(this.#place)}`)
    await this.#connection.run(`INSERT INTO ${this.#offsets} BY NAME
      SELECT ${literal(sink)} AS sink, ${literal(topic)} AS topic, CAST(p AS INTEGER) AS partition, ${epoch} AS epoch
      FROM range(${partitions}) r(p) WHERE p NOT IN (SELECT partition FROM ${this.#offsets} WHERE ${mine(this.#place)})`)
    this.filled = await this.#hasRows()
    const bound = [sink, topic, topicId, table, mode, this.filled]
    const [found] = await this.#ask(
      `SELECT sink, topic, topic_id, table_name, mode, filled FROM ${this.#sinks} WHERE ${mine(this.#place)}`,
    )
    if (!found?.every((value, i) => value === bound[i]))
      await this.#connection
        .run(`INSERT OR REPLACE INTO ${this.#sinks} (sink, topic, topic_id, table_name, mode, filled)
        VALUES (${[sink, topic, topicId, table, mode].map(literal).join(', ')}, ${this.filled})`)
  }

  async move(to: Offsets): Promise<void> {
    const moves = Array.from(to, ([partition, offset]) => `(${partition}, ${offset})`)
    await this.#connection.run(
      `UPDATE ${this.#offsets} AS known SET next_offset = moved.next_offset
       FROM (VALUES ${moves.join(', ')}) moved(partition, next_offset)
       WHERE ${mine(this.#place)} AND known.partition = moved.partition`,
    )
  }

  /**
   * Stores whether the table has rows now. Returns it for {@link filled}, which changes once the transaction
   * has committed.
   */
  async noteFilled(mayBeEmptied: boolean): Promise<boolean> {
    if (this.filled && !mayBeEmptied) return true
    const filled = await this.#hasRows()
    if (filled !== this.filled)
      await this.#connection.run(`UPDATE ${this.#sinks} SET filled = ${filled} WHERE ${mine(this.#place)}`)
    return filled
  }

  /** Whether the sink's table has rows. */
  async #hasRows(): Promise<boolean> {
    return (await this.#ask(`SELECT 1 FROM ${tableIn(this.#place, this.#place.table)} LIMIT 1`)).length > 0
  }

  #ask(query: string): Promise<unknown[][]> {
    return ask(this.#connection, query)
  }

  #changed(what: string, more = ''): MillraceError {
    const { sink, target, remedy } = ownerOf(this.#place)
    return new MillraceError(
      'SINK_CHANGED',
      `The offsets of '${sink}' in ${target} do not fit: they ${what}. ${remedy}${more}`,
    )
  }
}
