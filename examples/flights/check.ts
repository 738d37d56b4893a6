/**
 * Stream = batch: SQL over the source files answers the questions that the app answered record by record. The
 * tables must be equal, row by row and value by value.
 */
import { airportsFile, flightsFile, withinDays } from './extract.ts'
import type { Warehouse } from './warehouse.ts'

export interface TableCheck {
  readonly table: string
  readonly what: string
  readonly rows: number
  /**
   * The rows of the batch answer that the stream's lacks or has with other values, and the rows of the
   * stream's that the batch answer lacks.
   */
  readonly missing: number
  readonly unexpected: number
}

export async function checkTables(warehouse: Warehouse, days: number): Promise<TableCheck[]> {
  const flights = `(SELECT * FROM read_parquet('${flightsFile}') WHERE ${withinDays(days)})`
  const hours = `
    SELECT origin, date_trunc('hour', date) AS hour, count(*) AS flights,
      CAST(sum(delay) AS DOUBLE) / count(*) AS mean_delay, max(delay) AS max_delay,
      CAST(count(*) FILTER (delay > 15) AS DOUBLE) / count(*) AS late_share
    FROM ${flights} GROUP BY ALL`
  const questions = [
    {
      table: 'delays_by_hour',
      what: 'airport-hours',
      batch: `
        SELECT origin, a.name, a.city, a.state, hour, flights, mean_delay, max_delay, late_share
        FROM (${hours}) JOIN read_csv('${airportsFile}', all_varchar = true) a ON a.iata = origin`,
    },
    {
      table: 'arrivals_by_day',
      what: 'destination-days',
      batch: `SELECT destination, CAST(date_trunc('day', date) AS TIMESTAMP), count(*) FROM ${flights} GROUP BY ALL`,
    },
    {
      table: 'alerts',
      what: 'alerts',
      batch: `SELECT origin, hour, flights, mean_delay FROM (${hours}) WHERE flights >= 20 AND mean_delay > 90`,
    },
    {
      table: 'storms',
      what: 'storms',
      // A flight begins a storm if the one before it is more than the gap ago. The number of storms begun so
      // far identifies the storm.
      batch: `
        SELECT origin, min(date), max(date) + INTERVAL 30 MINUTE, count(*), max(delay) FROM (
          SELECT *, sum(begins) OVER (PARTITION BY origin ORDER BY date, n) AS storm FROM (
            SELECT origin, date, delay, n,
              CASE WHEN date - lag(date) OVER (PARTITION BY origin ORDER BY date, n) <= INTERVAL 30 MINUTE THEN 0 ELSE 1 END AS begins
            FROM (SELECT *, row_number() OVER () AS n FROM ${flights} WHERE delay > 15)
          )
        ) GROUP BY origin, storm`,
    },
  ]
  const checks: TableCheck[] = []
  for (const { table, what, batch } of questions) {
    const [found] = await warehouse.ask(`
      WITH sides AS (SELECT *, 1 AS side FROM (${batch}) UNION ALL SELECT *, -1 FROM ${table}),
        differences AS (SELECT * EXCLUDE side, sum(side) AS n FROM sides GROUP BY ALL HAVING n <> 0)
      SELECT (SELECT count(*) FROM ${table}) AS rows,
        coalesce(sum(n) FILTER (n > 0), 0) AS missing,
        coalesce(-sum(n) FILTER (n < 0), 0) AS unexpected
      FROM differences`)
    checks.push({
      table,
      what,
      rows: Number(found!['rows']),
      missing: Number(found!['missing']),
      unexpected: Number(found!['unexpected']),
    })
  }
  return checks
}
