import { DuckDBInstance } from '@duckdb/node-api'
import { openLog, topic } from '../src/index.ts'
import { deliver, duckdb } from '../src/connect/index.ts'
import { z } from 'zod'

const visits = topic('visits', { key: z.string(), value: z.object({ pages: z.int() }), partitions: 1 })
await using log = await openLog('./data')

const warehouse = await DuckDBInstance.create('warehouse.duckdb', { memory_limit: '1GB' })
const delivery = deliver(log, visits, duckdb(warehouse, { table: 'visits' }))

await log.producer(visits).send({ key: 'ada', value: { pages: 3 } })
await delivery.finish()

const connection = await warehouse.connect()
const result = await connection.runAndReadAll('SELECT key, pages FROM visits')
console.log(result.getRowObjectsJson())
connection.closeSync()
