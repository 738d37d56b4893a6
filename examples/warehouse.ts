import { openLog, topic } from '../src/index.ts'
import { csv, deliver, duckdb, publish } from '../src/connect/index.ts'
import { z } from 'zod'

const airports = topic('airports', {
  key: z.string(), // the code
  value: z.object({ name: z.string(), altitude: z.int() }),
})

await using log = await openLog('./data')

// Publishes what it has not published before: the place in the file is kept with the records, in one
// transaction.
await publish(
  log,
  airports,
  csv('airports.csv', { columns: { code: 'string', name: 'string', altitude: 'integer' } }),
  { key: row => row.code, value: ({ name, altitude }) => ({ name, altitude }) },
)

// Keeps a table as the topic has it: the latest row per key. Its offsets are kept in the warehouse, in one
// transaction with the rows.
const delivery = deliver(
  log,
  airports,
  duckdb('warehouse.duckdb', {
    table: 'airports',
    columns: { code: 'key', name: 'value.name', altitude: 'value.altitude' },
  }),
  { until: 'end' },
)
console.log(`${(await delivery.done).delivered} rows delivered`)
