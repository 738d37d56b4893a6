/**
 * Checks that only DuckDB can make, for all staged rows at once: whether texts can be cast to their types,
 * CHECK constraints, and unique keys of a table that is appended to. Other constraints (a foreign key) are
 * checked by the write.
 */
import type { DuckDBConnection } from '@duckdb/node-api'
import { quoted } from './duckdb-database.ts'
import { ask, foldedName, tableIn, whyNot, type Place } from './duckdb-statements.ts'
import type { Constraint, FoundTable } from './duckdb-table.ts'

/**
 * The staging table: the columns c0, c1, … with the table's types, texts to cast as r0, …, whether the row
 * deletes, and its index in the write.
 */
export const staging = 'temp.main.millrace_staging'

/** The check of a staged column. */
export interface StagedColumn {
  readonly name: string
  readonly type: string
  readonly isKey: boolean
  readonly isText: boolean
}

type Ask = (connection: DuckDBConnection, refuse: (index: number, reason: string) => void) => Promise<void>

export class RowChecks {
  readonly #asks: readonly Ask[]

  private constructor(asks: readonly Ask[]) {
    this.#asks = asks
  }

  static async of(
    connection: DuckDBConnection,
    place: Place,
    columns: readonly StagedColumn[],
    table: FoundTable,
  ): Promise<RowChecks> {
    const asks: Ask[] = []
    const texts = columns.flatMap(({ isText }, c) => (isText ? [c] : []))
    if (texts.length > 0) asks.push(castTexts(columns, texts))
    const unique: string[] = []
    for (const constraint of table.constraints) {
      // Updates by key check keys in another way: see checkTable.
      if (constraint.kind === 'unique' && place.mode === 'upsert') continue
      const query = queryOf(constraint, place, columns, table)
      if ((await whyNot(connection, query)) !== undefined) continue
      if (constraint.kind === 'check') asks.push(askCheck(constraint.expression, query))
      else unique.push(query)
    }
    if (unique.length > 0) asks.push(askUnique(unique))
    return new RowChecks(asks)
  }

  /** Whether the table has such checks: then all rows must be staged. */
  get any(): boolean {
    return this.#asks.length > 0
  }

  /**
   * Finds the staged rows that the table refuses, by their index, and takes them out of the staging table.
   */
  async run(connection: DuckDBConnection): Promise<Map<number, string>> {
    const reasons = new Map<number, string>()
    for (const one of this.#asks) {
      const found: number[] = []
      await one(connection, (index, reason) => {
        if (reasons.has(index)) return
        reasons.set(index, reason)
        found.push(index)
      })
      // A row that is refused for one reason must not count for the others.
      if (found.length > 0)
        await connection.run(`DELETE FROM ${staging} WHERE i IN (SELECT unnest([${found.join(', ')}]))`)
    }
    return reasons
  }
}

function castTexts(columns: readonly StagedColumn[], texts: readonly number[]): Ask {
  const casts = texts.map(c => `c${c} = TRY_CAST(r${c} AS ${columns[c]!.type})`)
  return async (connection, refuse) => {
    await connection.run(`UPDATE ${staging} SET ${casts.join(', ')}`)
    for (const c of texts) {
      const { name, type } = columns[c]!
      const query = `SELECT i, r${c} FROM ${staging} WHERE r${c} IS NOT NULL AND c${c} IS NULL`
      for (const [index, text] of (await ask(connection, query)) as [number, string][])
        refuse(index, `${text} does not fit the column ${name} ${type}`)
    }
  }
}

/**
 * The rows that break a CHECK; or of a unique key, all rows: which have the same, and whether the table has
 * it.
 */
function queryOf(
  constraint: Constraint,
  place: Place,
  columns: readonly StagedColumn[],
  table: FoundTable,
): string {
  const target = tableIn(place, place.table)
  const staged = columns.map(({ name }, c) => `s.c${c} AS ${quoted(name)}`)
  if (constraint.kind === 'unique') {
    // Only over delivered columns. A default is up to the table: a sequence gives each row a new number.
    const values = constraint.expressions.join(', ')
    const some = constraint.expressions.map(expression => `${expression} IS NOT NULL`).join(' AND ')
    return `SELECT millrace_i, CAST(dense_rank() OVER (ORDER BY ${values}) AS INTEGER),
        (${values}) IN (SELECT (${values}) FROM ${target}), CAST((${values}) AS VARCHAR)
      FROM (SELECT s.i AS millrace_i, ${staged.join(', ')} FROM ${staging} s) n WHERE ${some}`
  }
  const delivered = new Set(columns.map(({ name }) => foldedName(name)))
  const isUpdate = place.mode === 'upsert'
  // An update keeps columns that it does not deliver.
  const kept = table.columns
    .filter(({ name }) => !delivered.has(foldedName(name)))
    .map(({ name, default: initial = 'NULL' }) =>
      isUpdate
        ? `CASE WHEN t.rowid IS NULL THEN (${initial}) ELSE t.${quoted(name)} END AS ${quoted(name)}`
        : `(${initial}) AS ${quoted(name)}`,
    )
  const same = columns.flatMap(({ isKey, name }, c) => (isKey ? [`t.${quoted(name)} = s.c${c}`] : []))
  const from = isUpdate ? `${staging} s LEFT JOIN ${target} t ON ${same.join(' AND ')}` : `${staging} s`
  return `SELECT millrace_i FROM (
      SELECT s.i AS millrace_i, ${[...staged, ...kept].join(', ')} FROM ${from} WHERE NOT s.deleted
    ) n WHERE NOT (${constraint.expression})`
}

function askCheck(expression: string, query: string): Ask {
  return async (connection, refuse) => {
    for (const [index] of (await ask(connection, query)) as [number][])
      refuse(index, `it breaks the table's CHECK ${expression}`)
  }
}

/**
 * The unique key of a staged row: the group of rows with the same key, whether the table has it, and its
 * text.
 */
type UniqueKey = readonly [index: number, rank: number, isThere: boolean, text: string]

/**
 * The first row with a key stays, as if rows were inserted one by one. A refused row does not occupy its
 * keys.
 */
function askUnique(queries: readonly string[]): Ask {
  return async (connection, refuse) => {
    const keys: UniqueKey[][] = []
    for (const query of queries) keys.push((await ask(connection, query)) as unknown as UniqueKey[])
    const byRow = Map.groupBy(
      keys.flatMap((found, of) => found.map(key => ({ of, key }))),
      ({ key: [index] }) => index,
    )
    const taken = queries.map(() => new Set<number>())
    for (const index of [...byRow.keys()].sort((a, b) => a - b)) {
      const row = byRow.get(index)!
      const twice = row.find(({ of, key: [, rank, isThere] }) => isThere || taken[of]!.has(rank))
      if (twice) refuse(index, `the table has a row with ${twice.key[3]} already`)
      else for (const { of, key } of row) taken[of]!.add(key[1])
    }
  }
}
