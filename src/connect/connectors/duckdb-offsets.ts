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
 * The epoch fences: opening raises it, and a writer that finds a higher one was replaced.
 */
import type { DuckDBConnection } from '@duckdb/node-api'
import { MillraceError } from '../../base/index.ts'
import type { Offsets } from '../sink.ts'
import { literal, quoted } from './duckdb-database.ts'
import { ask, foldedName, mine, tableIn, type Place } from './duckdb-statements.ts'

export const offsetsTable = '_millrace_offsets'
export const sinksTable = '_millrace_sinks'

/** The tables that millrace keeps for itself: a sink cannot use them for a topic. */
export const ownTables: readonly string[] = [offsetsTable, sinksTable]

/**
 * Creates the tables, and checks their content against this sink.
 *
 * @param hasTable whether the sink's table exists
 * @throws MillraceError SINK_CHANGED
 */
export async function checkOffsets(
  connection: DuckDBConnection,
  place: Place,
  hasTable: boolean,
): Promise<void> {
  const [offsets, sinks] = [tableIn(place, offsetsTable), tableIn(place, sinksTable)]
  await connection.run(`CREATE TABLE IF NOT EXISTS ${offsets} (
    sink VARCHAR, topic VARCHAR, partition INTEGER, next_offset BIGINT, epoch BIGINT NOT NULL,
    PRIMARY KEY (sink, topic, partition))`)
  await connection.run(`CREATE TABLE IF NOT EXISTS ${sinks} (
    sink VARCHAR, topic VARCHAR, topic_id VARCHAR NOT NULL, table_name VARCHAR NOT NULL, mode VARCHAR NOT NULL,
    filled BOOLEAN NOT NULL, PRIMARY KEY (sink, topic))`)
  const moved = await ask(
    connection,
    `SELECT 1 FROM ${offsets} WHERE ${mine(place)} AND next_offset IS NOT NULL LIMIT 1`,
  )
  if (moved.length === 0) return
  const [bound] = (await ask(
    connection,
    `SELECT topic_id, table_name, mode, filled FROM ${sinks} WHERE ${mine(place)}`,
  )) as [string, string, string, boolean][]
  const { topic, topicId, table, mode } = place
  if (bound) {
    const [boundId, boundTable, boundMode, filled] = bound
    if (boundId !== topicId)
      throw changed(
        place,
        `belong to another topic '${topic}': in another log, or one that was deleted and created again`,
      )
    if (foldedName(boundTable) !== foldedName(table))
      throw changed(place, `belong to the table ${boundTable}`)
    if (boundMode !== mode) throw changed(place, `were written in mode '${boundMode}', and this is '${mode}'`)
    if (hasTable && filled && !(await hasRows(connection, place)))
      throw changed(
        place,
        `belong to a table with rows, and it is empty: it was created again, or emptied`,
        ` If it was emptied on purpose and only new records should be loaded, run: UPDATE ${sinksTable} SET filled = false WHERE ${mine(place)};`,
      )
  }
  if (!hasTable) throw changed(place, `belong to a table that is gone`)
}

function changed(place: Place, what: string, more = ''): MillraceError {
  const { sink, path, table } = place
  const scratch = `DROP TABLE IF EXISTS ${quoted(table)}; DELETE FROM ${offsetsTable} WHERE ${mine(place)};`
  return new MillraceError(
    'SINK_CHANGED',
    `The offsets of '${sink}' in ${path} do not fit: they ${what}. To load the table ${table} from the topic's start, run in DuckDB: ${scratch} To keep the present rows, give the sink another table, and another name.${more}`,
  )
}

/** Whether the sink's table has rows. */
export async function hasRows(connection: DuckDBConnection, place: Place): Promise<boolean> {
  return (await ask(connection, `SELECT 1 FROM ${tableIn(place, place.table)} LIMIT 1`)).length > 0
}

/** The offsets of one open sink. */
export class SinkOffsets {
  /** Whether the table had rows after the last write. */
  filled: boolean
  readonly #connection: DuckDBConnection
  readonly #place: Place
  readonly #epoch: number
  readonly #partitions: number

  private constructor(
    connection: DuckDBConnection,
    place: Place,
    epoch: number,
    partitions: number,
    filled: boolean,
  ) {
    this.#connection = connection
    this.#place = place
    this.#epoch = epoch
    this.#partitions = partitions
    this.filled = filled
  }

  /**
   * Binds the sink to its topic and table, and fences earlier writers. After {@link checkOffsets}, when the
   * table exists.
   */
  static async take(connection: DuckDBConnection, place: Place, partitions: number): Promise<SinkOffsets> {
    const { sink, topic, topicId, table, mode } = place
    const [offsets, sinks] = [tableIn(place, offsetsTable), tableIn(place, sinksTable)]
    const [[last, count]] = (await ask(
      connection,
      `SELECT CAST(coalesce(max(epoch), 0) AS DOUBLE), CAST(count(*) AS INTEGER) FROM ${offsets} WHERE ${mine(place)}`,
    )) as [[number, number]]
    const epoch = last + 1
    await connection.run(`UPDATE ${offsets} SET epoch = ${epoch} WHERE ${mine(place)}`)
    await connection.run(`INSERT INTO ${offsets} BY NAME
      SELECT ${literal(sink)} AS sink, ${literal(topic)} AS topic, CAST(p AS INTEGER) AS partition, ${epoch} AS epoch
      FROM range(${partitions}) r(p) WHERE p NOT IN (SELECT partition FROM ${offsets} WHERE ${mine(place)})`)
    const filled = await hasRows(connection, place)
    const bound = [sink, topic, topicId, table, mode, filled]
    const [found] = await ask(
      connection,
      `SELECT sink, topic, topic_id, table_name, mode, filled FROM ${sinks} WHERE ${mine(place)}`,
    )
    if (!found?.every((value, i) => value === bound[i]))
      await connection.run(`INSERT OR REPLACE INTO ${sinks} (sink, topic, topic_id, table_name, mode, filled)
        VALUES (${[sink, topic, topicId, table, mode].map(literal).join(', ')}, ${filled})`)
    return new SinkOffsets(connection, place, epoch, Math.max(partitions, count), filled)
  }

  async committed(): Promise<Offsets> {
    const rows = await ask(
      this.#connection,
      `SELECT partition, CAST(next_offset AS DOUBLE) FROM ${tableIn(this.#place, offsetsTable)}
       WHERE ${mine(this.#place)} AND next_offset IS NOT NULL`,
    )
    return new Map(rows as [number, number][])
  }

  /**
   * Whether an earlier attempt at this write took effect.
   * @throws MillraceError SINK_FENCED; SINK_CHANGED if the offsets were deleted meanwhile
   */
  async isWritten(to: Offsets): Promise<boolean> {
    const { sink, path } = this.#place
    const rows = (await ask(
      this.#connection,
      `SELECT partition, CAST(next_offset AS DOUBLE), CAST(epoch AS DOUBLE) FROM ${tableIn(this.#place, offsetsTable)}
       WHERE ${mine(this.#place)}`,
    )) as [number, number | null, number][]
    if (!rows.every(([, , epoch]) => epoch === this.#epoch))
      throw new MillraceError(
        'SINK_FENCED',
        `Another writer of the sink '${sink}' has opened ${path} since, so this one may no longer write. Run one instance, or give each sink its own name.`,
      )
    if (rows.length < this.#partitions)
      throw new MillraceError(
        'SINK_CHANGED',
        `The offsets of '${sink}' in ${path} were deleted while it was open. Start the delivery again.`,
      )
    const known = new Map(rows.map(([partition, next]) => [partition, next]))
    return to.size === 0 || [...to].every(([partition, offset]) => (known.get(partition) ?? -1) >= offset)
  }

  async move(to: Offsets): Promise<void> {
    const offsets = tableIn(this.#place, offsetsTable)
    const moves = Array.from(to, ([partition, offset]) => `(${partition}, ${offset})`)
    await this.#connection.run(
      `UPDATE ${offsets} AS known SET next_offset = moved.next_offset
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
    const filled = await hasRows(this.#connection, this.#place)
    if (filled !== this.filled)
      await this.#connection.run(
        `UPDATE ${tableIn(this.#place, sinksTable)} SET filled = ${filled} WHERE ${mine(this.#place)}`,
      )
    return filled
  }
}
