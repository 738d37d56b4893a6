/** Nexmark's queries give what DuckDB gives for their SQL over the same events. */
import { deepEqual, ok } from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import { json, topic, type Topic } from '../../src/schema/index.ts'
import { App } from '../../src/stream/index.ts'
import { testApp } from '../../src/testing/index.ts'
import { quick, scale } from '../scale.ts'
import { eventOf } from './events.ts'
import { queries, type Query } from './queries.ts'
import { auctions, bids, people, remarkCount, remarks, type Row } from './topics.ts'

const options = { seed: 1, eventsPerSecond: 100 }
/** So long after its time the app gets an event. */
const delayMs = 3000
const results = topic('results', { key: json<unknown>(), value: json<Row>() })
const known = Array.from({ length: remarkCount }, (_, id) => ({ id, remark: `remark ${id}` }))
const events = Array.from({ length: scale(40_000) }, (_, id) => eventOf(id, options))

let database: DuckDBConnection
before(async () => {
  const instance = await DuckDBInstance.create(':memory:')
  database = await instance.connect()
  await fill(database)
})
after(() => database.closeSync())

async function fill(connection: DuckDBConnection): Promise<void> {
  const tables = {
    remarks: known,
    people: events.flatMap(event => ('person' in event ? [event.person] : [])),
    auctions: events.flatMap(event => ('auction' in event ? [event.auction] : [])),
    bids: events.flatMap(event =>
      'bid' in event ? [{ id: event.id, arrived: event.bid.dateTime + delayMs, ...event.bid }] : [],
    ),
  }
  for (const [name, rows] of Object.entries(tables)) {
    const columns = Object.entries(rows[0]!).map(
      ([column, value]) => `${column} ${typeof value === 'number' ? 'BIGINT' : 'VARCHAR'}`,
    )
    await connection.run(`CREATE TABLE ${name} (${columns.join()})`)
    const values = rows.map(row => `(${Object.values(row).map(sqlOf).join()})`)
    await connection.run(`INSERT INTO ${name} VALUES ${values.join()}`)
  }
}

function sqlOf(value: string | number): string {
  return typeof value === 'number' ? `${value}` : `'${value.replaceAll("'", "''")}'`
}

/** Whole numbers of DuckDB are exact here: they are ids, times and sums of a few prices. */
function inJson(row: readonly unknown[]): string {
  return JSON.stringify(row.map(value => (typeof value === 'bigint' ? Number(value) : value)))
}

/** The rows at the end: all of a stream, the latest for each key of a table. */
function rowsOf(build: Query['build']): string[] {
  const app = new App('nexmark')
  build(app, results)
  const run = testApp(app)
  let now = 0
  const reads = new Set(app.plan().stages.flatMap(({ sources }) => sources.map(source => source.topic.name)))
  if (reads.has(remarks.name))
    run.input(remarks).push(...known.map(({ id, remark }) => ({ key: id, value: remark, timestamp: 0 })))
  for (const event of events)
    if ('person' in event) push(people, event.person.id, event.person)
    else if ('auction' in event) push(auctions, event.auction.id, event.auction)
    else push(bids, event.id, event.bid)
  run.advanceTime(Number.POSITIVE_INFINITY)
  const rows = new Map<string, string>()
  for (const { key, value } of run.output(results).read())
    if (value === null) rows.delete(JSON.stringify(key))
    else rows.set(JSON.stringify(key), JSON.stringify(value))
  return [...rows.values()].sort()

  function push<V extends { readonly dateTime: number }>(to: Topic<number, V>, key: number, value: V): void {
    run.advanceWallClock(value.dateTime + delayMs - now)
    now = value.dateTime + delayMs
    if (reads.has(to.name)) run.input(to).push({ key, value, timestamp: value.dateTime })
  }
}

for (const { name, build, sql } of queries)
  test(name, async () => {
    const expected = (await database.runAndReadAll(sql)).getRowsJS()
    const found = rowsOf(build)
    ok(quick || found.length > 0)
    deepEqual(found, expected.map(inJson).sort())
  })
