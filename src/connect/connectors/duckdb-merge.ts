/**
 * The statement that brings staged rows into the table.
 *
 * `MERGE` has no defined result for two source rows of one target row, and different keys of the log may be
 * one key of the table (capitals in a UUID, `1` and `1.0`). So only the last row of each *table* key, or its
 * tombstone, reaches it. The carriers' identities decide which rows have the same key, before staging;
 * otherwise DuckDB does.
 */
import type { TableColumn } from './duckdb-columns.ts'
import { quoted } from './duckdb-database.ts'
import { staging } from './duckdb-row-checks.ts'
import { tableIn, type Place } from './duckdb-statements.ts'

/** @param isDecided whether the staged rows have one row per key already */
export function writingStatement(place: Place, columns: readonly TableColumn[], isDecided: boolean): string {
  const target = tableIn(place, place.table)
  const all = columns.map(({ name, isKey }, c) => ({ name: quoted(name), isKey, c: `c${c}` }))
  const names = all.map(({ name }) => name).join(', ')
  if (place.mode === 'append')
    return `INSERT INTO ${target} (${names}) SELECT ${all.map(({ c }) => c).join(', ')} FROM ${staging} ORDER BY i`
  const keys = all.filter(({ isKey }) => isKey)
  const sets = all.filter(({ isKey }) => !isKey).map(({ name, c }) => `${name} = s.${c}`)
  const last = `QUALIFY row_number() OVER (PARTITION BY ${keys.map(({ c }) => c).join(', ')} ORDER BY i DESC) = 1`
  return `MERGE INTO ${target} t USING ${isDecided ? staging : `(SELECT * FROM ${staging} ${last})`} s
    ON ${keys.map(({ name, c }) => `t.${name} = s.${c}`).join(' AND ')}
    WHEN MATCHED AND s.deleted THEN DELETE
    ${sets.length === 0 ? '' : `WHEN MATCHED THEN UPDATE SET ${sets.join(', ')}`}
    WHEN NOT MATCHED AND NOT s.deleted THEN INSERT (${names}) VALUES (${all.map(({ c }) => `s.${c}`).join(', ')})`
}
