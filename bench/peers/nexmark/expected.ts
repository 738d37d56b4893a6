/** What DuckDB gives for the SQL of the queries. */
import { closeSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { eventOf } from '../../../test/nexmark/events.ts'
import { queries } from '../../../test/nexmark/queries.ts'
import type { Row } from '../../../test/nexmark/topics.ts'
import { eventsPerSecond } from '../../nexmark-events.ts'
import type { Loop } from '../../nexmark-loops.ts'
import { type RowsDigest, RowsDigester } from '../../nexmark-rows.ts'

const names = ['people', 'auctions', 'bids'] as const

/** By query. The events pass through files of JSON in the folder. */
export async function expectedResults(
  folder: string,
  events: number,
  wanted: (id: number) => boolean,
  loops: readonly Loop[],
): Promise<Map<string, RowsDigest>> {
  const files = names.map(name => join(folder, `${name}.json`))
  const outputs = files.map(file => openSync(file, 'w'))
  for (let id = 0; id < events; id += 1) {
    if (!wanted(id)) continue
    const event = eventOf(id, { seed: 1, eventsPerSecond })
    const [output, value] =
      'person' in event
        ? [outputs[0]!, event.person]
        : 'auction' in event
          ? [outputs[1]!, event.auction]
          : [outputs[2]!, { id, ...event.bid }]
    writeSync(output, `${JSON.stringify(value)}\n`)
  }
  for (const output of outputs) closeSync(output)

  const instance = await DuckDBInstance.create(':memory:')
  const database = await instance.connect()
  for (const [n, name] of names.entries())
    if (loops.some(({ reads }) => reads.includes(name)))
      await database.run(`CREATE TABLE ${name} AS FROM read_json('${files[n]!}')`)
  const results = new Map<string, RowsDigest>()
  for (const { query, keyOf } of loops) {
    const { sql } = queries.find(({ name }) => name.startsWith(`${query}:`))!
    const digester = new RowsDigester(keyOf)
    for (const row of (await database.runAndReadAll(sql)).getRowsJS())
      digester.add(row.map(cell => (typeof cell === 'bigint' ? Number(cell) : cell)) as unknown as Row)
    results.set(query, digester.result())
  }
  database.closeSync()
  return results
}
