/** The results that the demo shows at its end. */
import { styleText } from 'node:util'
import type { Metrics } from '../../src/index.ts'
import type { TableCheck } from './check.ts'
import type { Warehouse } from './warehouse.ts'

export async function worstHours(warehouse: Warehouse): Promise<string> {
  const rows = await warehouse.ask(`
    SELECT origin, airport, city || ', ' || state AS place, strftime(hour, '%a %-d %b, %H:%M') AS hour, flights,
      round(mean_delay) AS mean, max_delay AS max, round(late_share * 100) AS late
    FROM alerts JOIN delays_by_hour USING (origin, hour, flights, mean_delay) ORDER BY mean_delay DESC LIMIT 10`)
  const line = (cells: readonly unknown[]): string =>
    cells
      .map((cell, c) => (c < 4 ? String(cell).padEnd(widths[c]!) : String(cell).padStart(widths[c]!)))
      .join('  ')
  const widths = [6, 28, 18, 18, 7, 9, 9, 5]
  return [
    styleText('bold', 'The worst hours: flights to leave an airport in that hour'),
    styleText(
      'gray',
      line(['origin', 'airport', '', 'hour (UTC)', 'flights', 'mean min', 'max min', 'late']),
    ),
    ...rows.map(({ origin, airport, place, hour, flights, mean, max, late }) =>
      line([
        origin,
        cut(String(airport), 28),
        cut(String(place), 18),
        hour,
        flights,
        mean,
        max,
        `${String(late)}%`,
      ]),
    ),
  ].join('\n')
}

const eighths = ['', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█']
const height = 5

/** Mean delay by week, as columns of blocks. */
export async function picture(warehouse: Warehouse): Promise<string> {
  const weeks = await warehouse.ask(`
    SELECT CAST(date_diff('day', TIMESTAMP '2001-01-01', hour) // 7 AS INTEGER) AS week, strftime(min(hour), '%b') AS month,
      CAST(sum(mean_delay * flights) / sum(flights) AS DOUBLE) AS mean
    FROM delays_by_hour GROUP BY week HAVING sum(flights) > 1000 ORDER BY week`)
  const means = weeks.map(({ mean }) => Number(mean))
  const most = Math.max(...means)
  const rows = Array.from({ length: height }, (_, r) => {
    const floor = height - 1 - r
    const columns = means.map(mean => {
      const filled = Math.max(0, Math.min(8, Math.round((Math.max(mean, 0) / most) * height * 8) - floor * 8))
      return (eighths[filled] || ' ').repeat(2)
    })
    const scale = r === 0 ? `${most.toFixed(0)} min` : r === height - 1 ? '0' : ''
    return `${scale.padStart(7)} │${styleText('yellow', columns.join(' '))}`
  })
  let month = ''
  const months = weeks.map(week => {
    const name = String(week['month'])
    const label = name === month ? '' : name
    month = name
    return label.padEnd(3)
  })
  return [
    styleText('bold', 'Mean delay by week'),
    ...rows,
    `${' '.repeat(8)}└${'─'.repeat(weeks.length * 3)}`,
    `${' '.repeat(9)}${months.join('')}`,
  ].join('\n')
}

export function panes({ results, dropped }: Metrics): string {
  const lost = Object.values(dropped).reduce((sum, n) => sum + n, 0)
  return (
    `Results in this run: ${number(results.early)} early, ${number(results['on-time'])} on time, ` +
    `${number(results.late)} as corrections for late flights. Records dropped: ${number(lost)}.`
  )
}

export function verdict(checks: readonly TableCheck[]): string {
  const equal = checks.every(isEqual)
  return [
    styleText('bold', 'stream = batch: the same questions, asked of the source files in SQL'),
    ...checks.map(
      check =>
        `  ${isEqual(check) ? styleText('green', '✔') : styleText('red', '✘')} ${number(check.rows).padStart(7)} ${check.what}` +
        (isEqual(check)
          ? ''
          : `: ${number(check.missing)} missing or different, ${number(check.unexpected)} not in the batch`),
    ),
    equal
      ? styleText('green', 'Every row is identical.')
      : styleText('red', 'The tables differ: this is a bug in millrace.'),
  ].join('\n')
}

export const isEqual = ({ missing, unexpected }: TableCheck): boolean => missing === 0 && unexpected === 0

export const number = (n: number): string => n.toLocaleString('en')

const cut = (text: string, length: number): string =>
  text.length <= length ? text : `${text.slice(0, length - 1)}…`
