/** Extract: the files as sources. */
import { fileURLToPath } from 'node:url'
import type { Log } from '../../src/index.ts'
import { csv, parquet, publish, type ConnectObserver, type PublishStats } from '../../src/connect/index.ts'
import { airports, flights } from './topics.ts'

// The package's main module is in build/, its files are in data/.
const file = (name: string): string =>
  fileURLToPath(new URL(`../data/${name}`, import.meta.resolve('vega-datasets')))
export const flightsFile = file('flights-3m.parquet')
export const airportsFile = file('airports.csv')

/** The default number of days: a quarter of 2001. */
export const quarter = 90
/** All days of the file. */
export const allDays = 181

/** The SQL filter for the flights of the first days. */
export function withinDays(days: number): string {
  return `date < TIMESTAMP '2001-01-01' + to_days(${days})`
}

export interface ExtractOptions {
  readonly days: number
  readonly signal: AbortSignal
  readonly observer: ConnectObserver
}

/** The airports come first, since flights are joined to their table. */
export function publishAirports(log: Log, signal: AbortSignal): Promise<PublishStats> {
  const columns = { iata: 'string', name: 'string', city: 'string', state: 'string' } as const
  return publish(log.port, airports, csv(airportsFile, { columns }), {
    key: row => row.iata,
    value: ({ name, city, state }) => ({ name, city, state }),
    signal,
  })
}

/**
 * The flights in the order in which they landed, which differs from the order of their scheduled departures.
 */
export function publishFlights(log: Log, { days, signal, observer }: ExtractOptions): Promise<PublishStats> {
  const source = parquet(flightsFile, {
    columns: {
      row: 'integer',
      departure: 'timestamp',
      delay: 'integer',
      distance: 'integer',
      origin: 'string',
      destination: 'string',
    },
    select: { row: 'file_row_number', departure: 'date' },
    where: withinDays(days),
    // One thread sorts in less memory, and rows come faster than they are published.
    memoryLimit: '48MB',
    threads: 1,
    orderBy: ['date + to_minutes(delay + 30 + distance // 8)'],
  })
  return publish(log.port, flights, source, {
    key: row => row.origin,
    value: ({ row, departure, delay, distance, destination }) => ({
      row,
      departure,
      delay,
      distance,
      destination,
    }),
    signal,
    observer,
  })
}
