/** Load: a table of the warehouse for each topic that the app writes. */
import type { Log } from '../../src/index.ts'
import { deliver, duckdb, type ConnectObserver, type Delivery } from '../../src/connect/index.ts'
import { alerts, arrivalsByDay, delaysByHour, storms } from './topics.ts'

const timestamp = <P extends string>(from: P): { readonly from: P; readonly type: 'TIMESTAMP' } => ({
  from,
  type: 'TIMESTAMP',
})

/** Keeps the tables equal to the topics, until each delivery is told to finish or to stop. */
export function load(log: Log, warehouse: string, observer: ConnectObserver): Delivery[] {
  // Rows are held until they are written.
  const options = { observer, commitInterval: '5s', transactionRows: 20_000 } as const
  const memoryLimit = '64MB'
  return [
    deliver(
      log.port,
      delaysByHour,
      duckdb(warehouse, {
        table: 'delays_by_hour',
        columns: {
          origin: 'key.key',
          airport: 'value.airport',
          city: 'value.city',
          state: 'value.state',
          hour: timestamp('key.start'),
          flights: 'value.flights',
          mean_delay: 'value.mean_delay',
          max_delay: 'value.max_delay',
          late_share: 'value.late_share',
        },
        memoryLimit,
      }),
      options,
    ),
    deliver(
      log.port,
      arrivalsByDay,
      duckdb(warehouse, {
        table: 'arrivals_by_day',
        columns: { destination: 'key.key', day: timestamp('key.start'), flights: 'value.flights' },
        memoryLimit,
      }),
      options,
    ),
    deliver(
      log.port,
      alerts,
      duckdb(warehouse, {
        table: 'alerts',
        columns: {
          origin: 'key.key',
          hour: timestamp('key.start'),
          flights: 'value.flights',
          mean_delay: 'value.mean_delay',
        },
        memoryLimit,
      }),
      options,
    ),
    deliver(
      log.port,
      storms,
      duckdb(warehouse, {
        table: 'storms',
        columns: {
          origin: 'key.key',
          start: timestamp('key.start'),
          end: timestamp('key.end'),
          flights: 'value.flights',
          max_delay: 'value.max_delay',
        },
        memoryLimit,
      }),
      options,
    ),
  ]
}
